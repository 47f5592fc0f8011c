"""The page of many runs, from runs that were never run."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished_runs import drawn_rows, results_of
from PIL import Image

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import Space
from grit.judge.rules import RulesJudge
from grit.pages.experiment import Section
from grit.paper.experiment_page import write_page
from grit.runs.finished import FinishedRun, find_runs
from grit.runs.job_log import Job, Outcome
from grit.runs.results import write_predictions, write_results

MODELS = ("tiny_internvl", "tiny_qwen")
SEEDS = {"cot": 1, "direct": 1, "grit": 5, "icl": 1, "sft": 5}  # 26 runs of two models
Rows = dict[str, list[ScoredPrediction]]


def config_of(method: str, model: str) -> dict[str, Any]:
    asked = {"suffix": method != "direct", "example": method == "icl", "tagged_answer": True}
    return {"model": {"name": model}, "method": {"name": method} | asked, "threads": 1}


def write_runs(root: Path, before: Rows, after: Rows, steps: int) -> list[FinishedRun]:
    """The 26 runs of table 1; what is trained says ``after``, whatever else ``before``."""
    for name, rows in (("before", before), ("after", after)):
        write_predictions(root / f"{name}.jsonl", rows)
    metrics = "".join(
        json.dumps({"step": s, "train/reward": s % 7, "train/reward_part/bleu": s % 3}) + "\n"
        for s in range(steps)
    )
    made = {name: results_of(rows) for name, rows in (("before", before), ("after", after))}
    for method, seeds in SEEDS.items():
        name = "after" if method in ("grit", "sft") else "before"
        for model in MODELS:
            for seed in range(seeds):
                folder = root / f"{model}-{method}-{seed}"
                results = replace(made[name], method=method, model=model, seed=seed)
                write_results(folder / "results.json", results)
                shutil.copy(root / f"{name}.jsonl", folder / "predictions.jsonl")
                (folder / "config.yaml").write_text(yaml.safe_dump(config_of(method, model)))
                (folder / "report.html").touch()
                if name == "after":
                    (folder / "metrics.jsonl").write_text(metrics)
    return find_runs([root])


def write(root: Path, runs: list[FinishedRun], **more: Any) -> str:
    path = root / "table1" / "report.html"
    sections = [Section("The table", "<table></table>")]
    write_page(path, "Table 1", runs, sections, ["experiment=table1"], **more)
    return path.read_text(encoding="utf-8")


def test_every_model_and_method_shows_its_chains(tmp_path: Path) -> None:
    runs = write_runs(tmp_path, drawn_rows(range(6)), drawn_rows([1]), steps=3)
    failed = [
        Job("f", Outcome.failed, "tiny_qwen", "shapes", "s", "grit", "grpo_gr", 9, error="no room")
    ]
    page = write(tmp_path, runs, failed=failed)
    shown = re.findall(r'<option value="\d+">([^<]+)</option>', page)
    assert shown == [
        f"{method} · {model} · seed 0"
        for method in ("grit", "sft", "icl", "cot", "direct")
        for model in MODELS
    ]
    assert "16 of 26 runs are not shown here" in page
    assert '<a href="../tiny_qwen-sft-4/report.html">sft · tiny_qwen · seed 4</a></li>' in page
    # What the untrained run said is what was said before, of the same model.
    assert page.count('data-kind="fixed"') == 4 * 5  # every row of a small set is shown
    assert "(cot · tiny_internvl · seed 0, cot · tiny_qwen · seed 0)" in page
    assert "tiny_qwen · grit · shapes · grpo_gr, 5 seeds" in page
    assert "<li>tiny_qwen · grit · shapes · seed 9: no room</li>" in page
    assert "<code>method:\n  tagged_answer: true\n</code>" in page
    assert '<svg class="store"' not in page  # the configuration leads to no images, which is no end


def test_curves_of_one_name_are_told_apart_by_settings(finished_run: Any, tmp_path: Path) -> None:
    for name, beta in (("a", 0.01), ("b", 0.02), ("c", 0.02)):
        finished_run(tmp_path / name, settings_hash=f"hash-of-{name}")
        path = tmp_path / name / "config.yaml"
        path.write_text(yaml.safe_dump({"training": {"beta": beta}, "seed": 0}))
        metrics = [json.dumps({"step": s, "train/reward": s}) + "\n" for s in (0, 1)]
        (tmp_path / name / "metrics.jsonl").write_text("".join(metrics))
    name = "tiny_qwen · grit · shapes · grpo_gr"
    two = write(tmp_path, find_runs([tmp_path / "a", tmp_path / "b"]))
    assert f"{name} · training.beta=0.01</h3>" in two
    assert f"{name} · training.beta=0.02</h3>" in two
    assert "hash-of" not in two
    three = write(tmp_path, find_runs([tmp_path]))  # settings do not tell all of them apart
    assert f"{name} · training.beta=0.02 · settings hash-of-c</h3>" in three


def test_curves_of_two_versions_of_the_code_say_which(finished_run: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        finished_run(tmp_path / name, settings_hash="same", code=f"code-{name}")
        (tmp_path / name / "config.yaml").write_text(yaml.safe_dump({"seed": 0}))
        metrics = [json.dumps({"step": s, "train/reward": s}) + "\n" for s in (0, 1)]
        (tmp_path / name / "metrics.jsonl").write_text("".join(metrics))
    page = write(tmp_path, find_runs([tmp_path]))
    for name in ("a", "b"):
        assert f"tiny_qwen · grit · shapes · grpo_gr · code code-{name}</h3>" in page


def test_a_link_leads_to_a_folder_of_any_name(finished_run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "cups #2, 50%?"
    finished_run(folder)
    (folder / "report.html").touch()
    page = write(tmp_path, find_runs([folder]))
    assert 'href="../cups%20%232%2C%2050%25%3F/report.html"' in page


def test_why_a_run_failed_names_no_place_of_this_machine(tmp_path: Path) -> None:
    error = "no room (/home/me/runs/experiments/a-1234/grit.log has the traceback)"
    failed = [
        Job("f", Outcome.failed, "tiny_qwen", "shapes", "s", "grit", "grpo_gr", 9, error=error)
    ]
    page = write(tmp_path, [], failed=failed)
    assert "seed 9: no room (.../a-1234/grit.log has the traceback)</li>" in page


def test_many_runs_with_photographs_make_a_small_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = Image.effect_noise((400, 300), 90).convert("RGB")
    monkeypatch.setattr("grit.pages.galleries.pictures_of", lambda *_: lambda *_: photograph)
    space = Space("original", 400, 300)

    def said(right: bool) -> Rows:
        found: Rows = {}
        for name in map(str, range(6)):
            text = f"<think> [1, 2, 300, 200] {'é very ' * 900} <answer> {'yes' if right else 'no'}"
            asked = {"question": "Is it?", "truth": "yes", "truth_is_box": False, "space": space}
            rows = [
                Prediction(
                    set=name,
                    row=r,
                    id=str(r),
                    dataset="d",
                    completion=text,
                    box_space=space,
                    **asked,
                )
                for r in range(8)
            ]
            found[name] = score_predictions(rows, RulesJudge(), tagged_answers=True)
        return found

    page = write(tmp_path, write_runs(tmp_path, said(False), said(True), steps=3000))
    assert 1_000_000 < len(page.encode()) < 5_000_000
    assert "were left out to keep this page small" in page
    assert page.count('class="of-run"') == 10
