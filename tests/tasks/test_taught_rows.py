"""Rows that nobody has annotated, as ``method=sft`` meets them on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composing import config
from PIL import Image

from grit.training.sft import trace_style_of

ROW: dict[str, Any] = {
    "question": "How many dogs are there?",
    "answer": 2,
    "image": "dog.png",
    "width": 96,
    "height": 64,
    "bboxs": [[0, 0, 40, 40], [50, 0, 90, 40]],
    "dataset": "mine",
}
BARE = {name: value for name, value in ROW.items() if name != "bboxs"}
RUN = (
    *("experiment=smoke", "model=tiny_qwen", "data=own", "data.root=own", "logger=none"),
    *("trainer.max_steps=1", "training.prompts_per_step=2", "method=sft", "hydra.run.dir=run"),
)
LEAVE_OUT = "training.sft.unannotated=leave_out"
Command = Callable[..., Any]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Four rows: with boxes, with none in the file, with an empty list, and with nothing to box."""
    folder = tmp_path / "own"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (96, 64), "white").save(folder / "images" / "dog.png")
    write(folder, ROW, BARE, ROW | {"bboxs": []}, ROW | {"bboxs": [], "answer": 0})
    (folder / "test.jsonl").write_text(json.dumps(ROW) + "\n")
    return folder


def write(folder: Path, *rows: dict[str, Any]) -> None:
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def drawn(own: Path) -> tuple[int, int | None, list[str]]:
    found = json.loads((own.parent / "run" / "drawn.json").read_text())
    return found["rows"], found.get("unannotated"), sorted(found["ids"])


def test_they_are_counted_and_taught_without_boxes(own: Path, command: Command) -> None:
    ended = command(*RUN)
    assert ended.code == 0
    line = "method=sft: 2 of 4 rows have no annotated box: their traces are without"
    assert ended.out.count(line) == 1
    assert drawn(own) == (4, 2, [f"train/{n}" for n in (1, 2, 3, 4)])


def test_or_left_out(own: Path, command: Command) -> None:
    ended = command(*RUN, LEAVE_OUT)
    assert ended.code == 0
    assert ended.out.count("method=sft: 2 of 4 rows have no annotated box: left out") == 1
    assert drawn(own) == (2, 2, ["train/1", "train/4"])


def test_where_all_are_annotated_nothing_is_said(own: Path, command: Command) -> None:
    write(own, ROW)
    ended = command(*RUN, LEAVE_OUT)
    assert ended.code == 0
    assert "annotated box" not in ended.out
    assert drawn(own) == (1, 0, ["train/1"])


def test_grpo_gr_asks_nothing_about_it(own: Path, command: Command) -> None:
    ended = command(*RUN, "method=grit", LEAVE_OUT)
    assert ended.code == 0
    assert "annotated box" not in ended.out
    assert drawn(own) == (4, None, [f"train/{n}" for n in (1, 2, 3, 4)])


def test_where_none_is_left_no_model_is_loaded(
    own: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grit.tasks.train.make_adapter", lambda *_, **__: pytest.fail("loaded"))
    write(own, BARE, BARE)
    ended = command(*RUN, LEAVE_OUT)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "2 of 2 rows have no annotated box" in line
    assert "training.sft.unannotated=without_boxes" in line
    assert not (own.parent / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("model", "traces", "hand"),
    [
        ("tiny_qwen", "plain", "plain"),
        ("tiny_internvl", "plain", "plain"),
        ("qwen2_5_vl_3b", "family", "json"),
        ("internvl3_2b", "family", "internvl"),
    ],
)
def test_each_model_is_taught_in_its_hand(model: str, traces: str, hand: str) -> None:
    found = config("method=sft", f"model={model}")
    assert found.training.sft.traces == traces
    style = type("Adapter", (), {"example_style": hand if hand != "plain" else "json"})()
    assert trace_style_of(found.training.sft, style) == hand
