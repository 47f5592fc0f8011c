"""A run goes on with the rows and pictures that it began with, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grit.runs.inputs import check_inputs

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


VALIDATED = (*TASKS["train"], "evaluation.every=1", "suite@validation=own_dev")
DEV = ROW | {"question": "A hen?", "image": "hen.png"}, OTHER | {"question": "A cat?"}


def fill_with_dev(own: Path) -> None:
    fill(own)
    paint(own, "hen.png", "white")
    for name in ("dev", "more"):
        write(own / f"{name}.jsonl", *DEV)


def test_a_run_goes_on_with_the_validation_that_it_began_with(
    tmp_path: Path, command: Command
) -> None:
    """Its best weights and its end would otherwise be chosen by scores that do not compare."""
    own, run = tmp_path / "own", tmp_path / "run"
    fill_with_dev(own)
    assert command(*VALIDATED).code == 0
    written = files(run)
    another = "~validation.sets.dev", "+validation.sets.more={file: more.jsonl, images: images}"
    write(own / "dev.jsonl", DEV[0], DEV[1] | {"answer": "no"})
    changed = [("questions", command(*VALIDATED, "resume=true"))]
    fill_with_dev(own)
    paint(own, "hen.png", "black")
    changed.append(("pictures", command(*VALIDATED, "resume=true")))
    fill_with_dev(own)
    changed.append(("questions", command(*VALIDATED, "resume=true", "validation.limit=1")))
    changed.append(("questions", command(*VALIDATED, "resume=true", *another)))
    for what, ended in changed:
        (line,) = ended.err.splitlines()
        assert f"resume=true: the {what} of the dev set dev differ from those that the" in line
        assert files(run) == written
    assert command(*VALIDATED, "resume=true").code == 0


def test_a_run_that_does_not_say_what_it_was_validated_on_goes_on(
    tmp_path: Path, command: Command
) -> None:
    """Earlier records do not; nor is it asked for where nothing is validated any more."""
    fill_with_dev(tmp_path / "own")
    assert command(*VALIDATED).code == 0
    record = tmp_path / "run" / "run.json"
    fields = json.loads(record.read_text())
    kept = {name: value for name, value in fields["inputs"].items() if "dev set" not in name}
    assert len(fields["inputs"]) == len(kept) + 2 == 6
    check_inputs(kept, fields["inputs"], "run")
    record.write_text(json.dumps(fields | {"inputs": kept}))
    assert command(*VALIDATED, "resume=true").code == 0
