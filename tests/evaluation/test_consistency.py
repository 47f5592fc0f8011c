from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.evaluation.consistency import consistency
from grit.evaluation.controls import controls
from grit.evaluation.metrics import estimates
from grit.evaluation.predictions import Prediction, ScoredPrediction

SHARES = ("right_with_right_boxes", "right_without", "wrong_with", "wrong_without")
SAID = Prediction("vsr", 0, "vsr/0", "?", "yes", False, "vsr", "")
SCORES = st.none() | st.floats(0, 1)


def scored(row: int, acc: float | None, giou: float | None) -> ScoredPrediction:
    said = replace(SAID, row=row, id=f"vsr/{row}", image=f"{row // 2}")
    return ScoredPrediction(said, None, None, {}, acc, acc is None, None, giou, 0.0)


@pytest.mark.parametrize(
    ("acc", "giou", "kind"),
    [
        (1.0, 0.5, "right_with_right_boxes"),  # boxes are right from 0.5 on
        (0.6, 0.49, "right_without"),
        (0.5, 1.0, "wrong_with"),  # answers above 0.5 only, as in ACC>0.5
        (0.0, 0.0, "wrong_without"),
        (None, 1.0, None),
        (1.0, None, None),
    ],
)
def test_a_row_is_one_of_four_kinds(acc: float | None, giou: float | None, kind: str) -> None:
    assert consistency(scored(0, acc, giou)) == kind


def test_shares_of_known_rows() -> None:
    pairs = [(1, 0.9), (1, 0.5), (1, 0.1), (0, 0.8), (0, 0.0), (None, 0.9), (1, None), (0.2, 0.2)]
    found = estimates([scored(row, *pair) for row, pair in enumerate(pairs)])
    assert [found[name].mean for name in SHARES] == [
        pytest.approx(value / 6) for value in (2, 1, 1, 2)
    ]
    assert {found[name].n for name in SHARES} == {6}
    assert all(found[name].low <= found[name].mean <= found[name].high for name in SHARES)


@given(st.lists(st.tuples(SCORES, SCORES), max_size=12))
def test_shares_sum_to_one_and_agree_with_the_control(
    pairs: list[tuple[float | None, float | None]],
) -> None:
    rows = [scored(row, *pair) for row, pair in enumerate(pairs)]
    found = estimates(rows)
    both = sum(acc is not None and giou is not None for acc, giou in pairs)
    assert {found[name].n for name in SHARES} == {both}
    if not both:
        assert [found[name].mean for name in SHARES] == [None] * 4
        return
    means = [found[name].mean for name in SHARES]
    assert sum(means) == pytest.approx(1)
    grounded = controls(rows).grounded_correct
    right = means[0] + means[1]
    assert grounded == (pytest.approx(means[0] / right) if right else None)
