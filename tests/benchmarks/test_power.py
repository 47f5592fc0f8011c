from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).parent.parent.parent


@pytest.fixture
def world(monkeypatch):
    monkeypatch.syspath_prepend(str(CHECKOUT))
    from benchmarks.power import World

    return World(difference=3, level=66, draw_sd=1.5, seed_sd=1.5, between=0.4, within=0.7)


def test_simulated_answers_are_as_stated(world) -> None:
    still = replace(world, difference=0, draw_sd=0, seed_sd=0)
    baseline, ours = still.runs(np.random.default_rng(0), 1, 2, 100_000)
    assert baseline.mean() == pytest.approx(66, abs=0.6)
    assert np.corrcoef(baseline)[0, 1] == pytest.approx(0.7, abs=0.01)
    assert np.corrcoef(baseline[0], ours[0])[0, 1] == pytest.approx(0.4, abs=0.01)


def test_levels_vary_between_draws_and_seeds_as_stated(world) -> None:
    _, ours = replace(world, draw_sd=4, seed_sd=2).runs(np.random.default_rng(1), 60, 3, 20_000)
    means = ours.mean(axis=1).reshape(60, 3)
    assert means.mean() == pytest.approx(69, abs=1.5)
    assert means.var(axis=1, ddof=1).mean() == pytest.approx(2**2, rel=0.3)
    assert means.mean(axis=1).var(ddof=1) == pytest.approx(4**2 + 2**2 / 3, rel=0.4)


def test_a_large_difference_is_always_seen_and_none_hardly_ever(world) -> None:
    from benchmarks.power import power

    assert power(replace(world, difference=25), 3, 2, 300, 20) == 1
    assert power(replace(world, difference=0), 3, 2, 300, 100) < 0.08
