from math import inf

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs, t95

ANYTHING = Bounds(-inf, inf)


def run(mean: float | None, half: float = 0.0) -> Estimate:
    if mean is None:
        return Estimate(None, None, None, 0)
    return Estimate(mean, mean - half, mean + half, 300)


def test_several_runs_have_a_t_interval_over_their_means() -> None:
    found = over_runs([run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)], ANYTHING)
    # 2.776 is Student's t of 4 degrees of freedom; the standard error is sqrt(2.5 / 5).
    assert found == pytest.approx((3.0, 3 - 2.776 * 0.5**0.5, 3 + 2.776 * 0.5**0.5, 5))


def test_equal_runs_are_as_uncertain_as_one_of_them() -> None:
    found = over_runs([run(80.0, half=4.5)] * 5, ANYTHING)
    # Student's t of 299 degrees of freedom is 1.968, and a run's half interval 1.96 errors.
    assert found == pytest.approx((80.0, 80 - 4.5 * 1.968 / 1.96, 80 + 4.5 * 1.968 / 1.96, 5))


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
