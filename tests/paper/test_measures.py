import json
from collections.abc import Callable
from dataclasses import replace
from math import hypot
from pathlib import Path

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, t95
from grit.figures.table import Mean
from grit.paper.measures import difference_cell, measured, pooled
from grit.runs.finished import FinishedRun
from grit.runs.printed import SETS
from grit.runs.results import Results, SetResult


def test_half_an_interval_or_its_ends() -> None:
    """Half of it where it says nothing else than the ends do, and where it can be."""
    share = Bounds(0, 100)
    cases = {
        (93.7, 90.7, 96.3): "93.7 ± 2.8",
        (95.0, 87.5, 100.0): "95.0 [87.5, 100.0]",
        (99.0, 97.7, 100.0): "99.0 [97.7, 100.0]",
        (100.0, 100.0, 100.0): "100.0 ± 0.0",
        (50.0, 0.0, 100.0): "50.0 ± 50.0",
        (-2.0, -3.0, -1.0): "−2.0 [−3.0, −1.0]",  # below what it can be: not the table's doing
    }
    shown = {ends: measured(Mean(*ends, 1), 1, share).text for ends in cases}
    assert shown == cases
    assert measured(Mean(1.0, None, None, 1), 1, share).text == "1.0"
    assert measured(None, 1, share).text == "–"


def test_sets_together_keep_the_sides_of_their_intervals() -> None:
    sets = {
        "vsr": Estimate(95.0, 85.0, 100.0, 30),
        "tallyqa": Estimate(80.0, 76.0, 83.0, 10),
    }
    found = pooled(results_with(sets), ["vsr", "tallyqa"], "acc")
    assert found is not None
    below, above = hypot(0.75 * 10, 0.25 * 4), hypot(0.75 * 5, 0.25 * 3)
    assert found == pytest.approx((91.25, 91.25 - below, 91.25 + above, 40))
    alone = pooled(results_with(sets), ["vsr"], "acc")
    assert alone == pytest.approx(sets["vsr"])


def test_sets_together_have_no_acc_if_the_judge_failed_on_all_of_one() -> None:
    sets = {"vsr": Estimate(95.0, 85.0, 100.0, 30), "tallyqa": Estimate(None, None, None, 0)}
    assert pooled(results_with(sets), ["vsr", "tallyqa"], "acc") is None


def test_what_the_judge_failed_on_in_one_set_changes_the_weight_of_none() -> None:
    vsr, tallyqa = Estimate(73.0, 70.0, 76.0, 288), Estimate(48.0, 40.0, 56.0, 100)
    results = replace(
        results_with({"vsr": vsr}),
        sets={
            "vsr": SetResult(288, 0, {"acc": vsr}),
            "tallyqa": SetResult(491, 391, {"acc": tallyqa}),
        },
    )
    found = pooled(results, ["vsr", "tallyqa"], "acc")
    assert found is not None
    assert found.mean == pytest.approx((288 * 73 + 491 * 48) / 779)
    assert found.n == 388


def results_with(sets: dict[str, Estimate]) -> Results:
    """Results that have ACC alone."""
    found = {name: SetResult(each.n, 0, {"acc": each}) for name, each in sets.items()}
    return Results("grit", "tiny_qwen", "shapes", "grpo_gr", "rules", 0, "0" * 12, found)


def test_a_difference_counts_questions_of_one_picture_together(run: Callable[..., Path]) -> None:
    was, now = run("a", {"vsr": (0.0,) * 40}), run("b", {"vsr": (0.0, 0.0, 1.0, 1.0) * 10})
    vsr = SETS[:1]
    assert vsr[0].names[0] == "vsr"

    def half() -> float:
        runs = [FinishedRun.read(folder) for folder in (was, now)]
        mean = difference_cell(runs[:1], runs[1:], vsr, "acc").mean
        assert mean is not None
        assert mean.high is not None
        return mean.high - mean.mean

    alone = half()
    path = now / "predictions.jsonl"  # one of the two runs is enough: they were asked the same
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    named = [row | {"image": f"{place // 2}"} for place, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row) + "\n" for row in named))
    # 20 pictures instead of 40 questions: variances of 1/19 and 1/39, and Student's t of both.
    assert half() / alone == pytest.approx(t95(19) / t95(39) * (39 / 19) ** 0.5)
