"""A run goes on with the rows and pictures that it began with, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Command = Callable[..., Any]
ROW: dict[str, Any] = {
    "question": "Where is the dog?",
    "answer": "left",
    "image": "dog.png",
    "width": 96,
    "height": 64,
    "bboxs": [[0, 0, 40, 40]],
    "dataset": "mine",
}
OTHER = ROW | {"question": "Where is the cat?", "image": "cat.png"}
RUN = (
    *("model=tiny_qwen", "data=own", "data.root=own", "logger=none", "hydra.run.dir=run"),
    *("evaluation.max_new_tokens=4", "trainer.progress_bar=false"),
)
TRAIN = (
    *("trainer.max_steps=1", "training.prompts_per_step=1", "rollout.sampling.max_new_tokens=4"),
    "training.must_learn=false",
)
TASKS = {"train": (*RUN, *TRAIN), "evaluate": (*RUN, "task=evaluate")}


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def paint(own: Path, name: str, colour: str) -> None:
    (own / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (96, 64), colour).save(own / "images" / name)


def fill(own: Path) -> None:
    for name in ("dog.png", "cat.png", "cow.png"):
        paint(own, name, "white")
    write(own / "train.jsonl", ROW | {"image": "cow.png"})
    write(own / "test.jsonl", ROW, OTHER)


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a question": (
        lambda own: write(own / "test.jsonl", ROW, OTHER | {"question": "Where?"}),
        "the questions of the test set test",
    ),
    "a question less": (
        lambda own: write(own / "test.jsonl", ROW),
        "the questions of the test set test",
    ),
    "an answer": (
        lambda own: write(own / "test.jsonl", ROW, OTHER | {"answer": "right"}),
        "the questions of the test set test",
    ),
    "a box": (
        lambda own: write(own / "test.jsonl", ROW, OTHER | {"bboxs": [[1, 0, 40, 40]]}),
        "the questions of the test set test",
    ),
    "no boxes": (
        lambda own: write(own / "test.jsonl", ROW, OTHER | {"bboxs": []}),
        "the questions of the test set test",
    ),
    "a data set": (
        lambda own: write(own / "test.jsonl", ROW, OTHER | {"dataset": "yours"}),
        "the questions of the test set test",
    ),
    "a tested picture": (
        lambda own: paint(own, "cat.png", "black"),
        "the pictures of the test set test",
    ),
    "a missing picture": (
        lambda own: (own / "images" / "cat.png").unlink(),
        "the questions of the test set test",
    ),
}
TRAINED: dict[str, tuple[Callable[[Path], None], str]] = {
    "a training box": (
        lambda own: write(
            own / "train.jsonl", ROW | {"image": "cow.png", "bboxs": [[1, 0, 40, 40]]}
        ),
        "the training rows",
    ),
    "a training picture": (lambda own: paint(own, "cow.png", "black"), "the training pictures"),
}


def files(folder: Path) -> dict[str, bytes]:
    names = ("results.json", "predictions.jsonl", "run.json", "predictions.before.jsonl")
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


@pytest.mark.parametrize("task", TASKS)
def test_what_a_run_reads_must_not_change_before_it_goes_on(
    tmp_path: Path, command: Command, task: str
) -> None:
    own, run = tmp_path / "own", tmp_path / "run"
    fill(own)
    assert command(*TASKS[task]).code == 0
    written, accepted = files(run), []
    for name, (change, words) in (CHANGES | (TRAINED if task == "train" else {})).items():
        change(own)
        ended = command(*TASKS[task], "resume=true")
        if ended.code == 0:
            accepted.append(name)
        else:
            (line,) = ended.err.splitlines()
            assert "resume=true: " in line
            assert f"{words} differ from those that the run in " in line
            assert files(run) == written
        fill(own)
    assert accepted == []


def test_the_same_rows_and_pictures_go_on(tmp_path: Path, command: Command) -> None:
    """Also where the run was begun before runs kept fingerprints of what they read."""
    own, record = tmp_path / "own", tmp_path / "run" / "run.json"
    fill(own)
    assert command(*TASKS["evaluate"]).code == 0
    fill(own)
    assert command(*TASKS["evaluate"], "resume=true").code == 0
    fields = json.loads(record.read_text())
    assert len(fields.pop("inputs")) == 2
    record.write_text(json.dumps(fields))
    assert command(*TASKS["evaluate"], "resume=true").code == 0
