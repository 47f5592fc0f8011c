from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from grit.data.shapes import ShapesSource, ideal_trace
from grit.evaluation.predictions import Prediction
from grit.studies.correlation_chains import GroundedChain, chain_of
from grit.studies.correlation_judges import Pair, picked_by_rule
from grit.studies.correlation_study import CONTROLS, correlate
from grit.studies.studied_runs import subsample

EACH = 20  # chains of each set


@cache
def chains(shift: int = 0) -> list[GroundedChain]:
    """Perfect chains of two sets, each beside the scene ``shift`` places further on."""
    found = []
    for kind in ("vsr", "gqa"):
        samples = list(ShapesSource(kind, "test", EACH))
        for row, sample in enumerate(samples):
            completion = ideal_trace(sample, sample.space)
            said = Prediction.of(sample, completion, set=kind, row=row, box_space=sample.space)
            chain = chain_of(said, samples[(row + shift) % EACH].picture)
            assert chain is not None
            found.append(chain)
    return found


class Script:
    """Picks what it is told, repeat after repeat."""

    def __init__(self, picks: list[float | None]) -> None:
        self.told = picks

    def __call__(self, pairs: Sequence[Pair]) -> list[float | None]:
        assert len(pairs) == len(self.told)
        assert len({pair.id for pair in pairs}) == len(pairs)
        return self.told


def test_perfect_chains_match_their_scenes_and_those_of_others_do_not() -> None:
    own, strange = correlate(chains(), picked_by_rule), correlate(chains(1), picked_by_rule)
    for control in CONTROLS:
        assert own[control].mean == 1.0
        assert own[control].undecided == own[control].failures == 0
        mean = strange[control].mean
        assert mean is not None
        assert mean < 0.7  # a described thing can stand in the same corner of another scene
        assert strange[control].undecided > 0


def test_shares_are_of_repeats_and_intervals_of_chains() -> None:
    four = [*chains()[:2], *chains()[EACH : EACH + 2]]
    found = correlate(four, Script([1, 1, 1, 0, 1, 0.5, 1, 0]), repeats=2)["random"]
    assert found.repeats == (0.75, 0.625)
    assert found.mean == pytest.approx(0.6875)
    assert found.std == pytest.approx(np.std([0.75, 0.625], ddof=1))
    assert found.interval.mean == pytest.approx(0.6875)
    assert found.interval.n == 4
    assert {name: value.mean for name, value in found.sets.items()} == {"vsr": 0.875, "gqa": 0.5}
    assert (found.undecided, found.failures) == (1, 0)


def test_chains_of_one_picture_are_drawn_together() -> None:
    """Each chain once more, about the same picture, says nothing new."""
    once = [*chains()[:6], *chains()[EACH : EACH + 6]]
    twice = [replace(chain, id=chain.id + again) for again in ("", "b") for chain in once]
    picks: list[float | None] = [1, 0, 1, 1, 0.5, 1, 0, 0, 1, 0.5, 1, 0]
    alone = correlate(once, Script(picks), repeats=1)["random"]
    shared = correlate(twice, Script(picks * 2), repeats=1)["random"]
    for few, many in [(alone.interval, shared.interval), (alone.sets["gqa"], shared.sets["gqa"])]:
        assert many.n == 2 * few.n
        assert many[:3] == pytest.approx(few[:3])


def test_a_judge_that_fails_is_no_zero() -> None:
    two = chains()[:2]
    found = correlate(two, Script([1, None, 0.0, None]), repeats=2)["random"]
    assert found.repeats == (1.0, 0.0)
    assert (found.interval.n, found.interval.mean, found.failures) == (1, 0.5, 2)
    nothing = correlate(two, Script([None] * 4), repeats=2)["random"]
    assert (nothing.mean, nothing.std, nothing.repeats) == (None, None, (None, None))
    assert nothing.interval.n == 0


def test_what_is_drawn_for_a_chain_does_not_depend_on_the_others() -> None:
    class Recorder(Script):
        def __call__(self, pairs: Sequence[Pair]) -> list[float | None]:
            self.drawn = {pair.id: pair.random for pair in pairs}
            return [1.0] * len(pairs)

    recorders = [Recorder([]) for _ in range(3)]
    correlate(chains()[:6], recorders[0], seed=1)
    correlate(chains()[5:2:-1], recorders[1], seed=1)
    correlate(chains()[:6], recorders[2], seed=2)
    assert recorders[1].drawn.items() <= recorders[0].drawn.items()
    assert len(set(recorders[0].drawn.values())) == 18  # every repeat draws anew
    assert recorders[2].drawn != recorders[0].drawn


def test_lots_are_the_same_for_every_model() -> None:
    everything = [
        Prediction(name, row, f"{name}/{row}", "?", "yes", False, name, "")
        for name in ("vsr", "gqa")
        for row in range(20)
    ]
    fewer = [row for row in everything if row.row % 2]
    drawn = subsample(everything, 8)
    assert [sum(row.set == name for row in drawn) for name in ("vsr", "gqa")] == [8, 8]
    kept = {row.id for row in drawn if row.row % 2}
    assert kept <= {row.id for row in subsample(fewer, 8)}
    assert {row.id for row in subsample(everything, 8, seed=1)} != {row.id for row in drawn}
    assert len(subsample(everything, 1000)) == 40
