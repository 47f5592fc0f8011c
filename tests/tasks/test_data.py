"""``task=data`` against a loopback server that has everything, and on the real annotations."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import paper_world
import pytest
from loopback import Loopback, content, cut, picture, status
from paper_world import coco

from grit.core.errors import GritError
from grit.data.preparation import parquet
from grit.data.preparation.images import Wanted, store

Command = Callable[..., Any]  # ends in (code, out, err)
FIGURES = ("rows", "question_words", "answer_words", "closed_percent", "grounding_percent")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


class Prepared(NamedTuple):
    """A folder with everything in it, and what it took."""

    root: Path
    run: Path
    done: subprocess.CompletedProcess[str]
    asked: Counter[str]


@pytest.fixture(scope="module")
def world() -> Iterator[Loopback]:
    server = Loopback()
    paper_world.build(server)
    yield server
    server.close()


@pytest.fixture(scope="module")
def prepared(world: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    environment = os.environ | {
        "HF_ENDPOINT": world.url,
        "HF_HOME": str(folder / "hub"),
        "HF_TOKEN": "hf_dummysecret0123456789",
        "HF_HUB_DISABLE_XET": "1",
        "COLUMNS": "120",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "grit", *paper_world.overrides(world)),
            *("data.root=data", "hydra.run.dir=run"),
        ],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Prepared(folder / "data", folder / "run", done, world.asked.copy())


@pytest.fixture
def grit(
    command: Command, loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Run ``task=data`` on the folder ``data``, with everything at the loopback server."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", loopback.url)
    template = loopback.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    fixed = [*paper_world.overrides(loopback), "data.root=data", "hydra.run.dir=run"]
    return lambda *more: command(*fixed, *more)


def copied(prepared: Prepared, folder: Path) -> Path:
    return shutil.copytree(prepared.root, folder / "data", copy_function=shutil.copy2)


def shortfalls(folder: Path) -> dict[str, str]:
    return {each["what"]: each["reason"] for each in read(folder / "run" / "shortfalls.json")}


# --- everything can be had


def test_everything_is_prepared(prepared: Prepared) -> None:
    assert prepared.done.stderr == ""
    assert prepared.done.returncode == 0
    assert "everything is in data" in prepared.done.stdout
    assert read(prepared.run / "shortfalls.json") == []


def test_only_referenced_images_are_asked_for_and_each_once(prepared: Prepared) -> None:
    images = {path: n for path, n in prepared.asked.items() if path.endswith((".jpg", ".png"))}
    assert max(images.values()) == 1
    had = {path.rsplit("/", 1)[-1] for path in images if path.startswith("/coco/")}
    assert had == {coco(number) for number in (*range(1, 21), 30, 31)}
    large = [path for path in prepared.asked if path.endswith(".parquet")]
    assert sorted(path.rsplit("/", 1)[-1] for path in large) == [
        "test-00000-of-00003.parquet",
        "test-00001-of-00003.parquet",  # the third has nothing that is wanted
        "testmini-00000-of-00001-abc.parquet",
    ]


def test_images_are_those_of_their_origin(prepared: Prepared) -> None:
    expected = {
        f"vsr/{coco(2)}": paper_world.image(2),
        f"vsr/{coco(20)}": paper_world.image(20),
        "tallyqa/VG_100K/300.jpg": paper_world.image(300),
        "tallyqa/VG_100K_2/101.jpg": paper_world.image(101),
        f"tallyqa/{coco(30)}": paper_world.image(30),
        "gqa/images/102.jpg": paper_world.image(102),
        "mathvista_mini/3.png": paper_world.image(1003),
        "mme/000003.png": paper_world.image(2003),
        "ovd_position/b.jpg": paper_world.image(3001),
    }
    for name, body in expected.items():
        assert (prepared.root / name).read_bytes() == body, name
    assert not (prepared.root / "mathvista_mini/2.png").exists()
    assert not (prepared.root / "ovd_position/c.jpg").exists()


def test_table_2_is_printed_and_written(prepared: Prepared) -> None:
    table = read(prepared.run / "table2.json")
    assert {name: found["rows"] for name, found in table.items()} == {
        "vsr": 288,
        "tallyqa": 491,
        "gqa": 509,
        "mathvista_mini": 1000,
        "mme": 240,
        "ovd_position": 2146,
    }
    assert all(set(found) == {*FIGURES, "images_missing"} for found in table.values())
    assert all(found["images_missing"] == 0 for found in table.values())
    assert table["vsr"]["grounding_percent"] == 50.0
    assert table["tallyqa"]["grounding_percent"] is None  # no row has a box
    assert [table["mme"][name] for name in FIGURES] == [240, 3.0, 1.0, 100.0, None]
    for text in (prepared.done.stdout, (prepared.run / "table2.md").read_text()):
        for word in ("58.8", "Grounding", "ovd_position", "2164"):
            assert word in text


def test_the_mixtures_are_apart_from_the_test_sets(prepared: Prepared) -> None:
    drawn = read(prepared.run / "drawn.json")
    assert {name: each["rows"] for name, each in drawn.items()} == {
        "vsr_tally_500": 500,
        "vsr_tally_7000": 7000,
    }
    lines = {
        "vsr": rows(prepared.root / "vsr_cot_train.jsonl"),
        "tallyqa": rows(prepared.root / "tallyqa_train.jsonl"),
    }
    image_of = {
        f"{name}/{row.get('question_id', line)}": row["image"]
        for name, each in lines.items()
        for line, row in enumerate(each, start=1)
    }
    # COCO 5 is a GQA test photograph by Visual Genome's name, COCO 6 one of MME.
    tested = {coco(number) for number in (1, 2, 3, 5, 6)} | {"VG_100K/100.jpg"}
    for mixture in drawn.values():
        assert len(set(mixture["ids"])) == mixture["rows"]
        images: dict[str, set[str]] = {"vsr": set(), "tallyqa": set()}
        for each in mixture["ids"]:
            images[each.split("/")[0]].add(image_of[each])
        assert images["vsr"] == {coco(n) for n in range(1, 21)} - tested
        assert len(images["tallyqa"]) == 10
        assert not images["tallyqa"] & tested
    assert drawn["vsr_tally_500"]["counts"] == dict.fromkeys("01234", 50)
    counts = drawn["vsr_tally_7000"]["counts"]
    assert sorted(counts) == list("01234")
    assert max(counts.values()) - min(counts.values()) == 1
    # VSR rows that are test photographs are made up for by counting rows.
    from_vsr = sum(each.startswith("vsr/") for each in drawn["vsr_tally_7000"]["ids"])
    assert from_vsr == sum(each["image"] not in tested for each in lines["vsr"])
    assert from_vsr + sum(counts.values()) == 7000


def test_counting_rows_are_in_the_format_of_grit(prepared: Prepared) -> None:
    made = rows(prepared.root / "tallyqa_train.jsonl")
    assert len(made) == 5000
    assert Counter(row["answer"] for row in made) == dict.fromkeys(range(5), 1000)
    entries = {each["question_id"]: each for each in paper_world.tallyqa_entries()}
    for row in made:
        entry = entries[row["question_id"]]
        assert (row["question"], row["answer"]) == (entry["question"], entry["answer"])
        assert (row["width"], row["height"], row["dataset"]) == (8, 6, "tallyqa")
        assert row["image"] in (entry["image"], entry["image"].rsplit("_", 1)[-1])


def test_secrets_are_in_no_file(prepared: Prepared) -> None:
    for path in (*prepared.run.rglob("*"), *prepared.root.rglob("*")):
        assert not path.is_file() or b"hf_dummysecret" not in path.read_bytes()


# --- what is there is left alone


def test_what_is_there_is_not_downloaded(
    grit: Command, prepared: Prepared, loopback: Loopback, tmp_path: Path
) -> None:
    root = copied(prepared, tmp_path)
    before = files(root)
    ended = grit()
    assert (ended.code, ended.err) == (0, "")
    assert files(root) == before
    assert not loopback.asked
    assert read(tmp_path / "run/drawn.json") == read(prepared.run / "drawn.json")


def test_checking_neither_downloads_nor_writes(
    grit: Command, prepared: Prepared, loopback: Loopback, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    for name in ("gqa_val.jsonl", "tallyqa_train.jsonl", f"vsr/{coco(1)}", "mme/000001.png"):
        (root / name).unlink()
    (root / "vsr" / coco(2)).write_bytes(picture((6, 8)))
    (root / "vsr" / coco(3)).write_bytes(paper_world.image(3)[:40])
    with (root / "tallyqa_val.jsonl").open("a") as stream:
        stream.write(json.dumps(paper_world.row("VG_100K_2/101.jpg", "tallyqa")) + "\n")
    before = files(root)
    ended = grit("data.check_only=true")
    assert (ended.code, ended.err) == (0, "")
    assert files(root) == before
    assert not loopback.asked
    table = read(tmp_path / "run/table2.json")
    assert "gqa" not in table
    assert table["vsr"]["images_missing"] == 96
    assert table["mme"]["images_missing"] == 60
    found = shortfalls(tmp_path)
    assert "491" in found.pop("tallyqa_val.jsonl")
    for mixture in ("vsr_tally_500", "vsr_tally_7000"):
        assert "tallyqa_train.jsonl is missing" in found.pop(mixture)
    assert found == {
        "gqa_val.jsonl": "missing",
        "tallyqa_train.jsonl": "missing",
        f"vsr/{coco(1)}": "missing",
        "mme/000001.png": "missing",
        f"vsr/{coco(2)}": "damaged: 6 x 8 pixels instead of 8 x 6",
        f"vsr/{coco(3)}": "damaged: not an image, or a damaged one",
    }
    assert "by hand: " in ended.out


def test_a_stopped_preparation_goes_on(
    grit: Command, prepared: Prepared, loopback: Loopback, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    gone = ["vsr_val.jsonl", f"vsr/{coco(7)}", "gqa/images/100.jpg", "ovd_position/a.jpg"]
    for name in gone:
        (root / name).unlink()
    (root / "vsr" / coco(8)).write_bytes(b"<html>Log in</html>")
    ended = grit()
    assert (ended.code, ended.err) == (0, "")
    images = {path for path in loopback.asked if path.startswith(("/coco/", "/vg/"))}
    assert images == {
        f"/coco/train2017/{coco(7)}",
        f"/coco/train2017/{coco(8)}",
        f"/coco/val2017/{coco(8)}",
        "/vg/VG_100K/100.jpg",
    }
    for name in (*gone, f"vsr/{coco(8)}"):
        assert (root / name).read_bytes() == (prepared.root / name).read_bytes()


def test_a_stop_among_the_images_of_mme_loses_no_coco_number(
    grit: Command,
    prepared: Prepared,
    loopback: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    shutil.rmtree(root / "mme")
    numbers = root / "coco_numbers.jsonl"
    without = [each for each in rows(numbers) if not each["photograph"].startswith("mme/")]
    numbers.write_bytes(paper_world.jsonl(without))

    def full(image: Wanted, content: bytes) -> None:
        store(image, content)
        raise GritError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(parquet, "store", full)
        assert "no space left" in grit().err
    assert len(list((root / "mme").iterdir())) == 1
    stored = {each["photograph"] for each in rows(numbers)}
    assert {f"mme/{path.name}" for path in (root / "mme").iterdir()} <= stored
    ended = grit("hydra.run.dir=again")
    assert (ended.code, ended.err) == (0, "")
    assert numbers.read_bytes() == (prepared.root / "coco_numbers.jsonl").read_bytes()


def test_images_of_mme_that_were_put_by_hand_have_their_coco_numbers_looked_up(
    grit: Command, prepared: Prepared, loopback: Loopback, tmp_path: Path
) -> None:
    root = copied(prepared, tmp_path)
    numbers = root / "coco_numbers.jsonl"
    without = [each for each in rows(numbers) if not each["photograph"].startswith("mme/")]
    numbers.write_bytes(paper_world.jsonl(without))
    assert grit().code == 1
    found = shortfalls(tmp_path)
    assert found == dict.fromkeys(found, "the Hub answers 404")
    assert set(found) == {f"mme/{name}" for name in paper_world.MME_IMAGES}
    paper_world.build(loopback)
    images = files(root / "mme")
    ended = grit("hydra.run.dir=again")
    assert (ended.code, ended.err) == (0, "")
    assert numbers.read_bytes() == (prepared.root / "coco_numbers.jsonl").read_bytes()
    assert files(root / "mme") == images


def test_coco_numbers_of_mme_alone_are_not_all(
    grit: Command, prepared: Prepared, loopback: Loopback, tmp_path: Path
) -> None:
    """Visual Genome's list may have been out of reach when MME's were recorded."""
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    numbers = root / "coco_numbers.jsonl"
    mme = [each for each in rows(numbers) if each["photograph"].startswith("mme/")]
    assert 0 < len(mme) < len(rows(numbers))
    numbers.write_bytes(paper_world.jsonl(mme))
    assert grit().code == 0
    assert numbers.read_bytes() == (prepared.root / "coco_numbers.jsonl").read_bytes()


# --- what cannot be had


def test_faults_are_listed_and_the_rest_is_had(
    grit: Command, loopback: Loopback, prepared: Prepared, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    right = paper_world.image(1)
    faults = {
        coco(1): (status(404), "not there (404)"),
        coco(3): (cut(right), "the connection was cut"),
        coco(5): (content(picture((6, 8))), "6 x 8 pixels instead of 8 x 6"),
        coco(7): (content(b"<html>Log in</html>"), "a page instead of an image"),
        coco(9): (status(503), "the host answers 503"),
    }
    for name, (answer, _) in faults.items():
        loopback.put(f"/coco/train2017/{name}", answer)
    loopback.put("/elsewhere", right)
    loopback.put(f"/coco/train2017/{coco(11)}", status(302, Location="/elsewhere"))
    loopback.put_dataset("AI4Math/MathVista", {"testmini-0.parquet": paper_world.mathvista([1, 2])})
    loopback.put_dataset("lmms-lab/MME", {"test-0.parquet": b"PAR1 not a table"})
    archive = paper_world.tarred({"../a.jpg": right, "b.jpg": right})
    loopback.put_dataset("omlab/OVDEval", {"position.tar.gz": archive})
    root = copied(prepared, tmp_path)
    for folder in ("vsr", "mathvista_mini", "mme", "ovd_position"):
        shutil.rmtree(root / folder)
    ended = grit()
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "things could not be had" in ended.err
    found = shortfalls(tmp_path)
    for name, (_, reason) in faults.items():
        assert found.pop(f"vsr/{name}") == reason
    assert found.pop("mathvista_mini/3.png") == "not among the rows of AI4Math/MathVista"
    for name in paper_world.MME_IMAGES:
        assert "test-0.parquet cannot be read" in found.pop(f"mme/{name}")
    for name in ("a.jpg", "b.jpg"):
        assert "would leave its folder" in found.pop(f"ovd_position/{name}")
    assert found == {}
    assert (root / "vsr" / coco(11)).read_bytes() == right
    assert (root / "mathvista_mini/1.png").is_file()
    assert not (tmp_path / "a.jpg").exists()
    assert {path.name for path in (root / "vsr").iterdir()} == {
        coco(n) for n in range(1, 21) if coco(n) not in faults
    }
    assert read(tmp_path / "run/table2.json")["vsr"]["images_missing"] == 192
    assert f"vsr/{coco(7)}" in ended.out
    assert "/coco/train2017/ and val2017/" in ended.out


def test_without_any_host_it_ends_soon_and_says_so(
    grit: Command, loopback: Loopback, tmp_path: Path
) -> None:
    ended = grit()
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    found = shortfalls(tmp_path)
    assert found["vsr_val.jsonl"] == "the Hub answers 404"
    assert found["tallyqa_train.jsonl"] == "not there (404)"
    assert read(tmp_path / "run/table2.json") == {}
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_a_file_that_is_not_what_the_hub_states_is_not_taken(
    grit: Command, loopback: Loopback, tmp_path: Path
) -> None:
    name = "vsr_val.jsonl"
    body = paper_world.jsonl(paper_world.FILES[name])
    loopback.put_dataset("yfan1997/GRIT_data", {name: body}, checksums={name: "0" * 64})
    bad = {"tallyqa_val.jsonl": b'{"question": "How many?"}\n'}
    assert grit().code == 1
    assert "checksum" in shortfalls(tmp_path)[name]
    loopback.put_dataset("yfan1997/GRIT_data", bad)
    assert grit("hydra.run.dir=again").code == 1
    reasons = {each["what"]: each["reason"] for each in read(tmp_path / "again/shortfalls.json")}
    assert 'line 1: field "answer"' in reasons["tallyqa_val.jsonl"]
    assert not (tmp_path / "data" / name).exists()
    assert not (tmp_path / "data/tallyqa_val.jsonl").exists()


def test_a_bad_row_that_is_there_ends_in_one_line(grit: Command, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/vsr_val.jsonl").write_text('{"question": 1}\n')
    ended = grit("data.check_only=true")
    assert ended.code == 1
    assert ended.err == 'grit: data/vsr_val.jsonl line 1: field "answer": expected a string, ' + (
        "a number or a box [x1, y1, x2, y2] of finite numbers, found nothing\n"
    )


def test_too_few_counting_images_are_said_and_had_later(
    grit: Command, loopback: Loopback, prepared: Prepared, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    rows = (root / "tallyqa_train.jsonl").read_text().splitlines()
    left = sum("/201.jpg" not in row and "/202.jpg" not in row for row in rows)
    assert 0 < left < len(rows)
    (root / "tallyqa_train.jsonl").unlink()
    for number in (201, 202):
        (root / f"tallyqa/VG_100K_2/{number}.jpg").unlink()
        loopback.put(f"/vg/VG_100K_2/{number}.jpg", status(404))
    assert grit().code == 1
    assert f"only {left} of {len(rows)}" in shortfalls(tmp_path)["tallyqa_train.jsonl"]
    assert not (root / "tallyqa_train.jsonl").exists()
    paper_world.build(loopback)
    ended = grit("hydra.run.dir=again")
    assert (ended.code, ended.err) == (0, "")
    made = (root / "tallyqa_train.jsonl").read_bytes()
    assert made == (prepared.root / "tallyqa_train.jsonl").read_bytes()


def test_a_counting_image_that_fails_costs_its_rows_alone_until_it_can_be_had(
    grit: Command, loopback: Loopback, prepared: Prepared, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    made, gone = root / "tallyqa_train.jsonl", f"tallyqa/{coco(30)}"
    whole = rows(made)
    few = [each["question_id"] for each in whole if each["image"] == coco(30)][:20]
    source = read(root / "tallyqa/train.json")
    kept = [e for e in source if e["question_id"] in few or "0030.jpg" not in e["image"]]
    (root / "tallyqa/train.json").write_text(json.dumps(kept))
    made.unlink()
    assert grit("hydra.run.dir=first").code == 0
    first, numbers = made.read_bytes(), {each["question_id"] for each in rows(made)}
    lost = numbers & set(few)
    assert lost
    (root / gone).unlink()
    made.unlink()
    for part in ("train2017", "val2017"):
        loopback.put(f"/coco/{part}/{coco(30)}", status(503))
    for start in ("second", "third"):
        assert grit(f"hydra.run.dir={start}").code == 1
        found = read(tmp_path / start / "shortfalls.json")
        assert [(each["what"], each["reason"]) for each in found] == [
            (gone, "the host answers 503")
        ]
        assert {each["question_id"] for each in rows(made)} == numbers - lost
    assert grit("data.check_only=true", "hydra.run.dir=checked").code == 0
    assert [each["what"] for each in read(tmp_path / "checked/shortfalls.json")] == [gone]
    (root / gone).write_bytes(paper_world.image(30))  # by hand
    assert grit("hydra.run.dir=fourth").code == 0
    assert made.read_bytes() == first
    names = {f"tallyqa/{number}" for number in lost}
    mixtures = [read(tmp_path / start / "drawn.json") for start in ("first", "third", "fourth")]
    for name in ("vsr_tally_500", "vsr_tally_7000"):
        all_of, without, again = (set(each[name]["ids"]) for each in mixtures)
        assert again == all_of
        assert all_of - without <= names  # no other row has lost its place
        assert len(all_of) == len(without)


def test_counting_images_are_tried_again_though_more_test_photographs_are_known_by_then(
    grit: Command, loopback: Loopback, prepared: Prepared, tmp_path: Path
) -> None:
    paper_world.build(loopback)
    root = copied(prepared, tmp_path)
    made, numbers = root / "tallyqa_train.jsonl", root / "coco_numbers.jsonl"
    mme = [each for each in rows(numbers) if each["photograph"].startswith("mme/")]
    numbers.write_bytes(paper_world.jsonl(mme))
    gone, tested = "VG_100K_2/203.jpg", "VG_100K_2/205.jpg"
    source = read(root / "tallyqa/train.json")
    few = [each["question_id"] for each in source if each["image"] == gone][:20]
    kept = [e for e in source if e["question_id"] in few or e["image"] != gone]
    (root / "tallyqa/train.json").write_text(json.dumps(kept))
    made.unlink()
    (root / "tallyqa" / gone).unlink()
    loopback.put(f"/vg/{gone}", status(503))
    loopback.put("/list.zip", status(503))
    assert grit().code == 1
    first = rows(made)
    images = {each["image"] for each in first}
    assert tested in images
    assert gone not in images
    paper_world.build(loopback)
    same = json.dumps([{"image_id": 205, "coco_id": paper_world.TESTED_COCO[0]}]).encode()
    loopback.put("/list.zip", paper_world.zipped({"image_data.json": same}))
    ended = grit("hydra.run.dir=again")
    assert (ended.code, ended.err) == (0, "")
    assert "it stays as it is" not in ended.out
    second = rows(made)
    assert len(second) == 5000
    assert gone in {each["image"] for each in second}
    assert tested not in {each["image"] for each in second}
    assert [each for each in first if each["image"] != tested and each not in second] == []


def test_counting_rows_that_were_drawn_otherwise_stay_and_that_is_said(
    grit: Command, prepared: Prepared, tmp_path: Path
) -> None:
    root = copied(prepared, tmp_path)
    before = files(root)
    ended = grit("data.seed=1")
    assert (ended.code, ended.err) == (0, "")
    said = "holds questions that data.seed=1 and preparation.counting_rows=5000 do not draw"
    assert said in ended.out
    assert files(root) == before


# --- the real annotations


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def test_table_2_of_the_released_files(command: Command, grit_data: Path, tmp_path: Path) -> None:
    given = ("task=data", "data.check_only=true", f"data.root={grit_data}", "hydra.run.dir=run")
    ended = command(*given)
    assert (ended.code, ended.err) == (0, "")
    table = read(tmp_path / "run/table2.json")
    shown = {name: [rounded(found[figure]) for figure in FIGURES] for name, found in table.items()}
    words = table["vsr"]["question_words"]  # 288 questions of whole words
    assert 288 * words == pytest.approx(round(288 * words), abs=1e-9)
    assert words != rounded(words)
    assert shown == {
        "vsr": [288, 6.7, 1.0, 71.5, 58.8],
        "tallyqa": [491, 6.0, 1.0, 0.0, 25.6],
        "gqa": [509, 7.1, 1.1, 0.0, 25.3],
        "mathvista_mini": [1000, 41.6, 1.2, 54.0, None],
        "mme": [240, 13.3, 1.0, 100.0, None],
        "ovd_position": [2146, 19.7, 4.0, 0.0, 15.2],
    }
    assert table["vsr"]["images_missing"] == 287
    lines = (tmp_path / "run/table2.md").read_text().splitlines()
    (vsr,) = [line for line in lines if line.startswith("| vsr | files |")]
    assert vsr == "| vsr | files | 288 | 6.7 | 1.0 | 71.5 | 58.8 | 287 |"
