import pytest

from grit.evaluation.bootstrap import Estimate
from grit.reporting.over_runs import over_runs, t95


def run(mean: float | None, half: float = 0.0) -> Estimate:
    if mean is None:
        return Estimate(None, None, None, 0)
    return Estimate(mean, mean - half, mean + half, 300)


def test_several_runs_have_a_t_interval_over_their_means() -> None:
    found = over_runs([run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    # 2.776 is Student's t of 4 degrees of freedom; the standard error is sqrt(2.5 / 5).
    assert found == pytest.approx((3.0, 3 - 2.776 * 0.5**0.5, 3 + 2.776 * 0.5**0.5, 5))


def test_equal_runs_are_as_uncertain_as_one_of_them() -> None:
    found = over_runs([run(80.0, half=4.5)] * 5)
    # Student's t of 299 degrees of freedom is 1.968, and a run's half interval 1.96 errors.
    assert found == pytest.approx((80.0, 80 - 4.5 * 1.968 / 1.96, 80 + 4.5 * 1.968 / 1.96, 5))


def test_questions_and_seeds_add_up() -> None:
    seeds = [run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)]
    both = over_runs([run(value, half=1.96) for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    assert both.high is not None
    # Errors of sqrt(0.5) and 1 together; 1.5^2 / (0.5^2 / 4 + 1 / 299) are 34 degrees of freedom.
    assert both.high - 3 == pytest.approx(t95(34) * 1.5**0.5)
    assert over_runs(seeds).high == pytest.approx(3 + t95(4) * 0.5**0.5)


def test_one_run_keeps_its_own_interval_and_none_is_none() -> None:
    assert over_runs([run(None), run(0.5)]) == run(0.5)
    assert over_runs([]) == over_runs([run(None)]) == run(None)


def test_many_runs_are_nearly_normal() -> None:  # Student's t of 39 degrees of freedom: 2.0227
    found = over_runs([run(float(value % 2)) for value in range(40)])
    assert found.high is not None
    assert found.high - 0.5 == pytest.approx(2.0227 * 0.5064 / 40**0.5, rel=1e-3)
