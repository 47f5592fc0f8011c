"""What a run is tested on: which rows, and no picture that it trains on."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.data import suites
from grit.data.samples import Sample
from grit.data.settings import SourceSettings, SuiteSettings
from grit.data.shapes import ShapesSource
from grit.data.suites import check_overlap, find_sets

TESTED = ShapesSource("vsr", "test", 4)
TRAINED: list[Sample] = list(ShapesSource("vsr", "train", 4))


def suite(source: SourceSettings) -> SuiteSettings:
    return SuiteSettings(name="mine", root=".", sets={"vsr": source})


def test_a_test_scene_is_never_trained_on() -> None:
    drawn = suite(SourceSettings(kind="vsr"))
    check_overlap(drawn, TRAINED, [suites.TestSet("vsr", TESTED)])
    with pytest.raises(GritError, match="test scene shapes_vsr/test/2 is the training scene"):
        check_overlap(drawn, [*TRAINED, TESTED[2]], [suites.TestSet("vsr", TESTED)])


def test_photographs_that_are_shared_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    # The paper's own files share pictures, so that this is no mistake of the user's.
    with caplog.at_level(logging.INFO):
        check_overlap(suite(SourceSettings()), [TESTED[2]], [suites.TestSet("vsr", TESTED)])
    assert caplog.messages == ["suite=mine: vsr: 1 test pictures are training pictures"]


def limited(folder: Path, answers: list[str], limit: int | None) -> list[str]:
    """The answers of a file's rows that are asked."""
    (folder / "vsr").mkdir(exist_ok=True)
    Image.new("RGB", (8, 6)).save(folder / "vsr" / "a.png")
    row = {"question": "?", "image": "a.png", "width": 8, "height": 6, "dataset": "vsr"}
    lines = [json.dumps(row | {"answer": answer}) + "\n" for answer in answers]
    (folder / "vsr.jsonl").write_text("".join(lines))
    sets = {"vsr": SourceSettings(file="vsr.jsonl")}
    (found,) = find_sets(SuiteSettings(name="mine", root=str(folder), limit=limit, sets=sets))
    return [sample.answer for sample in found.samples]


def test_a_limit_takes_rows_from_all_over_a_file(tmp_path: Path) -> None:
    answers = [str(i // 20) for i in range(100)]
    found = limited(tmp_path, answers, 10)
    assert found == sorted(found)
    assert Counter(found) == dict.fromkeys("01234", 2)
    assert limited(tmp_path, answers, 100) == limited(tmp_path, answers, None) == answers
    assert limited(tmp_path, answers, 101) == answers
    places = [str(i) for i in range(7)]
    assert len(set(limited(tmp_path, places, 5))) == 5


def test_a_limit_takes_both_of_two_answers_that_alternate(tmp_path: Path) -> None:
    found = Counter(limited(tmp_path, ["yes", "no"] * 60, 30))
    assert min(found["yes"], found["no"]) >= 8


def test_a_limit_takes_the_first_of_drawn_scenes() -> None:
    sets = {"vsr": SourceSettings(kind="vsr", split="test", rows=9)}
    (found,) = find_sets(SuiteSettings(name="mine", root=".", limit=4, sets=sets))
    assert list(found.samples) == list(TESTED)
