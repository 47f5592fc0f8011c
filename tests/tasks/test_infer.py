"""``task=infer`` as a command: what it prints, what it writes, what it refuses."""

import json
from pathlib import Path

import pytest
from loopback import picture
from PIL import Image
from trained_run import write_trained_run

from grit.core.errors import Resumable
from grit.inference.answer_files import PartialRows

WHERE = "hydra.run.dir=out"
SHORT = ("evaluation.max_new_tokens=24", "trainer.accelerator=cpu")


def rows(folder: Path) -> list[dict]:
    lines = (folder / "inference.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_alone_it_draws_a_scene_and_asks_about_it(command, tmp_path):
    done = command("task=infer", WHERE, *SHORT)
    assert (done.code, done.err) == (0, "")
    out = tmp_path / "out"
    (row,) = rows(out)
    assert done.out.startswith(f"scene.png: {row['question']}  (the right answer: ")
    assert row["completion"] in done.out
    assert set(row) >= {"image", "question", "completion", "think", "rethink", "answer", "boxes"}
    with Image.open(out / "scene.png") as scene:
        assert scene.size == (row["width"], row["height"]) == (96, 96)
    with Image.open(out / "inference" / "1.png") as drawn:
        assert drawn.width > 1000
    page = (out / "inference.html").read_text()
    assert row["question"] in page
    assert "data:image/png;base64," in page
    assert not {each.name for each in out.iterdir()} & {"config.yaml", "run.json", "results.json"}
    again = command(
        "task=infer", "hydra.run.dir=again", "image=out/scene.png", "question=Why?", *SHORT
    )
    assert (again.code, rows(tmp_path / "again")[0]["question"]) == (0, "Why?")


def test_a_run_answers_several_times_about_every_image_of_a_folder(command, tmp_path):
    write_trained_run(tmp_path / "run")
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).write_bytes(picture((40, 30)))
    done = command(
        "task=infer", "checkpoint=run", "image=images", "question=How many?", "samples=2", WHERE
    )
    assert (done.code, done.err) == (0, "")
    found = rows(tmp_path / "out")
    assert [(row["image"], row["sample"]) for row in found] == [
        (f"images/{name}", number) for name in ("a.png", "b.png") for number in (1, 2)
    ]
    assert done.out.count("--- sample 2 of 2") == 2
    pictures = sorted(each.name for each in (tmp_path / "out" / "inference").iterdir())
    assert pictures == ["1.png", "2.png", "3.png", "4.png"]
    page = (tmp_path / "out" / "inference.html").read_text()
    assert page.count("<article") == 4
    assert str(tmp_path) not in page


def test_rows_of_a_file(command, tmp_path):
    (tmp_path / "a.png").write_bytes(picture((40, 30)))
    lines = [json.dumps({"image": "a.png", "question": q}) for q in ("One?", "Two?")]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    done = command("task=infer", "input=rows.jsonl", WHERE, *SHORT)
    assert (done.code, done.err) == (0, "")
    assert [row["question"] for row in rows(tmp_path / "out")] == ["One?", "Two?"]


def test_what_is_answered_is_kept_when_a_run_is_stopped(command, tmp_path, monkeypatch):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture((40 + number, 30)))
    lines = [json.dumps({"image": f"{n}.png", "question": "What?"}) for n in range(3)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    asking = ("task=infer", "input=rows.jsonl", "samples=2", *SHORT)
    assert command(*asking, "hydra.run.dir=whole").code == 0
    append = PartialRows.append

    def stops(self, row):
        if len(rows_of(tmp_path / "out")) == 3:
            raise Resumable("the server is gone")
        append(self, row)

    def rows_of(folder):
        return [
            line for file in folder.glob("*.partial-*") for line in file.read_text().splitlines()
        ]

    with monkeypatch.context() as patched:
        patched.setattr(PartialRows, "append", stops)
        stopped = command(*asking, WHERE)
    assert (stopped.code, len(rows_of(tmp_path / "out"))) == (1, 3)
    again = "go on with: python -m grit task=infer input=rows.jsonl samples=2"
    assert f"the server is gone; {again}" in stopped.err
    assert "hydra.run.dir=out resume=true" in stopped.err
    (left,) = (tmp_path / "out").glob("*.partial-*")
    left.write_text(left.read_text() + '{"image": "2.p')  # a kill while it was written
    other = command(*asking, WHERE, "resume=true", "seed=1")
    assert "questions are left" not in other.out
    done = command(*asking, WHERE, "resume=true")
    assert (done.code, done.err) == (0, "")
    assert "2 of 3 questions are left" in done.out
    for name in ("inference.jsonl", "inference.html"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert len(list((tmp_path / "out" / "inference").iterdir())) == 6
    assert rows_of(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["image=none.jpg", "question=q"], "image=none.jpg: there is no such file or folder"),
        (["image=a.txt", "question=q"], "a.txt cannot be read as an image"),
        (["image=a.txt"], 'needs question="..."'),
        (["input=none.jsonl"], "input=none.jsonl: there is no such file"),
        (["checkpoint=nowhere"], "checkpoint=nowhere: expected"),
        (["samples=0"], "samples"),
        (["task=train", "image=a.txt"], "image is for task=infer, and this is task=train"),
        (["task=train", "samples=2"], "samples is for task=infer"),
        (["task=check", "question=q"], "question is for task=infer"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(command, tmp_path, overrides, said):
    (tmp_path / "a.txt").write_text("no image")
    done = command("task=infer", WHERE, *overrides)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert said in done.err
    left = {each.name for each in (tmp_path / "out").glob("*")}
    assert left <= {"grit.log"}
