import tracemalloc

import numpy as np
import pytest

from grit.evaluation import bootstrap
from grit.evaluation.bootstrap import Estimate, estimate


def test_nothing_has_no_mean() -> None:
    assert estimate(np.array([])) == Estimate(None, None, None, 0)


def test_a_single_row_or_a_constant_has_no_spread() -> None:
    assert estimate(np.array([0.25])) == Estimate(0.25, 0.25, 0.25, 1)
    assert estimate(np.ones(50)) == Estimate(1.0, 1.0, 1.0, 50)


@pytest.mark.parametrize("n", [100, 1000])
def test_the_interval_is_that_of_the_normal_approximation(n: int) -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, n)
    found = estimate(values)
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    half = 1.96 * values.std() / np.sqrt(n)
    assert found.mean == pytest.approx(values.mean())
    assert found.mean - found.low == pytest.approx(half, rel=0.1)
    assert found.high - found.mean == pytest.approx(half, rel=0.1)


def test_about_95_of_100_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(1)
    holds = 0
    for _ in range(200):
        found = estimate((random.random(80) < 0.3).astype(float))
        assert found.low is not None
        assert found.high is not None
        holds += found.low <= 0.3 <= found.high
    assert 0.88 <= holds / 200 <= 0.99


def test_the_same_values_give_the_same_numbers() -> None:
    values = np.random.default_rng(2).random(300)
    assert estimate(values) == estimate(values.copy())


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random(2000)
    whole = estimate(values)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 20_000)
    tracemalloc.start()
    parts = estimate(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000  # all indices at once would take 32 MB
    assert parts.low == pytest.approx(whole.low, abs=0.005)


def test_clusters_of_one_value_change_no_bit() -> None:
    """The interval is the percentiles of the means of drawn values, as it was without clusters."""
    values = np.random.default_rng(4).random(301)
    drawn = np.random.default_rng(20).integers(301, size=(2000, 301))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    plain = Estimate(float(values.mean()), float(low), float(high), 301)
    pictures = [f"picture {place}" for place in reversed(range(301))]
    assert estimate(values) == estimate(values, pictures) == plain


def test_questions_with_one_answer_a_picture_are_as_uncertain_as_the_pictures() -> None:
    pictures = np.random.default_rng(5).random(40)
    together = estimate(np.repeat(pictures, 5), [place for place in range(40) for _ in range(5)])
    assert together[:3] == pytest.approx(estimate(pictures)[:3])
    assert together.n == 200
    alone = estimate(np.repeat(pictures, 5))
    assert width(together) / width(alone) == pytest.approx(5**0.5, rel=0.1)


def test_pictures_with_different_numbers_of_questions_are_drawn_whole() -> None:
    random = np.random.default_rng(6)
    pictures = random.permutation(np.repeat(np.arange(30), 1 + np.arange(30) % 4)).tolist()
    values = random.random(len(pictures))
    by_picture: dict[int, list[float]] = {}
    for picture, value in zip(pictures, values, strict=True):
        by_picture.setdefault(picture, []).append(value)
    groups = list(by_picture.values())
    means = []
    for places in np.random.default_rng(20).integers(30, size=(2000, 30)):
        resample = [value for place in places for value in groups[place]]
        means.append(sum(resample) / len(resample))
    low, high = np.percentile(means, [2.5, 97.5])
    assert estimate(values, pictures) == pytest.approx((values.mean(), low, high, len(pictures)))


def width(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low
