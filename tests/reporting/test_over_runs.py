import pytest

from grit.evaluation.bootstrap import Estimate
from grit.reporting.over_runs import over_runs


def run(mean: float | None) -> Estimate:
    return Estimate(mean, 0.0, 1.0, 300) if mean is not None else Estimate(None, None, None, 0)


def test_several_runs_have_a_t_interval_over_their_means() -> None:
    found = over_runs([run(value) for value in (1.0, 2.0, 3.0, 4.0, 5.0)])
    # 2.776 is Student's t of 4 degrees of freedom; the standard error is sqrt(2.5 / 5).
    assert found == pytest.approx((3.0, 3 - 2.776 * 0.5**0.5, 3 + 2.776 * 0.5**0.5, 5))


def test_one_run_keeps_its_own_interval_and_none_is_none() -> None:
    assert over_runs([run(None), run(0.5)]) == run(0.5)
    assert over_runs([]) == over_runs([run(None)]) == run(None)


def test_many_runs_are_nearly_normal() -> None:  # Student's t of 39 degrees of freedom: 2.0227
    found = over_runs([run(float(value % 2)) for value in range(40)])
    assert found.high is not None
    assert found.high - 0.5 == pytest.approx(2.0227 * 0.5064 / 40**0.5, rel=1e-3)
