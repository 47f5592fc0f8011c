from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.core.errors import GritError
from grit.evaluation.bootstrap import estimate
from grit.evaluation.pass_at_k import NAMES, pass_at_k, sampled_estimates, sizes
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.sampled import read_sampled, write_sampled

SAID = Prediction("vsr", 0, "vsr/0", "?", "yes", False, "vsr", "")
COUNTS = st.integers(1, 9).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))
)


def samples(row: int, *accs: float | None, image: str | None = None) -> list[ScoredPrediction]:
    said = replace(SAID, row=row, id=f"vsr/{row}", image=image)
    return [
        ScoredPrediction(
            replace(said, completion=f"answer {k}"), "yes", None, {}, acc, acc is None, 0, None, 0
        )
        for k, acc in enumerate(accs)
    ]


@given(COUNTS)
def test_the_estimator_is_the_share_of_subsets_with_a_right_one(
    counts: tuple[int, int, int],
) -> None:
    n, right, k = counts
    subsets = list(combinations([True] * right + [False] * (n - right), k))
    assert pass_at_k(n, right, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_more_answers_are_right_at_least_as_often(counts: tuple[int, int]) -> None:
    n, right = counts
    rising = [pass_at_k(n, right, k) for k in range(1, n + 1)]
    assert rising == sorted(rising)
    assert rising[0] == pytest.approx(right / n)
    assert rising[-1] == (right > 0)


@pytest.mark.parametrize("counts", [(4, 0, 0), (4, 0, 5), (4, 5, 1), (4, -1, 1), (0, 0, 0)])
def test_what_cannot_be_estimated_is_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be estimated"):
        pass_at_k(*counts)


@pytest.mark.parametrize(
    ("n", "reported"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])]
)
def test_powers_of_two_are_reported_and_all(n: int, reported: list[int]) -> None:
    assert sizes(n) == reported


def test_numbers_of_known_samples() -> None:
    rows = [*samples(0, 1, 0, 0, 0), *samples(1, 0, 0, 0, 0), *samples(2, 0.7, 0.5, 1, 1)]
    found = sampled_estimates(rows)
    assert list(found) == ["pass_at_1", "pass_at_2", "pass_at_4", "mean_at_4"]
    assert all(NAMES.fullmatch(name) for name in found)
    assert {each.n for each in found.values()} == {3}
    means = [each.mean for each in found.values()]
    expected = [(1 / 4 + 3 / 4) / 3, (1 / 2 + 1) / 3, 2 / 3, (0.25 + 0.8) / 3]
    assert means == [pytest.approx(100 * value) for value in expected]
    assert sampled_estimates(rows[::-1]) == found
    assert sampled_estimates([]) == {}


def test_a_sample_that_was_not_judged_is_no_wrong_one() -> None:
    found = sampled_estimates([*samples(0, 1, None), *samples(1, 0, 0), *samples(2, None, None)])
    assert found["pass_at_1"][::3] == (50, 2)
    assert found["pass_at_2"][::3] == (0, 1)  # the first has one answer left
    assert found["mean_at_2"][::3] == (50, 2)


def test_questions_of_one_picture_are_drawn_together() -> None:
    each = [samples(row, float(row % 3 == 0), 0, image=f"{row // 4}") for row in range(24)]
    shared = sampled_estimates([row for rows in each for row in rows])["pass_at_2"]
    alone = sampled_estimates(
        [replace(row, prediction=replace(row.prediction, image=None)) for r in each for row in r]
    )["pass_at_2"]
    assert shared.mean == alone.mean
    assert (shared.low, shared.high) != (alone.low, alone.high)
    assert estimate([100.0] * 3).high == 100


def test_what_was_sampled_is_read_beside_its_predictions(tmp_path: Path) -> None:
    rows = {"vsr": [*samples(0, 1, 0), *samples(1, None, 0)]}
    write_sampled(tmp_path / "samples.before.jsonl", rows)
    asked = {"vsr": [replace(SAID, id=f"vsr/{row}", row=row) for row in range(2)]}
    again = read_sampled(tmp_path / "predictions.before.jsonl", asked)
    assert again == {"vsr": [row.prediction for row in rows["vsr"]]}
    assert read_sampled(tmp_path / "predictions.jsonl", asked) == {}
    assert read_sampled(tmp_path / "samples.before.jsonl", asked) == {}
    some = read_sampled(tmp_path / "predictions.before.jsonl", {"vsr": asked["vsr"][:1]})
    assert [said.id for said in some["vsr"]] == ["vsr/0"] * 2
    (tmp_path / "samples.before.jsonl").write_text('{"set": "vsr", "id": 3}\n')
    with pytest.raises(GritError, match=r'samples\.before\.jsonl line 1: field "id": expected'):
        read_sampled(tmp_path / "predictions.before.jsonl", asked)
