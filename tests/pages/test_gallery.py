from dataclasses import replace

from PIL import Image

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import Box, Space
from grit.judge.rules import RulesJudge
from grit.pages.chains import embedded
from grit.pages.gallery import EACH, SMALL, choose, examples_of, gallery, kind_of

PHOTO = Space("original", 640, 480)


def said(
    completion: str,
    row: int = 0,
    boxes: tuple[Box, ...] | None = None,
) -> Prediction:
    """What was said to a question whose answer is yes."""
    return Prediction(
        set="vsr",
        row=row,
        id=f"vsr/{row}",
        question="Is it?",
        truth="yes",
        truth_is_box=False,
        dataset="vsr",
        completion=completion,
        box_space=PHOTO,
        space=PHOTO,
        true_boxes=boxes,
    )


def scored(*predictions: Prediction) -> list[ScoredPrediction]:
    return score_predictions(predictions, RulesJudge(), tagged_answers=True)


def no_picture(name: str, row: str) -> None:
    return None


TRUE = (Box(0, 0, 100, 100, PHOTO),)


def changing(n: int) -> tuple[list[ScoredPrediction], list[ScoredPrediction]]:
    """n rows each: of five, one is fixed, one broken, one stays wrong, two stay right.

    Of these one has right boxes and one wrong ones.
    """
    before, after = [], []
    for row in range(n):
        was, now = ("no yes", "yes no", "yes yes", "no no", "yes yes")[row % 5].split()
        high = 90 if row % 5 == 2 else 9
        before.append(said(f"<answer> {was}", row, TRUE))
        after.append(said(f"<think> [0, 0, 100, {high}] <answer> {now}", row, TRUE))
    return scored(*before), scored(*after)


def test_each_kind_is_chosen_once() -> None:
    before, after = changing(80)
    chosen = choose(before, after)
    kinds = [example.kind for example in chosen]
    assert kinds == [kind for kind, count in EACH.items() for _ in range(count)]
    ids = [example.after.prediction.id for example in chosen]
    assert len(set(ids)) == len(ids)
    for example in chosen:
        row = example.after.prediction.row
        place = {"fixed": 0, "broken": 1, "good": 2, "bad": 3, "lucky": 4}[example.kind]
        assert row % 5 == place
        assert (example.before is not None) == (example.kind in ("fixed", "broken"))
    assert choose(before[::-1], after[::-1]) == chosen


def test_good_is_a_right_answer_with_right_boxes_and_lucky_one_without() -> None:
    rows = [
        said(f"<think> [0, 0, 100, {90 if row % 10 == 3 else 9}] <answer> yes", row, TRUE)
        for row in range(30)
    ]
    by_kind: dict[str, set[int]] = {}
    for example in examples_of([], scored(*rows)):
        by_kind.setdefault(example.kind, set()).add(example.after.prediction.row % 10)
    assert by_kind == {"good": {3}, "lucky": set(range(10)) - {3}}


def test_where_no_box_is_annotated_a_good_chain_is_in_the_format() -> None:
    whole = "<think> [0, 0, 9, 9] </think> <rethink> so </rethink> <answer> yes"
    kinds = [kind_of(row) for row in scored(said(whole), said("<answer> yes"), said("<answer> no"))]
    assert kinds == ["good", "lucky", "bad"]


def test_a_small_set_is_shown_whole_and_a_larger_one_is_not() -> None:
    _, after = changing(SMALL)
    ids = {example.after.prediction.id for example in choose([], after)}
    assert len(ids) == SMALL
    assert len(choose([], changing(SMALL + 1)[1])) < SMALL


def test_unjudged_rows_are_neither_good_nor_bad() -> None:
    failed = replace(scored(said("<answer> yes"))[0], acc=None, judge_failed=True)
    assert [example.kind for example in choose([], [failed])] == ["unjudged"]
    found = gallery({}, {"vsr": [failed], "none": []}, no_picture)
    assert (list(found.sets), found.kinds) == (["vsr"], ["unjudged"])


def test_cards_beyond_the_budget_are_left_out_of_all_sets_alike(monkeypatch) -> None:
    photograph = embedded(Image.new("RGB", (300, 300)), None)
    budget = 5 * len(photograph.uri) + 5 * 2000  # a box and its words
    monkeypatch.setattr("grit.pages.gallery.embedded", lambda *_: photograph)
    _, after = changing(80)
    sets = dict.fromkeys(("a", "b"), after)
    found = gallery({}, sets, no_picture, budget=budget)
    shown = {name: len(cards) for name, cards in found.sets.items()}
    assert shown == {"a": 3, "b": 2}
    assert found.kinds == ["good", "lucky"]
    assert found.left_out == 2 * (EACH["good"] + EACH["lucky"] + EACH["bad"]) - 5


def test_a_chain_of_nothing_but_boxes_counts_too() -> None:
    boxes = " ".join(f"{n},{n},99,99" for n in range(90))
    sets = {str(n): scored(*(said(boxes, row) for row in range(9))) for n in range(90)}
    found = gallery({}, sets, no_picture)
    cards = [card for cards in found.sets.values() for card in cards]
    assert sum(len(chain.marks) for card in cards for _, chain in card.chains) < 6000
    assert found.left_out > 0
