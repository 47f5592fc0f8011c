import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from grit.data.photographs import (
    add_coco_numbers,
    coco_name,
    paper_tests,
    photograph,
    photographs_of_tests,
    read_coco_numbers,
)
from grit.data.settings import DataSettings, SourceSettings, SuiteSettings
from grit.data.triplets import training_samples

NUMBERS = {"vg/2376641": 7, "mme/000860.png": 8}


@pytest.mark.parametrize(
    ("folder", "image", "name"),
    [
        ("vsr", "000000385473.jpg", "coco/385473"),
        ("tallyqa", "COCO_train2014_000000385473.jpg", "coco/385473"),
        ("tallyqa", "val2014/COCO_val2014_000000385473.jpg", "coco/385473"),
        ("tallyqa", "VG_100K_2/2414837.jpg", "vg/2414837"),
        ("gqa", "images/2414837.jpg", "vg/2414837"),
        ("gqa", "images/2376641.jpg", "coco/7"),
        ("tallyqa", "VG_100K/2376641.jpg", "coco/7"),
        ("mme", "000860.png", "coco/8"),
        ("mme", "000861.png", "mme/000861.png"),
        ("mathvista_mini", "860.png", "mathvista_mini/860.png"),
        ("ovd_position", "64d06716e4b011b0db8f35f7.jpg", None),
    ],
)
def test_a_photograph_has_one_name(folder: str, image: str, name: str | None) -> None:
    assert photograph(folder, image, NUMBERS) == (name or f"{folder}/{image}")


def test_cocos_names_of_2017() -> None:
    assert coco_name("COCO_val2014_000000000139.jpg") == "000000000139.jpg"
    assert coco_name("000000000139.jpg") == "000000000139.jpg"
    assert coco_name("2414837.jpg") is None
    assert coco_name("000860.png") is None


def test_numbers_are_kept_beside_each_other(tmp_path: Path) -> None:
    assert read_coco_numbers(tmp_path) == {}
    add_coco_numbers(tmp_path, {"vg/2376641": 7})
    add_coco_numbers(tmp_path, {"mme/000860.png": 8})
    assert read_coco_numbers(tmp_path) == NUMBERS


def test_the_photographs_of_the_released_test_sets(grit_data: Path) -> None:
    found = photographs_of_tests(paper_tests(grit_data), {})
    kinds = Counter(name.split("/")[0] for name in found)
    genome = kinds.pop("vg")
    assert 501 < genome <= 465 + 501  # TallyQA's and GQA's may be the same
    assert kinds == {"coco": 247, "mme": 240, "mathvista_mini": 1000, "ovd_position": 2107}
    number = next(int(name[3:]) for name in found if name.startswith("vg/"))
    again = photographs_of_tests(paper_tests(grit_data), {f"vg/{number}": 1})
    assert again == (found - {f"vg/{number}"}) | {"coco/1"}


def test_folders_of_others_may_share_a_name(tmp_path: Path) -> None:
    row = {"question": "?", "answer": "a", "image": "1.jpg", "width": 9, "height": 9}
    found = []
    for name in ("train", "test"):
        (tmp_path / name / "images").mkdir(parents=True)
        file = tmp_path / name / "rows.jsonl"
        file.write_text(json.dumps(row | {"dataset": "own"}) + "\n")
        found.append(photographs_of_tests([(file, tmp_path / name / "images")], {}))
    again = photographs_of_tests([(file, tmp_path / "train" / "images")], {})
    assert found[0] != found[1]
    assert found[0] == again


def test_rows_of_the_suite_s_own_photographs_are_left_out(tmp_path: Path) -> None:
    row = {"question": "?", "answer": "a", "width": 9, "height": 9, "dataset": "own"}
    for place in range(3):
        Image.new("RGB", (9, 9), (place, 0, 0)).save(tmp_path / f"{place}.png")
    for name, places in (("train", (0, 1, 2)), ("test", (1,))):
        rows = [json.dumps(row | {"image": f"{place}.png"}) for place in places]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    root = {"name": "own", "root": str(tmp_path)}
    test = {"test": SourceSettings(file="test.jsonl", images=".")}
    for apart, left in ((False, 3), (True, 2)):
        train = SourceSettings(file="train.jsonl", images=".", apart_from_tests=apart)
        data = DataSettings(**root, sources={"train": train})
        assert len(training_samples(data, SuiteSettings(**root, sets=test))) == left
