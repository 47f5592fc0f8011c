"""Training on annotated boxes: a reward that sees them, and what says afterwards that it did."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

Command = Callable[..., Any]
SMALL = ("experiment=smoke", "suite.limit=1", "suite=shapes")
DUAL = "+reward.terms.dual={call: grit.rewards.box_terms.treevgr, weight: 0}"


def fields(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def facts(folder: Path) -> str:
    page = (folder / "report.html").read_text(encoding="utf-8")
    return page.partition('<ul class="facts">')[2].partition("</ul>")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["reward=union_iou", DUAL], "answers+boxes"),
        ([DUAL], "answers"),  # at weight 0 a term is looked at and not learnt from
        (["method=sft"], "answers+boxes"),
        (["method=direct"], None),
    ],
    ids=str,
)
def test_a_run_says_what_it_has_trained_on(
    command: Command, tmp_path: Path, overrides: list[str], said: str | None
) -> None:
    ended = command(*SMALL, *overrides, "hydra.run.dir=run")
    assert (ended.code, ended.err) == (0, "")
    run = tmp_path / "run"
    assert fields(run / "results.json")["annotation"] == said
    assert fields(run / "run.json")["annotation"] == said
    assert ("<span>annotation</span> answers" in facts(run)) == (said is not None)
    if said is None:
        return
    assert fields(run / "results.before.json")["annotation"] is None
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    if "reward=union_iou" in overrides:
        assert all(0 <= row["train/reward_part/union_iou"] <= 1 for row in steps)
    if DUAL in overrides:
        assert all(0 <= row["train/unrewarded/dual"] <= 1 for row in steps)


@pytest.mark.slow
def test_who_evaluates_what_was_trained_is_told_it_too(command: Command, tmp_path: Path) -> None:
    """Of weights in the run's folder, and of its predictions; but not of those before training."""
    assert command(*SMALL, "reward=union_iou", "hydra.run.dir=run").code == 0
    assert command("task=evaluate", *SMALL, "checkpoint=run", "hydra.run.dir=weights").code == 0
    for stem in ("predictions", "predictions.before"):
        given = f"predictions=run/{stem}.jsonl"
        assert command("task=evaluate", given, f"hydra.run.dir={stem}").code == 0
    places = ("weights", "predictions", "predictions.before")
    said = [fields(tmp_path / place / "results.json")["annotation"] for place in places]
    assert said == ["answers+boxes", "answers+boxes", None]
    assert fields(tmp_path / "weights" / "run.json")["annotation"] == "answers+boxes"
    # Other weights by the same name are no repetition of these.
    (file,) = (tmp_path / "run" / "model").glob("*.safetensors")
    weights = {name: value + 1e-3 for name, value in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})
    assert command("task=evaluate", *SMALL, "checkpoint=run", "hydra.run.dir=later").code == 0
    first, later = (fields(tmp_path / name / "results.json") for name in ("weights", "later"))
    assert first["checkpoint"] == later["checkpoint"]
    assert first["settings_hash"] != later["settings_hash"]


def test_rows_of_which_none_has_a_box_are_refused_where_only_boxes_pay(
    command: Command, tmp_path: Path
) -> None:
    row = {"question": "Is it red?", "answer": "yes", "image": "a.png", "dataset": "mine"}
    row |= {"width": 8, "height": 8}
    (tmp_path / "own" / "images").mkdir(parents=True)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "own" / "images" / "a.png")
    for name in ("train", "test"):
        text = "".join(json.dumps(row | {"question": f"Is it {n}?"}) + "\n" for n in range(4))
        (tmp_path / "own" / f"{name}.jsonl").write_text(text)
    off = [f"reward.terms.{name}.weight=0" for name in ("think_tags", "rethink_tags", "box_format")]
    off += ["reward.terms.judge.weight=0", "reward.terms.bleu.weight=0"]
    ended = command("task=check", "data=own", "data.root=own", "reward=union_iou", *off)
    assert ended.code == 1
    assert "a run would learn nothing" in ended.err
    assert "bboxs" in ended.err
    ended = command("task=check", "data=own", "data.root=own", "reward=union_iou")
    assert "4 of 4 rows have no annotated box: the reward has no union_iou there" in ended.out
