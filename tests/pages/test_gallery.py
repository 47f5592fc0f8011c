from dataclasses import replace

from PIL import Image

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import Box, Space
from grit.judge.rules import RulesJudge
from grit.pages.chains import embedded
from grit.pages.gallery import EACH, choose, gallery

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
        spoken=PHOTO,
        space=PHOTO,
        true_boxes=boxes,
    )


def scored(*predictions: Prediction) -> list[ScoredPrediction]:
    return score_predictions(predictions, RulesJudge(), tagged_answers=True)


def no_picture(name: str, row: str) -> None:
    return None


def changing(n: int) -> tuple[list[ScoredPrediction], list[ScoredPrediction]]:
    """n rows each: of four, one is fixed, one broken, one stays right, one stays wrong."""
    before, after = [], []
    for row in range(n):
        was, now = (("no", "yes"), ("yes", "no"), ("yes", "yes"), ("no", "no"))[row % 4]
        before.append(said(f"<answer> {was}", row))
        after.append(said(f"<answer> {now}", row))
    return scored(*before), scored(*after)


def test_fixed_broken_good_and_bad_are_chosen_once_each() -> None:
    before, after = changing(80)
    chosen = choose(before, after)
    kinds = [example.kind for example in chosen]
    assert kinds == [kind for kind, count in EACH.items() for _ in range(count)]
    ids = [example.after.prediction.id for example in chosen]
    assert len(set(ids)) == len(ids)
    for example in chosen:
        row = example.after.prediction.row
        right = {"fixed": {0}, "broken": {1}, "good": {0, 2}, "bad": {1, 3}}[example.kind]
        assert row % 4 in right
        assert (example.before is not None) == (example.kind in ("fixed", "broken"))
    assert choose(before[::-1], after[::-1]) == chosen


def test_good_answers_have_right_boxes_if_any_has() -> None:
    true = (Box(0, 0, 100, 100, PHOTO),)
    rows = [
        said(f"<think> [0, 0, 100, {90 if row % 10 == 3 else 9}] <answer> yes", row, true)
        for row in range(30)
    ]
    good = [example.after for example in choose([], scored(*rows)) if example.kind == "good"]
    assert [row.prediction.row % 10 for row in good] == [3] * EACH["good"]


def test_unjudged_rows_are_neither_good_nor_bad() -> None:
    failed = replace(scored(said("<answer> yes"))[0], acc=None, judge_failed=True)
    assert choose([], [failed]) == []
    assert gallery({}, {"vsr": [failed], "none": []}, no_picture).sets == {}


def test_cards_beyond_the_budget_are_left_out_of_all_sets_alike(monkeypatch) -> None:
    photograph = embedded(Image.new("RGB", (300, 300)), None)
    budget = 5 * len(photograph.uri) + 5 * 500
    monkeypatch.setattr("grit.pages.gallery.embedded", lambda *_: photograph)
    _, after = changing(80)
    sets = dict.fromkeys(("a", "b"), after)
    found = gallery({}, sets, no_picture, budget=budget)
    shown = {name: len(cards) for name, cards in found.sets.items()}
    assert shown == {"a": 3, "b": 2}
    assert found.kinds == ["good", "bad"]
    assert found.left_out == 2 * (EACH["good"] + EACH["bad"]) - 5


def test_a_chain_of_nothing_but_boxes_counts_too() -> None:
    boxes = " ".join(f"{n},{n},99,99" for n in range(90))
    sets = {str(n): scored(*(said(boxes, row) for row in range(9))) for n in range(90)}
    found = gallery({}, sets, no_picture)
    cards = [card for cards in found.sets.values() for card in cards]
    assert sum(len(chain.marks) for card in cards for _, chain in card.chains) < 6000
    assert found.left_out > 0
