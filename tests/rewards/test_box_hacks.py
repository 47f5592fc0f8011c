"""What each way to cheat earns of rewards that see boxes, and where a rule can be gamed."""

import pytest
from boxed import IMAGE, TERMS, response

from grit.grounding.boxes import Space
from grit.rewards.points import vigorl
from grit.rewards.response import Attempt, Response

TRUE = [(20, 20, 120, 120), (200, 40, 280, 140), (380, 100, 480, 200)]
HONEST = [(24, 22, 124, 122), (204, 42, 284, 142), (384, 102, 484, 202)]  # IoU about 0.88 each
OTHER_ROW = [(130, 150, 190, 240), (10, 160, 90, 245), (300, 0, 370, 60)]
GRID = [(x, y, x + 50, y + 50) for x in range(0, 500, 50) for y in range(0, 250, 50)]
CHEATS = {
    "the whole image": [(0, 0, 500, 250)],
    "the whole image, many times": [(0, 0, 500, 250)] * 30,
    "the honest boxes and the whole image": [*HONEST, (0, 0, 500, 250)],
    "many boxes": GRID,
    "the honest boxes among many": [*HONEST, *GRID],
    "many boxes, and the honest ones": [*GRID, *HONEST],
    "the same box repeated": [HONEST[0]] * 3,
    "every box repeated from the start": [box for box in HONEST for _ in range(9)],
    "no box": [],
    "boxes of another row": OTHER_ROW,
    "boxes outside of the image": [(600, 300, 700, 400)],
}
# No worse than honest, by the rule: a copy changes no union, and no mean of best overlaps.
EQUAL = {
    "every box repeated from the start": {"treevgr", "union_iou", "iou_squared", "visual_rft"},
}


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_earns_less_than_honest_boxes(name, cheat):
    term = TERMS[name]
    honest, cheated = (term(response(boxes, TRUE)) for boxes in (HONEST, CHEATS[cheat]))
    if name in EQUAL.get(cheat, ()):
        assert cheated == pytest.approx(honest)
    else:
        assert cheated < honest - 0.03


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("cheat", ["no box", "boxes of another row", "boxes outside of the image"])
def test_what_shows_nothing_earns_nothing(name, cheat):
    assert TERMS[name](response(CHEATS[cheat], TRUE)) == 0


@pytest.mark.parametrize("name", TERMS)
def test_better_boxes_earn_no_less(name):
    term = TERMS[name]
    moved = [
        [(a + by, b + by // 2, c + by, d + by // 2) for a, b, c, d in TRUE] for by in (0, 8, 30, 90)
    ]
    values = [term(response(boxes, TRUE)) for boxes in moved]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)


def test_treevgr_is_gamed_by_copies_of_the_best_box():
    """It matches nothing: every copy of a good box raises the mean that is called precision."""
    two = [HONEST[0], OTHER_ROW[0]]
    values = [TERMS["treevgr"](response([*two, *[HONEST[0]] * n], TRUE)) for n in (0, 1, 8)]
    assert values == sorted(values)
    assert values[-1] > values[0] + 0.15


def test_in_visual_rft_a_copy_counts_once():
    """A reflection may repeat the chain's boxes; Visual-RFT's code drops equal ones first."""
    two = [HONEST[0], OTHER_ROW[0]]
    values = [TERMS["visual_rft"](response([*two, *[HONEST[0]] * n], TRUE)) for n in (0, 2, 8)]
    assert values[0] == values[1] == values[2] > 0


@pytest.mark.parametrize("name", ["vlm_r1_map", "vlm_r1_weighted", "hungarian"])
def test_where_boxes_are_matched_copies_cost(name):
    two = [HONEST[0], OTHER_ROW[0]]
    values = [TERMS[name](response([*two, *[HONEST[0]] * n], TRUE)) for n in (0, 2, 8)]
    assert values[0] > values[1] > values[2]


def test_hungarian_is_gamed_on_small_images():
    """Ten pixels are nearly everywhere there."""
    small = Space("original", 14, 14)
    away = response([(7, 7, 14, 14)], [(0, 0, 7, 7)], image=small)
    assert TERMS["hungarian"](away) == 0.5
    assert {name for name, term in TERMS.items() if term(away)} == {"hungarian"}


@pytest.mark.parametrize("name", ["union_iou", "iou_squared", "treevgr"])
def test_the_whole_image_earns_its_share_of_what_is_annotated(name):
    """These three have no threshold: where objects fill the image, so may one box."""
    share = 0.8
    most = [(0, 0, round(IMAGE.width * share), 250)]
    value = TERMS[name](response(CHEATS["the whole image"], most))
    assert value == pytest.approx(share**2 if name == "iou_squared" else share)


def test_vigorl_is_gamed_by_any_point_and_many_earn_no_more():
    def paid(thought: str) -> float:
        said = Attempt("Where?", "here", "vsr", f"<think>{thought}</think>")
        return vigorl(Response.of(said, counting=False))

    assert paid("(0, 0)") == paid("the cat at (31, 40)") == paid("(1, 2)" * 50) == 0.5
    assert paid("") == paid("[0, 0, 500, 250]") == 0
