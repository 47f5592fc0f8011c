from math import inf

import numpy as np
import pytest

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, by_draw, over_runs, t95

ANYTHING = Bounds(-inf, inf)


def run(mean: float | None, half: float = 0.0) -> Estimate:
    if mean is None:
        return Estimate(None, None, None, 0)
    return Estimate(mean, mean - half, mean + half, 300)


def test_several_runs_have_a_t_interval_over_their_means() -> None:
    found = over_runs([run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)], ANYTHING)
    # 2.77644511 is Student's t of 4 degrees of freedom; the standard error is sqrt(2.5 / 5).
    assert found == pytest.approx((3.0, 3 - 2.77644511 * 0.5**0.5, 3 + 2.77644511 * 0.5**0.5, 5))


def test_equal_runs_are_as_uncertain_as_one_of_them() -> None:
    found = over_runs([run(80.0, half=4.5)] * 5, ANYTHING)
    # Student's t of 299 degrees of freedom is 1.96792967, and a run's half interval 1.96 errors.
    assert found == pytest.approx(
        (80.0, 80 - 4.5 * 1.96792967 / 1.96, 80 + 4.5 * 1.96792967 / 1.96, 5)
    )


def test_questions_and_seeds_add_up() -> None:
    seeds = [run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)]
    both = over_runs([run(value, half=1.96) for value in (1.0, 2.0, 3.0, 4.0, 5.0)], ANYTHING)
    assert both.high is not None
    # Errors of sqrt(0.5) and 1 together; 1.5^2 / (0.5^2 / 4 + 1 / 299) are 34 degrees of freedom.
    assert both.high - 3 == pytest.approx(t95(34) * 1.5**0.5)
    assert over_runs(seeds, ANYTHING).high == pytest.approx(3 + t95(4) * 0.5**0.5)


def test_each_side_is_made_of_the_runs_own_sides_and_ends_at_the_bound() -> None:
    near = [Estimate(mean, mean - 8, mean + 3, 40) for mean in (95.0, 96.0, 97.0)]
    found = over_runs(near, Bounds(0, 100))
    free = over_runs(near, ANYTHING)
    assert found.mean == 96.0
    assert found.low is not None
    assert found.high is not None
    assert free.high is not None
    assert found.low == free.low  # the bound is far away
    assert 96 - found.low > 8
    assert 3 < free.high - 96 < 5  # a run's own side with the spread of the seeds
    assert found.high == min(free.high, 100.0)
    wide = over_runs([run(0.0), run(100.0)], Bounds(0, 100))
    assert (wide.low, wide.mean, wide.high) == (0.0, 50.0, 100.0)


def test_one_run_keeps_its_own_interval_and_none_is_none() -> None:
    assert over_runs([run(None), run(0.5)], ANYTHING) == run(0.5)
    assert over_runs([], ANYTHING) == over_runs([run(None)], ANYTHING) == run(None)


def test_many_runs_are_nearly_normal() -> None:  # Student's t of 39 degrees of freedom: 2.0227
    found = over_runs([run(float(value % 2)) for value in range(40)], ANYTHING)
    assert found.high is not None
    assert found.high - 0.5 == pytest.approx(2.0227 * 0.5064 / 40**0.5, rel=1e-3)


def test_one_draw_changes_no_bit() -> None:
    runs = [run(value, half=1.3) for value in (81.3, 79.0, 83.9, 80.1)]
    assert over_runs(runs, ANYTHING, ["t"] * 4) == over_runs(runs, ANYTHING)
    assert over_runs([run(None), runs[0]], ANYTHING, ["t", "u"]) == runs[0]


def test_draws_are_the_unit_and_count_alike() -> None:
    """Three draws of two, one and three seeds: their means are 2, 4 and 9."""
    runs = [run(value) for value in (1.0, 9.0, 4.0, 3.0, 10.0, 8.0)]
    found = over_runs([*runs, run(None)], ANYTHING, ["t", "v", "u", "t", "v", "v", "w"])
    half = t95(2) * (np.var([2, 4, 9], ddof=1) / 3) ** 0.5
    assert found == pytest.approx((5.0, 5 - half, 5 + half, 6))
    with_questions = over_runs([run(one.mean, half=1.96) for one in runs], ANYTHING, [*"tvutvv"])
    assert with_questions.high is not None
    variance, error = 13 / 3, 1.0  # of the draws' means, and of the questions
    degrees = (variance + error) ** 2 / (variance**2 / 2 + error**2 / 299)
    half = t95(int(degrees)) * (variance + error) ** 0.5
    assert with_questions.high - 5 == pytest.approx(half)


def test_each_run_of_a_draw_of_its_own_is_as_runs_of_one() -> None:
    runs = [run(value, half=2.0) for value in (81.3, 79.0, 83.9)]
    assert over_runs(runs, ANYTHING, [*"tuv"]) == pytest.approx(over_runs(runs, ANYTHING))


def draws_of_seeds(
    random: np.random.Generator, draws: int, seeds: int, spread: tuple[float, float]
) -> np.ndarray:
    """Means of runs [draws, seeds] around 0: a level of each draw, and one of each seed in it."""
    return random.normal(0, spread[0], (draws, 1)) + random.normal(0, spread[1], (draws, seeds))


def resampled_ends(means: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A hierarchical bootstrap's percentiles: draws, then seeds within each."""
    draws, seeds = means.shape
    of_draw = random.integers(draws, size=(400, draws, 1))
    of_seed = random.integers(seeds, size=(400, draws, seeds))
    return np.percentile(means[of_draw, of_seed].mean(axis=(1, 2)), [2.5, 97.5])


@pytest.mark.parametrize("spread", [(2.0, 2.0), (4.0, 1.0)])
@pytest.mark.parametrize(("draws", "seeds"), [(3, 1), (3, 5), (5, 3)])
def test_95_of_100_intervals_hold_the_truth_with_few_draws(draws, seeds, spread) -> None:
    """Those of a hierarchical bootstrap do not: three draws have no 2.5th percentile."""
    random = np.random.default_rng(10)
    covered = np.zeros(2)
    of_run = np.arange(draws).repeat(seeds).tolist()
    for _ in range(400):
        means = draws_of_seeds(random, draws, seeds, spread)
        found = over_runs([run(mean) for mean in means.ravel().tolist()], ANYTHING, of_run)
        assert found.low is not None
        assert found.high is not None
        low, high = resampled_ends(means, random)
        covered += found.low <= 0 <= found.high, low <= 0 <= high
    ours, bootstrap = covered / 400
    assert 0.92 <= ours <= 0.98
    assert bootstrap < ours - 0.03


def test_with_many_draws_it_is_the_interval_of_a_hierarchical_bootstrap() -> None:
    random = np.random.default_rng(11)
    means = draws_of_seeds(random, 200, 2, (4.0, 1.0))
    of_run = np.arange(200).repeat(2).tolist()
    found = over_runs([run(mean) for mean in means.ravel().tolist()], ANYTHING, of_run)
    assert found[1:3] == pytest.approx(resampled_ends(means, random), abs=0.08)


def test_numbers_by_question_are_averaged_within_a_draw() -> None:
    scores = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    assert by_draw(scores, [*"tut"]).tolist() == [[0.5, 0.5], [1.0, 1.0]]
    assert by_draw(scores, [*"ttt"]) is by_draw(scores, None) is scores
