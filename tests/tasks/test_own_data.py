"""Rows of one's own as the command line takes them: what is wrong is said before a model loads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROW: dict[str, Any] = {
    "question": "Where is the dog?",
    "answer": "left",
    "image": "dog.png",
    "width": 96,
    "height": 64,
    "bboxs": [[0, 0, 40, 40]],
    "dataset": "mine",
}
RUN = (
    *("experiment=smoke", "model=tiny_qwen", "data=own", "data.root=own", "logger=none"),
    *("trainer.max_steps=1", "training.prompts_per_step=2", "hydra.run.dir=run"),
)
Command = Callable[..., Any]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of rows, with an image."""
    folder = tmp_path / "own"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (96, 64), "white").save(folder / "images" / "dog.png")
    write(folder / "train.jsonl", ROW, ROW | {"answer": "right"})
    write(folder / "test.jsonl", ROW)
    return folder


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_they_are_trained_on_and_tested(own: Path, command: Command) -> None:
    assert command(*RUN, "data.sources.train.rows=1", "data.seed=3").code == 0
    drawn = json.loads((own.parent / "run" / "drawn.json").read_text())
    assert (drawn["rows"], drawn["seed"]) == (1, 3)
    found = json.loads((own.parent / "run" / "results.json").read_text())
    assert (found["data"], found["suite"], list(found["sets"])) == ("own", "own", ["test"])
    assert command("task=tables", "runs=run", "hydra.run.dir=tables", "exhibits=[table1]").code == 0
    table = (own.parent / "tables" / "table1.md").read_text()
    assert "## suite=own, judge=rules\n\n| Method | test ACC | test GIoU | test Format |" in table
    assert "VSR" not in table


@pytest.mark.parametrize("task", ["train", "check"])
def test_they_are_not_validated_on_what_they_are_tested_on(
    own: Path, command: Command, task: str
) -> None:
    write(own / "dev.jsonl", ROW | {"question": "Is there a cat?"}, ROW)
    every = f"task={task}", "evaluation.every=1"
    for suite, line in (("own", "test.jsonl line 1"), ("own_dev", "dev.jsonl line 2")):
        ended = command(*RUN, *every, f"suite@validation={suite}")
        assert ended.code == 1
        assert f"validation={suite}: " in ended.err
        assert f"{line} is a test question too: " in ended.err


@pytest.mark.parametrize("task", ["train", "check"])
def test_validation_needs_something_to_score(own: Path, command: Command, task: str) -> None:
    """An answer that is a box is not judged, and without bboxs it has no GIoU."""
    detection = ROW | {"question": "Mark the cow.", "answer": [10, 10, 40, 40], "bboxs": []}
    write(own / "dev.jsonl", detection)
    ended = command(*RUN, f"task={task}", "evaluation.every=1", "suite@validation=own_dev")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "validation=own_dev: there is nothing to score: " in line
    assert not (own.parent / "run" / "run.json").exists()


@pytest.mark.parametrize("task", ["train", "check"])
def test_photographs_are_not_validated_on_drawn_scenes_alone(
    own: Path, command: Command, task: str
) -> None:
    write(own / "dev.jsonl", ROW | {"question": "Is there a cat?"})
    run = *RUN, f"task={task}", "evaluation.every=1", "validation.limit=1"
    ended = command(*run)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    for word in ("data=own", "validation=shapes_validation", "suite@validation=", "every=0"):
        assert word in line
    assert not (own.parent / "run" / "run.json").exists()
    if task == "check":
        both = "+validation.sets.dev={file: dev.jsonl, images: images}"
        assert command(*run, both).code == 0
        assert command(*run, "+data.sources.vsr={kind: vsr, rows: 2}").code == 0


@pytest.mark.parametrize("task", ["train", "check"])
def test_a_prompt_of_validation_may_be_no_longer_than_others(
    own: Path, command: Command, task: str
) -> None:
    write(own / "dev.jsonl", ROW | {"question": "Is it? " * 300})
    most = "data.max_prompt_tokens=400"
    ended = command(*RUN, f"task={task}", "evaluation.every=1", "suite@validation=own_dev", most)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "own/dev.jsonl line 1" in line
    assert "data.max_prompt_tokens" in line
    assert not (own.parent / "run" / "run.json").exists()


@pytest.mark.parametrize("file", ["train.jsonl", "test.jsonl"])
@pytest.mark.parametrize("image", ["narrow.png", "noise.png"])
def test_an_image_that_is_not_what_the_row_says(
    own: Path, command: Command, file: str, image: str
) -> None:
    Image.new("RGB", (90, 64)).save(own / "images" / "narrow.png")
    (own / "images" / "noise.png").write_bytes(b"noise")
    write(own / file, ROW, ROW | {"image": image})
    ended = command(*RUN)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert f"own/{file} line 2" in line
    assert image in line
    assert not (own.parent / "run" / "run.json").exists()


def test_without_test_rows_it_is_the_file_that_is_missing(own: Path, command: Command) -> None:
    (own / "test.jsonl").unlink()
    for method in ("grit", "cot"):
        ended = command(*RUN[:-3], "hydra.run.dir=run", f"method={method}")
        assert ended.code == 1
        assert "own/test.jsonl is missing" in ended.err
        assert "task=data" not in ended.err
        assert not (own.parent / "run").exists()


def test_one_of_two_test_files_is_missing(own: Path, command: Command) -> None:
    more = "+suite.sets.more={file: more.jsonl, images: images}"
    ended = command(*RUN, more, "method=sft")
    assert ended.code == 0
    assert "suite=own: test (1); files missing: more" in ended.out


def test_a_count_that_is_no_number_is_named_by_file_and_line(own: Path, command: Command) -> None:
    write(own / "train.jsonl", ROW | {"answer": 2}, ROW | {"answer": "several"})
    ended = command(*RUN, "reward.counting_datasets=[mine]")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    for word in ("own/train.jsonl line 2", '"answer"', "number of objects", "several", "counting"):
        assert word in line


def test_without_rows(own: Path, command: Command) -> None:
    (own / "train.jsonl").unlink()
    ended = command(*RUN)
    assert ended.code == 1
    assert "own/train.jsonl is missing" in ended.err
    assert "question, answer, image" in ended.err
    assert "task=data" not in ended.err
