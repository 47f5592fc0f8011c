import base64
import io
from dataclasses import replace

import pytest
from PIL import Image

from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.judge.rules import RulesJudge
from grit.pages.chains import VIEW, chain_of, embedded

PHOTO = Space("original", 640, 480)


def one(
    completion: str,
    truth: str = "yes",
    *,
    box_space: Space = PHOTO,
    boxes: tuple[Box, ...] | None = None,
) -> ScoredPrediction:
    """A row about a picture of 640 x 480."""
    prediction = Prediction(
        set="vsr",
        row=0,
        id="vsr/0",
        question="Is it?",
        truth=truth,
        truth_is_box=truth.startswith("["),
        dataset="vsr",
        completion=completion,
        box_space=box_space,
        space=PHOTO,
        true_boxes=boxes,
    )
    (row,) = score_predictions([prediction], RulesJudge(), tagged_answers=True)
    return row


def test_a_box_that_is_mentioned_again_is_marked() -> None:
    chain = chain_of(one("a [1, 2, 30, 40], b [5, 6, 70, 80], a [1, 2, 30, 40], a 1, 2, 30, 40"))
    boxes = [piece for piece in chain.pieces if piece.kind == "box"]
    assert [box.again for box in boxes] == [False, False, True, True]
    assert chain.repeated == 2
    assert chain_of(one("a [1, 2, 30, 40]")).repeated == 0


def test_boxes_have_the_same_number_in_the_text_and_in_the_picture() -> None:
    text = "<think> a [64, 48, 320, 240], b [0, 0, 64, 48] </think> a [64, 48, 320, 240] 1, 2, 3, 4"
    chain = chain_of(one(text))
    assert "".join(piece.text for piece in chain.pieces) == text
    boxes = [(piece.text, piece.number) for piece in chain.pieces if piece.kind == "box"]
    assert boxes == [
        ("[64, 48, 320, 240]", 1),
        ("[0, 0, 64, 48]", 2),
        ("[64, 48, 320, 240]", 1),
        ("1, 2, 3, 4", 3),
    ]
    frames = {mark.number: mark.frame for mark in chain.marks}
    scale = VIEW / 640
    assert frames[1] == pytest.approx((64 * scale, 48 * scale, 256 * scale, 192 * scale))
    assert sorted(frames) == [1, 2, 3]
    assert [mark.number for mark in chain.marks] == [1, 2, 3]  # large first, small on top


def test_boxes_of_another_space_land_in_the_same_place() -> None:
    pixels = chain_of(one("[64, 48, 320, 240]"))
    thousandths = chain_of(one("[100, 100, 500, 500]", box_space=NORMALIZED_1000))
    assert pixels.marks[0].frame == thousandths.marks[0].frame


def test_tags_are_told_from_text() -> None:
    chain = chain_of(one("<think> a <b> </think>\n<answer> yes"))
    assert [(piece.kind, piece.text) for piece in chain.pieces] == [
        ("tag", "<think>"),
        ("text", " a <b> "),
        ("tag", "</think>"),
        ("text", "\n"),
        ("tag", "<answer>"),
        ("text", " yes"),
    ]
    assert chain.missing == ("rethink tags", "boxes")
    assert (chain.answer, chain.right, chain.giou) == ("yes", True, None)


def test_long_completions_are_cut_but_never_inside_a_box() -> None:
    text = "x" * 1190 + " [10, 10, 200, 200] and [20, 20, 60, 60]" + "y" * 1_000_000
    chain = chain_of(one(text))
    assert [piece.kind for piece in chain.pieces] == ["text"]
    assert sum(len(piece.text) for piece in chain.pieces) + chain.left_out == len(text)
    assert chain.marks == ()  # what the text does not name is not drawn
    whole = chain_of(one("x" * 1170 + text[1190:]))
    assert [piece.text for piece in whole.pieces if piece.kind == "box"] == ["[10, 10, 200, 200]"]
    assert [mark.number for mark in whole.marks] == [1]


def test_boxes_without_area_keep_their_number_and_are_not_drawn() -> None:
    chain = chain_of(one("[5, 5, 5, 90] [9000, 9000, 9999, 9999] [90, 90, 5, 5]"))
    assert [piece.number for piece in chain.pieces if piece.kind == "box"] == [1, 2, 3]
    assert [mark.number for mark in chain.marks] == [3]


def test_numbers_stay_in_the_picture_and_apart() -> None:
    boxes = ["[0, 0, 640, 480]", "[0, 0, 639, 479]", "[600, 440, 640, 480]", "[0, 0, 3, 480]"]
    marks = chain_of(one(" ".join(boxes))).marks
    assert len(marks) == 4
    for mark in marks:
        x, y, width, height = mark.plate
        assert 0 <= x <= VIEW - width
        assert 0 <= y <= VIEW * 480 / 640 - height
    spots = {(mark.plate.x, mark.plate.y) for mark in marks}
    assert len(spots) == 4


def test_a_row_of_unknown_size_has_text_and_no_overlay() -> None:
    row = one("<think> [1, 2, 3, 4]")
    unknown = replace(
        row, boxes=None, prediction=replace(row.prediction, space=None, box_space=None)
    )
    chain = chain_of(unknown)
    assert (chain.marks, chain.truths) == ((), ())
    assert chain.pieces[-1].number == 1


def test_detection_is_right_where_its_boxes_are() -> None:
    true = (Box(0, 0, 100, 100, PHOTO),)
    assert chain_of(one("<answer> [0, 0, 100, 60]", truth="[0, 0, 100, 100]", boxes=true)).right
    wrong = chain_of(one("<answer> [0, 0, 100, 40]", truth="[0, 0, 100, 100]", boxes=true))
    assert wrong.right is False
    assert len(wrong.truths) == 1
    failed = replace(one("<answer> yes"), acc=None, judge_failed=True)
    assert chain_of(failed).right is None


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def test_photographs_shrink_and_tiny_scenes_keep_every_pixel() -> None:
    photograph = embedded(Image.effect_noise((1600, 1200), 60), None)
    assert photograph.uri.startswith("data:image/jpeg;base64,")
    assert decoded(photograph.uri).size == (384, 288)
    assert (photograph.width, photograph.height, photograph.pixelated) == (VIEW, VIEW * 0.75, False)
    scene = ShapesSource("vsr", "test", 1)[0].picture.load()
    tiny = embedded(scene, None)
    assert tiny.pixelated
    assert decoded(tiny.uri).convert("RGB").tobytes() == scene.tobytes()
    missing = embedded(None, PHOTO)
    assert (missing.uri, missing.width, missing.height) == ("", VIEW, VIEW * 0.75)
