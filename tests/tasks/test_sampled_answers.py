"""Evaluations that sample answers beside the greedy ones: pass@k and mean@k."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from grit.core.errors import GritError
from grit.tasks import train

Command = Callable[..., Any]
SMALL = (
    *("suite.limit=2", "logger=none", "trainer.progress_bar=false", "threads=1"),
    "evaluation.max_new_tokens=32",
)
EVALUATE = ("task=evaluate", *SMALL)
SAMPLED = ("pass_at_1", "pass_at_2", "pass_at_4", "mean_at_4")


def sets_of(run: Path, stem: str = "") -> dict[str, Any]:
    return json.loads((run / f"results{stem}.json").read_text())["sets"]


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_samples_depend_on_set_question_and_number_alone(tmp_path: Path, command: Command) -> None:
    runs = {
        "plain": (),
        "sampled": ("evaluation.samples=4",),
        "one_a_batch": ("evaluation.samples=4", "rollout.tokens_per_batch=1"),
        "seed": ("evaluation.samples=2", "seed=7"),
        "cold": ("evaluation.samples=4", "evaluation.temperature=0.1"),
    }
    for name, more in runs.items():
        assert command(*EVALUATE, *more, f"hydra.run.dir={name}").code == 0, name
    plain, sampled = sets_of(tmp_path / "plain"), sets_of(tmp_path / "sampled")
    greedy = [(tmp_path / name / "predictions.jsonl").read_bytes() for name in runs]
    assert len(set(greedy)) == 1  # whatever is sampled beside
    assert not (tmp_path / "plain" / "samples.jsonl").exists()
    for name, found in sampled.items():
        added = set(SAMPLED) if name != "ovd" else set()  # whose answers are boxes
        assert set(found) - set(plain[name]) == added
        assert {key: value for key, value in found.items() if key not in added} == plain[name]
        for low, high in pairwise(SAMPLED[:3]):
            assert not added or found[low]["mean"] <= found[high]["mean"] + 1e-9
    said = rows_of(tmp_path / "sampled" / "samples.jsonl")
    assert [row["sample"] for row in said] == [0, 1, 2, 3] * 10
    assert {"set", "id", "sample", "completion", "acc"} <= set(said[0])
    assert len({row["completion"] for row in said}) > 10
    files = [(tmp_path / name / "samples.jsonl").read_bytes() for name in ("sampled", "cold")]
    assert (tmp_path / "one_a_batch" / "samples.jsonl").read_bytes() == files[0] != files[1]
    assert sets_of(tmp_path / "one_a_batch") == sampled
    first = [row for row in said if row["sample"] < 2]
    assert rows_of(tmp_path / "seed" / "samples.jsonl") == first  # of 2 samples and another seed
    page = (tmp_path / "sampled" / "report.html").read_text()
    assert "pass@4" in page
    assert "pass@" not in (tmp_path / "plain" / "report.html").read_text()

    again = ("task=evaluate", "predictions=sampled/predictions.jsonl", "hydra.run.dir=again")
    assert command(*again).code == 0
    assert sets_of(tmp_path / "again") == sampled


def test_an_interrupted_run_keeps_what_it_sampled(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = (
        *SMALL,
        *("evaluation.samples=2", "trainer.max_steps=1", "training.prompts_per_step=1"),
        *("training.group_size=2", "training.must_learn=false", "hydra.run.dir=run"),
        "evaluation.after_training=false",
    )

    def interrupted(*arguments: object, **options: object) -> None:
        raise GritError("interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(train, "_train", interrupted)
        assert command(*run).code == 1
    folder = tmp_path / "run"
    before = {
        name: (folder / name).read_bytes()
        for name in ("predictions.before.jsonl", "samples.before.jsonl", "results.before.json")
    }
    (folder / "results.before.json").unlink()  # killed between the files, which is written last
    asked: list[object] = []
    monkeypatch.setattr(train, "evaluate_model", lambda *a, **o: asked.append(a))
    assert command(*run, "resume=true").code == 0
    assert asked == []
    assert {name: (folder / name).read_bytes() for name in before} == before
