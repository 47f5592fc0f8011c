import io
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from grit.evaluation.controls import (
    AnswerCount,
    Controls,
    _derangement,
    clipped,
    controls,
    print_controls,
)
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.grounding.boxes import Box, Space, union_iou

WIDE, TALL = Space("original", 200, 100), Space("original", 50, 400)
Corners = tuple[float, float, float, float]


def row(
    place: int,
    truth: str = "yes",
    answer: str | None = "yes",
    *,
    space: Space = WIDE,
    said: tuple[Corners, ...] = (),
    true: tuple[Corners, ...] | None = None,
    acc: float | None = None,
    is_box: bool = False,
) -> ScoredPrediction:
    """A row whose GIoU is what its boxes say, and whose answer is judged by equality."""
    boxes = tuple(Box(*corners, space) for corners in said)
    true_boxes = None if true is None else tuple(Box(*corners, space) for corners in true)
    prediction = Prediction(
        set="vsr",
        row=place,
        id=f"vsr/{place}",
        question="?",
        truth=truth,
        truth_is_box=is_box,
        dataset="vsr",
        completion="",
        box_space=space,
        space=space,
        true_boxes=true_boxes,
    )
    judged = float(answer == truth) if acc is None else acc
    return ScoredPrediction(
        prediction=prediction,
        answer=answer,
        boxes=boxes,
        parts={},
        acc=None if is_box else judged,
        judge_failed=False,
        exact_match=None,
        giou=union_iou(boxes, true_boxes) if true_boxes else None,
        format=1.0,
    )


def test_majority_answer_is_the_most_common_truth_whatever_the_model_says() -> None:
    truths = ["yes", "no", "No.", "NO", "2"]
    found = controls([row(i, truth, "2") for i, truth in enumerate(truths)])
    assert (found.majority_answer, found.majority_acc) == ("no", 60.0)
    assert found.n == 5


def test_equally_common_truths_give_the_first_by_text() -> None:
    found = controls([row(i, truth) for i, truth in enumerate(["yes", "no"])])
    assert (found.majority_answer, found.majority_acc) == ("no", 50.0)


def test_a_set_whose_answers_are_boxes_has_no_majority_answer() -> None:
    found = controls([row(0, "[1, 2, 3, 4]", "[1, 2, 3, 4]", is_box=True)])
    assert (found.majority_answer, found.majority_acc, found.grounded_correct) == (None, None, None)


def test_central_box_is_the_middle_half_of_width_and_height() -> None:
    exact = row(0, true=((50.0, 25.0, 150.0, 75.0),))
    off = row(1, space=TALL, true=((0.0, 0.0, 50.0, 400.0),))  # covered by a quarter
    assert controls([exact]).central_box_giou == 1.0
    assert controls([off]).central_box_giou == 0.25
    unknown = [row(2, true=None), row(3, true=())]  # no GIoU either
    assert controls([exact, off, *unknown]).central_box_giou == pytest.approx(0.625)
    assert controls(unknown).central_box_giou is None


def test_shuffled_boxes_go_to_the_other_image_at_its_size() -> None:
    left_half_of_wide, right_half_of_tall = (0.0, 0.0, 100.0, 100.0), (25.0, 0.0, 50.0, 400.0)
    rows = [
        row(0, space=WIDE, said=(left_half_of_wide,), true=(left_half_of_wide,)),
        row(1, space=TALL, said=((0.0, 0.0, 25.0, 400.0),), true=(right_half_of_tall,)),
    ]
    # Two images have one derangement: the left half of either, said to the other.
    # On the wide one it is right, on the tall one it misses.
    assert controls(rows).shuffled_giou == 0.5


def test_boxes_that_follow_their_image_lose_by_shuffling_and_constant_boxes_do_not() -> None:
    spots = [(20.0 * i, 0.0, 20.0 * i + 20, 100.0) for i in range(10)]
    following = controls([row(i, said=(s,), true=(s,)) for i, s in enumerate(spots)])
    assert following.shuffled_giou == 0.0
    constant = controls([row(i, said=spots[:1], true=spots[:1]) for i in range(10)])
    assert constant.shuffled_giou == 1.0


def test_boxes_never_go_to_another_question_about_their_own_image() -> None:
    spots = [(0.0, 0.0, 20.0, 100.0), (100.0, 0.0, 120.0, 100.0)]
    rows = [row(i, said=(spots[i % 2],), true=(spots[i % 2],)) for i in range(20)]
    rows = [
        replace(r, prediction=replace(r.prediction, image=f"{i % 2}")) for i, r in enumerate(rows)
    ]
    assert controls(rows).shuffled_giou == 0.0
    assert controls(rows[::2]).shuffled_giou is None


def test_nothing_can_be_shuffled_without_another_image() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    assert controls([row(0, said=(box,), true=(box,)), row(1)]).shuffled_giou is None


@given(st.integers(2, 60), st.integers())
def test_a_derangement_moves_everything(n: int, seed: int) -> None:
    places = _derangement(n, seed)
    assert sorted(places) == list(range(n))
    assert all(place != at for at, place in enumerate(places))
    assert places == _derangement(n, seed)


def test_the_seed_chooses_the_derangement() -> None:
    assert len({tuple(_derangement(9, seed)) for seed in range(20)}) > 10


def test_the_histogram_has_eight_answers_the_rest_and_none() -> None:
    given_answers = ["no"] * 5 + ["No."] + [None] * 3 + [str(n) for n in range(7)] + ["7", "8"]
    found = controls([row(i, "yes" if i else "no", a) for i, a in enumerate(given_answers)])
    assert found.answers[0] == AnswerCount("no", 6, 1)
    assert found.answers[1] == AnswerCount(None, 3, 0)
    assert [one.answer for one in found.answers[2:]] == list("012345")
    assert found.kinds == 11
    assert (sum(one.given for one in found.answers), found.n) == (15, 18)
    assert found.top_share == pytest.approx(1 / 3)


def test_right_answers_with_wrong_boxes_are_told_apart() -> None:
    true, wrong = (0.0, 0.0, 100.0, 100.0), (150.0, 0.0, 200.0, 100.0)
    rows = [
        row(0, said=(true,), true=(true,)),
        row(1, said=((0.0, 0.0, 50.0, 100.0),), true=(true,)),  # GIoU 0.5: right
        row(2, said=(wrong,), true=(true,), acc=0.6),
        row(3, said=(), true=(true,)),
        row(4, answer="no", said=(true,), true=(true,)),  # a wrong answer does not count
        row(5, said=(true,), true=None),  # nor one without annotation
        row(6, said=(true,), true=(true,), acc=0.5),  # nor one that ACC>0.5 does not count
    ]
    assert controls(rows).grounded_correct == 0.5
    assert controls(rows[4:]).grounded_correct is None


def test_repeated_rows_count_once_and_order_does_not_matter() -> None:
    spots = [(20.0 * i, 0.0, 20.0 * i + 30, 100.0) for i in range(8)]
    rows = [row(i, said=(s,), true=(spots[0], s)) for i, s in enumerate(spots)]
    assert controls([*reversed(rows), *rows[:3]]) == controls(rows)


def test_no_rows_have_no_controls() -> None:
    assert controls([]) == Controls(0, None, None, None, None, None, (), 0)
    assert "empty" in printed({"empty": controls([])})


def printed(sets: dict[str, Controls], **options: object) -> str:
    stream = io.StringIO()
    settings = {"file": stream, "width": 80, **options}
    print_controls(sets, console=Console(**settings))
    return stream.getvalue()


def rows_of(answers: dict[str, int]) -> list[ScoredPrediction]:
    said = [answer for answer, count in answers.items() for _ in range(count)]
    return [row(i, "yes" if i % 2 else "no", answer) for i, answer in enumerate(said)]


def test_a_constant_no_is_visible_at_a_glance() -> None:
    always = controls(rows_of({"no": 99, "yes": 1}))
    mixed = controls(rows_of({"no": 52, "yes": 48}))
    text = printed({"constant": always, "varied": mixed})
    constant, varied = (line for line in text.splitlines() if "%" in line)
    assert "█████ no 99%, yes 1%" in constant
    assert "███░░ no 52%, yes 48%" in varied
    colored = printed(
        {"constant": always, "varied": mixed}, force_terminal=True, color_system="standard"
    )
    red = [line for line in colored.splitlines() if "\x1b[1;31m" in line]
    assert len(red) == 1
    assert "constant" in red[0]


def test_the_table_fits_a_terminal() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    long = [
        row(i, "a very long true answer", "[bold]" + "x" * 90, said=(box,), true=(box,))
        for i in range(9)
    ]
    text = printed(
        {"ovd_position": controls(long), "a_much_longer_name_of_a_set" * 3: controls(long)}
    )
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.count("100%") == 2
    assert "very.." in text
    assert "1.000" in text


def test_answers_that_are_all_different_are_counted() -> None:
    found = controls([row(i, answer=f"thing {i}") for i in range(12)])
    assert "12 different" in printed({"vsr": found})


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    found = replace(
        controls([row(0)]), answers=(AnswerCount("\x1b[2J\u202eno", 9, 0),), n=9, kinds=1
    )
    text = printed({"[red]set": found})
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]set" in text


def test_a_stream_that_knows_ascii_only_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_controls(
        {"é": controls([row(0, answer="ж")] * 2)}, console=Console(file=stream, width=80)
    )
    stream.flush()
    assert b"#####" in stream.buffer.getvalue()


def test_labels_are_short_and_on_one_line() -> None:
    assert Counter(clipped(text, 6) for text in ("a\n b", "abcdef", "abcdefg", None)) == Counter(
        ["a b", "abcdef", "abcd..", "(none)"]
    )


def test_annotated_boxes_without_area_count_for_nothing() -> None:
    middle = (50.0, 25.0, 150.0, 75.0)
    rows = [
        row(0, true=((10, 10, 10, 40),), said=(middle,)),
        row(1, true=(middle,), said=(middle,)),
    ]
    found = controls(rows)
    assert found.central_box_giou == pytest.approx(1.0)
    assert found.shuffled_giou is None  # only one image has boxes
