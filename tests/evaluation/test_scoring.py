from collections.abc import Sequence
from dataclasses import replace

import pytest

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.judge.judge import Judge, Query
from grit.judge.rules import RulesJudge

ORIGINAL = Space("original", 200, 100)
WHOLE = (
    "<think>the dog [0, 0, 100, 100]</think><rethink>so, yes</rethink><answer> The Dog. </answer>"
)


class Fixed(Judge):
    """A judge with one opinion, who remembers what was asked."""

    name = "fixed"

    def __init__(self, score: float | None = 0.7) -> None:
        self.opinion = score
        self.asked: list[Query] = []

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        self.asked += queries
        return [self.opinion] * len(queries)


def prediction(completion: str = WHOLE, **changes: object) -> Prediction:
    base = Prediction(
        set="vsr",
        row=0,
        id="vsr/1",
        question="Who?",
        truth="dog",
        truth_is_box=False,
        dataset="vsr",
        completion=completion,
        box_space=ORIGINAL,
        space=ORIGINAL,
        true_boxes=(Box(0, 0, 200, 100, ORIGINAL),),
    )
    return replace(base, **changes)


def score(said: Prediction, judge: Fixed | None = None, tagged: bool = True) -> ScoredPrediction:
    (found,) = score_predictions([said], judge or Fixed(), tagged_answers=tagged)
    return found


def test_a_complete_trace() -> None:
    judge = Fixed()
    found = score(prediction(), judge)
    assert judge.asked == [Query("Who?", "dog", "The Dog.")]
    assert (found.answer, found.acc, found.exact_match, found.format) == ("The Dog.", 0.7, 1.0, 1.0)
    assert found.boxes == (Box(0, 0, 100, 100, ORIGINAL),)
    assert found.giou == pytest.approx(0.5)
    assert not found.judge_failed


@pytest.mark.parametrize("completion", ["", "<think>dog</think>", "<answer> </answer>"])
def test_no_answer_scores_zero_and_asks_nobody(completion: str) -> None:
    judge = Fixed()
    found = score(prediction(completion), judge)
    assert (found.answer, found.acc, found.exact_match) == (None, 0.0, 0.0)
    assert judge.asked == []
    assert not found.judge_failed


def test_a_direct_answer_is_the_whole_completion() -> None:
    found = score(prediction("  dog\n"), tagged=False)
    assert (found.answer, found.acc, found.exact_match, found.format) == ("dog", 0.7, 1.0, 0.0)
    assert score(prediction(" \n"), tagged=False).acc == 0.0
    assert score(prediction("dog")).answer is None


@pytest.mark.parametrize(
    ("completion", "with_tags", "without"),
    [
        ("It is a dog.", 0.0, 1.0),
        ("I think it is a dog.", 0.0, 1.0),
        ("It is a dog. <answer> cat", 0.0, 0.0),
        ("Not a bird, it is a cat. <answer> dog", 1.0, 0.0),
    ],
)
def test_whole_completions_are_judged_only_without_tags(
    completion: str, with_tags: float, without: float
) -> None:
    rules = RulesJudge()
    for tagged, acc in ((True, with_tags), (False, without)):
        (found,) = score_predictions([prediction(completion)], rules, tagged_answers=tagged)
        assert found.acc == acc


def test_a_judge_that_fails_is_not_a_zero() -> None:
    found = score(prediction(), Fixed(None))
    assert found.acc is None
    assert found.judge_failed
    assert found.exact_match == 1.0


def test_identical_questions_are_asked_once() -> None:
    judge = Fixed()
    said = [prediction(), prediction(id="vsr/2"), prediction(WHOLE.replace("Dog", "Cat"), id="3")]
    found = score_predictions(said, judge, tagged_answers=True)
    assert len(judge.asked) == 2
    assert [one.acc for one in found] == [0.7] * 3


def test_no_judge_reads_a_box() -> None:
    judge = Fixed()
    said = prediction(truth="[0, 0, 200, 100]", truth_is_box=True)
    found = score(said, judge)
    assert (found.acc, found.exact_match, found.judge_failed) == (None, None, False)
    assert found.giou == pytest.approx(0.5)
    assert judge.asked == []


def test_boxes_are_converted_before_they_are_compared() -> None:
    completion = "<answer>{'bbox_2d': [0, 0, 500, 1000]}</answer>"  # the answer's boxes count too
    assert score(prediction(completion, box_space=NORMALIZED_1000)).giou == pytest.approx(0.5)
    resized = Space("resized", 1000, 1000)
    assert score(prediction(completion, box_space=resized)).giou == pytest.approx(0.5)
    found = score(prediction(completion))  # in original pixels it is clipped to the image
    assert found.giou == pytest.approx(1.0)
    assert found.boxes == (Box(0, 0, 500, 1000, ORIGINAL),)


@pytest.mark.parametrize(
    ("completion", "giou"),
    [
        ("no box", 0.0),
        ("[50, 50, 50, 90]", 0.0),  # no area
        ("[100, 100, 0, 0]", 0.5),  # reversed corners
        ("[0, 0, 100, 100] [100, 0, 200, 100]", 1.0),  # the union of all
        ("[0, 0, 100, 100] [0, 0, 100, 100]", 0.5),
        ("[0, 0, " + "9" * 5000 + ", 100]", 1.0),
    ],
)
def test_grounding_of_odd_boxes(completion: str, giou: float) -> None:
    assert score(prediction(completion)).giou == pytest.approx(giou)


@pytest.mark.parametrize("boxes", [None, ()])
def test_rows_without_annotated_boxes_have_no_giou(boxes: tuple[Box, ...] | None) -> None:
    assert score(prediction(true_boxes=boxes)).giou is None


def test_an_unknown_size_leaves_boxes_unknown() -> None:
    found = score(prediction(box_space=NORMALIZED_1000, space=None, true_boxes=None))
    assert (found.boxes, found.giou, found.format) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("completion", "broken"),
    [
        (WHOLE.replace("</think>", ""), {"think_pair", "rethink_pair"}),
        (WHOLE.replace("</rethink>", ""), {"rethink_pair"}),
        (WHOLE.replace("[0, 0, 100, 100]", "").replace("so", "[0, 0, 9, 9]"), {"box_in_chain"}),
        (WHOLE.replace("<answer>", ""), {"answer"}),
    ],
)
def test_the_format_needs_every_part(completion: str, broken: set[str]) -> None:
    found = score(prediction(completion))
    assert {name for name, right in found.parts.items() if not right} == broken
    assert found.format == 0.0


def test_a_symbol_equals_itself_alone() -> None:
    minus = prediction("<answer>-</answer>", truth="-")
    assert score(minus).exact_match == 1.0
    assert score(replace(minus, truth="×")).exact_match == 0.0


def test_annotated_boxes_without_area_count_for_nothing() -> None:
    line = Box(10, 10, 10, 40, ORIGINAL)
    assert score(prediction(true_boxes=(line,))).giou is None
    whole = prediction().true_boxes
    assert whole is not None
    assert score(prediction(true_boxes=(line, *whole))).giou == pytest.approx(0.5)
