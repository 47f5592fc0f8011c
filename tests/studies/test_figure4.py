import json
from dataclasses import replace
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.evaluation.bootstrap import Estimate
from grit.runs.results import OtherSchema
from grit.studies.correlation_study import Correlation
from grit.studies.figure4 import (
    FIGURE4,
    METHODS,
    WRITTEN,
    CorrelatedRun,
    Figure4,
)
from grit.studies.figure_runs import RunName, Unfinished, draws_of


def correlation(mean: float, *, failures: int = 0) -> Correlation:
    interval = Estimate(mean, mean - 0.1, mean + 0.1, 10)
    return Correlation((mean, mean), mean, 0.02, interval, {"vsr": interval}, 5, failures)


def run(method: str, mean: float, seed: int = 0, model: str = "tiny_qwen") -> CorrelatedRun:
    name = RunName(f"runs/{method}{seed}", model, "shapes", method, seed, "abc")
    found = {"random": correlation(mean), "same_sizes": correlation(mean - 0.2)}
    return CorrelatedRun(name, rows=20, grounded=15, judged=10, correlations=found)


def of(seed: int, mean: float, **named: str) -> CorrelatedRun:
    found = run("grit", mean, seed)
    return replace(found, run=replace(found.run, **named))


def labels(*runs: CorrelatedRun) -> list[tuple[str, int]]:
    return [
        (row.name.method, len(row.runs)) for row in Figure4("rules", 2, 10, 0, runs=runs).groups
    ]


RUNS = [
    run("icl", 0.6),
    *(run("grit", mean, seed) for seed, mean in enumerate((0.8, 0.9))),
    run(WRITTEN, 1.0),
]


def test_seeds_of_a_method_are_one_bar_and_methods_stand_in_the_papers_order(
    tmp_path: Path,
) -> None:
    found = json.loads(FIGURE4.write(Figure4("rules", 2, 10, 0, runs=RUNS), tmp_path).read_text())
    assert [(bar["method"], bar["runs"]) for bar in found["bars"]] == [
        (WRITTEN, 1),
        ("grit", 2),
        ("icl", 1),
    ]
    grit = found["bars"][1]["random"]
    assert grit["mean"] == pytest.approx(0.85)
    assert (grit["n"], found["bars"][2]["random"]["n"]) == (2, 10)  # over runs, over chains
    assert found["judge"] == "rules"
    assert [each["grounded"] for each in found["runs"]] == [15] * 4
    assert found["runs"][0]["same_sizes"]["repeats"] == pytest.approx([0.4, 0.4])
    assert FIGURE4.svg(Figure4("rules", 2, 10, 0, runs=RUNS)).count("own boxes picked") == 1


def test_runs_on_the_same_triplets_are_one_draw_whatever_their_data_seed() -> None:
    runs = [run("grit", mean, seed) for seed, mean in enumerate((0.8, 0.9, 0.7))]
    seeded = [replace(one, run=replace(one.run, data_seed=one.run.seed)) for one in runs]
    same = [replace(one, run=replace(one.run, triplets="t")) for one in seeded]
    assert draws_of(seeded) == [0, 1, 2]  # of records that do not know the triplets
    assert draws_of(same) == ["t"] * 3
    table, *_ = FIGURE4.tables(Figure4("rules", 2, 10, 0, runs=same), "Figure 4", [])
    assert [row.label for section in table.sections for row in section.rows] == ["GRIT, 3 seeds"]


def test_the_record_holds_the_whole_figure(tmp_path: Path) -> None:
    gone = Unfinished("sft0", "no memory", "tiny_internvl", "shapes", "sft", 1)
    figure = Figure4(
        *("openai", 2, 10, 3),
        runs=[*RUNS, of(2, 0.7, code="c")],
        unfinished=[gone],
        expected=list(METHODS),
    )
    assert FIGURE4.read(FIGURE4.write(figure, tmp_path)) == figure


def test_records_that_cannot_be_read(tmp_path: Path) -> None:
    path = FIGURE4.write(Figure4("rules", 2, 10, 0, runs=RUNS), tmp_path)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"schema_version": 9}))
    with pytest.raises(OtherSchema, match="expected schema_version 1, found 9"):
        FIGURE4.read(path)
    for damaged in ("{", "[]", json.dumps(record | {"runs": [{}]})):
        path.write_text(damaged)
        with pytest.raises(GritError, match=r"figure4\.json: is not as this version writes it"):
            FIGURE4.read(path)


def test_methods_without_a_run_are_bars_marked_as_missing() -> None:
    failed = Unfinished("refused", "no memory", "tiny_internvl", "shapes", "icl")
    figure = Figure4("rules", 2, 10, 0, runs=RUNS, unfinished=[failed], expected=METHODS)
    assert [(row.name.model, row.name.method, len(row.runs)) for row in figure.groups] == [
        ("tiny_qwen", WRITTEN, 1),
        ("tiny_qwen", "grit", 2),
        ("tiny_qwen", "sft", 0),
        ("tiny_qwen", "icl", 1),
        *(("tiny_internvl", name, 0) for name in ("grit", "sft", "icl")),
    ]
    assert FIGURE4.svg(figure).count("sft: missing") == 2
    assert "missing" not in FIGURE4.svg(replace(figure, runs=RUNS, unfinished=[], expected=()))


def test_models_have_panels_of_their_own() -> None:
    runs = [run("grit", 0.9), run("grit", 0.5, model="tiny_internvl")]
    svg = FIGURE4.svg(Figure4("rules", 2, 10, 0, runs=runs))
    assert svg.count('class="panel"') == 2
    assert svg.index("tiny_qwen, shapes") < svg.index("tiny_internvl, shapes")


def test_other_rewards_and_settings_are_bars_of_their_own() -> None:
    plain = [of(0, 0.9, reward="grpo_gr", settings="a"), of(1, 0.8, reward="grpo_gr", settings="a")]
    assert labels(*plain) == [("grit", 2)]
    other = of(0, 0.6, reward="answer_only", settings="b")
    rewards = [("grit (reward=grpo_gr)", 2), ("grit (reward=answer_only)", 1)]
    assert labels(*plain, other) == rewards
    slower = of(0, 0.6, reward="grpo_gr", settings="c")
    assert labels(*plain, slower) == [("grit (settings=a)", 2), ("grit (settings=c)", 1)]
    assert labels(*plain, other, slower)[2] == ("grit (reward=grpo_gr, settings=c)", 1)
    said = of(0, 0.6, reward="grpo_gr", settings="c", differs="training.beta=0.02")
    assert labels(*plain, said)[1] == ("grit (training.beta=0.02)", 1)


def test_other_code_and_other_questions_are_no_further_seeds() -> None:
    old, new, moved = of(0, 0.9, code="a"), of(1, 0.8, code="b"), of(2, 0.8, code="b")
    assert labels(old, new, moved) == [("grit (code=a)", 1), ("grit (code=b)", 2)]
    asked = [of(0, 0.9, questions="q"), of(1, 0.9, questions="r")]
    assert labels(*asked) == [("grit (questions=q)", 1), ("grit (questions=r)", 1)]
    asked = [of(0, 0.9, suite="dev", questions="q"), of(1, 0.9, suite="test", questions="r")]
    assert labels(*asked) == [("grit (suite=dev)", 1), ("grit (suite=test)", 1)]
