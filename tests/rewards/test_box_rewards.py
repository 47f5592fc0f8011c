"""Each rule against numbers worked out by hand and against another, naive writing of it."""

from itertools import permutations

import pytest
from boxed import SPOKEN, TERMS, response
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grit.grounding.boxes import Box, Space
from grit.grounding.boxes import union_iou as metric
from grit.rewards.points import vigorl
from grit.rewards.response import Attempt, Response
from grit.rewards.term import needs_of

A, B = (0, 0, 100, 100), (200, 0, 300, 100)
HALF_A = (0, 0, 100, 50)  # IoU 0.5 with A
MOST_B = (200, 0, 300, 80)  # IoU 0.8 with B
AWAY = (400, 150, 500, 250)
AP_OF_HALF = 51 / 101  # one of two found, precision 1: recalls 0, 0.01 ... 0.5

BY_HAND = [  # predicted, annotated, value of each term
    (
        "all found exactly",
        [A, B],
        [A, B],
        dict.fromkeys(TERMS, 1.0),
    ),
    (
        "one of two",
        [A],
        [A, B],
        {
            "treevgr": 0.5 * (0.5 + 1),
            "visual_rft": 1 / 2,
            "vlm_r1_map": AP_OF_HALF,
            "vlm_r1_weighted": 0.7 / 2 + 0.3 * (1 - (0.5 + 0) / 2),
            "hungarian": 2 / 4,
            "iou_squared": 0.25,
            "union_iou": 0.5,
        },
    ),
    (
        "one of two, and one that is nothing",
        [AWAY, A],
        [A, B],
        {
            "treevgr": 0.5 * (0.5 + 0.5),
            "visual_rft": 1 / 2,
            "vlm_r1_map": 0.5 * AP_OF_HALF,  # precision 1/2 where it is found
            "vlm_r1_weighted": 0.7 / 2 + 0.3 * (1 - (0.5 + 0.5) / 2),
            "hungarian": 2 / 4,
            "iou_squared": 1 / 9,
            "union_iou": 1 / 3,
        },
    ),
    (
        "near: IoU 0.5 is no match for some, 0.8 is one for all",
        [HALF_A, MOST_B],
        [A, B],
        {
            "treevgr": 0.65,
            "visual_rft": 0.8 / 2,
            # At 0.5 both; at 0.55 to 0.8 the second of two: precision 1/2 up to recall 1/2.
            "vlm_r1_map": (1 + 6 * 0.5 * AP_OF_HALF) / 10,
            "vlm_r1_weighted": 0.7 * 1.3 / 2 + 0.3,
            "hungarian": (0 + 2) / 4,  # 50 / 4 pixels away, and 20 / 4
            "iou_squared": 0.65**2,
            "union_iou": 0.65,
        },
    ),
    (
        "more boxes than there are",
        [A, AWAY, B, AWAY],
        [A, B],
        {
            "treevgr": 0.5 * (1 + 0.5),
            "visual_rft": 2 / 3,  # what is said again counts once
            # Precision 1 up to recall 1/2, then 2/3; the last box comes after all are found.
            "vlm_r1_map": (51 + 50 * 2 / 3) / 101 * 2 / 4,
            "vlm_r1_weighted": 0.7 + 0.3 * (1 - 0.5 / 2),
            "hungarian": 4 / 8,
            "iou_squared": (2 / 3) ** 2,
            "union_iou": 2 / 3,
        },
    ),
    ("nothing predicted", [], [A, B], dict.fromkeys(TERMS, 0.0)),
    ("no area in the image", [(5, 5, 5, 90), (600, 0, 700, 9)], [A], dict.fromkeys(TERMS, 0.0)),
]  # fmt: skip


@pytest.mark.parametrize(("predicted", "annotated", "values"), [case[1:] for case in BY_HAND],
                         ids=[case[0] for case in BY_HAND])  # fmt: skip
def test_values_worked_out_by_hand(predicted, annotated, values):
    found = {name: term(response(predicted, annotated)) for name, term in TERMS.items()}
    assert found == pytest.approx(values)


def test_boxes_are_tidied_as_for_the_metric():
    """Clipped to the image, corners put in order, none without area; annotated ones too."""
    strange = [(100, 100, 0, 0), (200, 0, 300, 100), (450, 200, 900, 900), (9, 9, 9, 9)]
    plain = [A, B, (450, 200, 500, 250)]
    for term in TERMS.values():
        assert term(response(strange, [A, (300, 100, 200, 0), (7, 7, 7, 7)])) == pytest.approx(
            term(response(plain, [A, B]))
        )


def test_all_boxes_of_the_completion_are_predicted_ones():
    space = Space("original", 500, 250)
    completion = f"<think> {[*A]} </think><rethink> {[*A]} </rethink><answer>{[*B]}</answer>"
    said = Attempt(
        *("q", "here", "ovd_position", completion),
        box_space=space,
        space=space,
        true_boxes=(Box(*B, space),),
    )
    assert [box.corners for box in Response.of(said, counting=False).boxes] == [A, A, B]


def test_what_is_not_known_is_none():
    assert response([A], None).true_boxes is None
    assert response([A], []).true_boxes is None
    assert response([A], [(5, 5, 5, 9)]).true_boxes is None  # annotated, without an area
    assert response([], [A]).boxes == ()
    assert Response.of(Attempt("q", "a", "vsr", "[1, 2, 3, 4]"), counting=False).boxes is None
    assert all(needs_of(term).boxes for term in TERMS.values())
    assert not needs_of(vigorl).boxes


# The rules once more, without arrays.
def iou(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    area_1, area_2 = ((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (area_1 + area_2 - shared)


def naive_treevgr(predicted, annotated):
    recall = sum(max(iou(p, t) for p in predicted) for t in annotated) / len(annotated)
    precision = sum(max(iou(p, t) for t in annotated) for p in predicted) / len(predicted)
    return (recall + precision) / 2


def in_order(predicted, annotated, takes):
    """For each predicted box the IoU with what it takes; None where it takes nothing."""
    free, found = list(annotated), []
    for box in predicted:
        fits = [each for each in free if takes(iou(box, each))]
        best = max(fits, key=lambda each: iou(box, each), default=None)
        if best is not None:
            free.remove(best)
        found.append(None if best is None else iou(box, best))
    return found


def naive_visual_rft(predicted, annotated):
    predicted = [each for at, each in enumerate(predicted) if each not in predicted[:at]]
    found = in_order(predicted, annotated, lambda value: value > 0.5)
    return sum(filter(None, found)) / max(len(predicted), len(annotated))


def naive_map(predicted, annotated):
    total = 0.0
    for step in range(10):
        least = 0.5 + 0.05 * step
        found = in_order(predicted[:100], annotated, lambda value, m=least: value >= m - 1e-12)
        points, right = [], 0
        for place, each in enumerate(found, start=1):
            right += each is not None
            points.append((right / len(annotated), right / place))
        for recall in range(101):
            total += max((p for r, p in points if r >= recall / 100 - 1e-12), default=0.0)
    return total / 1010 * min(1, len(annotated) / len(predicted))


def naive_weighted(predicted, annotated):
    left, there, matched = list(predicted), list(annotated), []
    while left and there:
        best = max(((p, t) for p in left for t in there), key=lambda pair: iou(*pair))
        if iou(*best) < 0.5:
            break
        matched.append(iou(*best))
        left.remove(best[0])
        there.remove(best[1])
    missed, alarms = len(there) / len(annotated), len(left) / len(predicted)
    return 0.7 * sum(matched) / len(annotated) + 0.3 * (1 - (missed + alarms) / 2)


def naive_hungarian(predicted, annotated):
    def points(p, t):
        apart = sum(abs(a - b) for a, b in zip(p, t, strict=True)) / 4
        return (iou(p, t) > 0.5) + (apart < 10)

    fewer, more = sorted((predicted, annotated), key=len)
    best = max(
        sum(points(p, t) for p, t in zip(fewer, chosen, strict=True))
        for chosen in permutations(more, len(fewer))
    )
    return best / (2 * len(more))


def on_a_grid(left: int, top: int, width: int, height: int) -> tuple[int, int, int, int]:
    """A coarse one, so that boxes meet often; some reach out of the image."""
    return left * 25, top * 25, (left + width) * 25, (top + height) * 25


boxes = st.builds(on_a_grid, *(st.integers(0, most) for most in (21, 11, 8, 8)))
some = st.lists(boxes, min_size=1, max_size=5)


@given(some, some)
@settings(max_examples=150, deadline=None)
def test_every_rule_is_its_naive_writing(predicted, annotated):
    def tidy(given_boxes):
        cut = [(a, b, min(c, 500), min(d, 250)) for a, b, c, d in given_boxes]
        return [box for box in cut if box[0] < box[2] and box[1] < box[3]]

    said, true = tidy(predicted), tidy(annotated)
    one = response(predicted, annotated)
    if not (said and true):
        return
    naive = {
        "treevgr": naive_treevgr(said, true),
        "visual_rft": naive_visual_rft(said, true),
        "vlm_r1_map": naive_map(said, true),
        "vlm_r1_weighted": naive_weighted(said, true),
        "hungarian": naive_hungarian(said, true),
    }
    space = one.boxes[0].space
    naive["union_iou"] = metric(*([Box(*box, space) for box in each] for each in (said, true)))
    naive["iou_squared"] = naive["union_iou"] ** 2
    assert {name: term(one) for name, term in TERMS.items()} == pytest.approx(naive)


@given(st.lists(boxes, max_size=6), some)
@example([A] * 120, [A, B])
@settings(max_examples=100, deadline=None)
def test_values_are_shares_whatever_space_is_spoken(predicted, annotated):
    if response(predicted, annotated).true_boxes is None:
        return
    for term in TERMS.values():
        values = [term(response(predicted, annotated, box_space=space)) for space in SPOKEN]
        assert 0 <= min(values) <= max(values) <= 1
        assert values == pytest.approx(values[:1] * len(SPOKEN))


@pytest.mark.parametrize(
    ("completion", "value"),
    [
        ("<think> the cat at (12, 34) </think><answer>yes</answer>", 0.5),
        ("<think> ( 1.5 ,2 ) and (3, 4) </think>", 0.5),
        ("<think> a cat [12, 34, 56, 78] </think>", 0.0),
        ("<think> (12, 34, 56) and (12) and (a, b) </think>", 0.0),
        ("<think> a cat </think><answer>(12, 34)</answer>", 0.0),
        ("(12, 34)", 0.0),
        ("<think> (12, 34)", 0.0),  # the thought has no end
    ],
)
def test_a_point_in_the_thought(completion, value):
    assert vigorl(Response.of(Attempt("q", "yes", "vsr", completion), counting=False)) == value
