"""What a run trains on and what it is tested on share no picture."""

import logging

import pytest

from grit.core.errors import GritError
from grit.data import suites
from grit.data.samples import Sample
from grit.data.settings import SourceSettings, SuiteSettings
from grit.data.shapes import ShapesSource
from grit.data.suites import check_overlap

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
