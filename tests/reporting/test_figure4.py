import json
from dataclasses import replace
from pathlib import Path

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.correlation import Correlation
from grit.reporting.figure4 import WRITTEN, CorrelatedRun, Figure4, to_markdown, write_figure4
from grit.reporting.figure_runs import RunName, Unfinished


def correlation(mean: float, *, failures: int = 0) -> Correlation:
    interval = Estimate(mean, mean - 0.1, mean + 0.1, 10)
    return Correlation((mean, mean), mean, 0.02, interval, {"vsr": interval}, 5, failures)


def run(method: str, mean: float, seed: int = 0, model: str = "tiny_qwen") -> CorrelatedRun:
    name = RunName(f"runs/{method}{seed}", model, "shapes", method, seed, "abc")
    found = {"random": correlation(mean), "same_sizes": correlation(mean - 0.2)}
    return CorrelatedRun(name, rows=20, grounded=15, judged=10, correlations=found)


RUNS = [
    run("icl", 0.6),
    *(run("grit", mean, seed) for seed, mean in enumerate((0.8, 0.9))),
    run(WRITTEN, 1.0),
]


def test_seeds_of_a_method_are_one_bar_and_methods_stand_in_the_papers_order(
    tmp_path: Path,
) -> None:
    write_figure4(Figure4("rules", 2, 10, 0, RUNS), tmp_path)
    found = json.loads((tmp_path / "figure4.json").read_text())
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
    assert (tmp_path / "figure4.svg").read_text().count("own boxes picked") == 1


def test_the_table_says_who_judged_and_what_is_missing() -> None:
    gone = Unfinished("runs/sft0", "predictions.jsonl is missing")
    text = to_markdown(Figure4("openai", 2, 10, 0, RUNS, [gone]))
    assert "Judge: **openai**" in text
    assert "| tiny_qwen | icl | 1 | 75% (10 judged) | 0.600 [0.500, 0.700] |" in text
    assert "| 0.020 | 25% |" in text
    assert "runs/sft0: no part of the figure: predictions.jsonl is missing" in text
    assert "| sft |" not in text
    assert f"*{WRITTEN}*" not in to_markdown(Figure4("rules", 2, 10, 0, RUNS[:1]))


def test_models_have_panels_of_their_own(tmp_path: Path) -> None:
    runs = [run("grit", 0.9), run("grit", 0.5, model="tiny_internvl")]
    write_figure4(Figure4("rules", 2, 10, 0, runs), tmp_path)
    svg = (tmp_path / "figure4.svg").read_text()
    assert svg.count('class="panel"') == 2
    assert svg.index("tiny_qwen, shapes") < svg.index("tiny_internvl, shapes")


def test_other_rewards_and_settings_are_bars_of_their_own() -> None:
    def of(seed: int, mean: float, reward: str, settings: str) -> CorrelatedRun:
        found = run("grit", mean, seed)
        return replace(found, run=replace(found.run, reward=reward, settings=settings))

    plain = [of(0, 0.9, "grpo_gr", "a"), of(1, 0.8, "grpo_gr", "a")]
    text = to_markdown(Figure4("rules", 2, 10, 0, [*plain, of(0, 0.6, "answer_only", "b")]))
    assert "| tiny_qwen | grit (reward=grpo_gr) | 2 |" in text
    assert "| tiny_qwen | grit (reward=answer_only) | 1 |" in text
    text = to_markdown(Figure4("rules", 2, 10, 0, [*plain, of(0, 0.6, "grpo_gr", "b")]))
    assert "| tiny_qwen | grit (settings=b) | 1 |" in text
    assert "| tiny_qwen | grit | 2 |" in to_markdown(Figure4("rules", 2, 10, 0, plain))
