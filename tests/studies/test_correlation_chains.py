from random import Random

import pytest

from grit.data.shapes import ShapesSource, ideal_trace
from grit.evaluation.predictions import Prediction
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.studies.correlation_chains import chain_of, drawn_boxes, random_boxes

SAMPLE = ShapesSource("vsr", "test", 1)[0]


def said(completion: str, box_space: Space = SAMPLE.space) -> Prediction:
    return Prediction.of(SAMPLE, completion, set="vsr", row=0, box_space=box_space)


def test_a_chain_ends_before_the_answer_and_shows_no_coordinate() -> None:
    text = "<think> red dog [1, 2, 30, 40] </think> <rethink> [5, 6, 70, 80] </rethink> <answer> "
    chain = chain_of(said(text + "[7, 8, 9, 10]"), SAMPLE.picture)
    assert chain is not None
    assert [box.corners for box in chain.boxes] == [(1, 2, 30, 40), (5, 6, 70, 80)]
    assert chain.text == "<think> red dog [masked] </think> <rethink> [masked] </rethink>"


def test_boxes_that_cannot_be_drawn_do_not_count() -> None:
    assert drawn_boxes(said("dog [5, 5, 5, 90], [200, 200, 300, 300]")) == {}
    assert chain_of(said("<think> nothing </think> <answer> [1, 2, 3, 4]"), SAMPLE.picture) is None
    twice = drawn_boxes(said("dog [1, 2, 30, 40], cat [30, 40, 1, 2]"))
    assert list(twice.values()) == ["dog ["]


def test_boxes_are_drawn_in_pixels_of_the_original() -> None:
    (pixels,) = drawn_boxes(said("[24, 24, 48, 96]"))
    (thousandths,) = drawn_boxes(said("[250, 250, 500, 1000]", NORMALIZED_1000))
    assert pixels.corners == thousandths.corners
    assert thousandths.space == SAMPLE.space


def test_an_ideal_chain_has_the_annotated_boxes() -> None:
    chain = chain_of(said(ideal_trace(SAMPLE, SAMPLE.space)), SAMPLE.picture)
    assert chain is not None
    assert chain.boxes == SAMPLE.boxes


@pytest.mark.parametrize("same_sizes", [False, True])
def test_random_boxes_are_as_many_and_inside(same_sizes: bool) -> None:
    space = Space("original", 40, 30)
    boxes = [Box(0, 0, 40, 30, space), Box(3, 4, 5, 29, space)]
    for seed in range(200):
        drawn = random_boxes(boxes, Random(seed), same_sizes=same_sizes)
        assert len(drawn) == 2
        for one, other in zip(boxes, drawn, strict=True):
            assert other.tidied() == other
            if same_sizes:
                assert other.x2 - other.x1 == pytest.approx(one.x2 - one.x1)
                assert other.y2 - other.y1 == pytest.approx(one.y2 - one.y1)
    lefts = {random_boxes(boxes, Random(s), same_sizes=False)[0].x1 for s in range(200)}
    assert len(lefts) > 20
