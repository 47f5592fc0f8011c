from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.core.errors import GritError
from grit.data.ordering import Draw, DrawOrder

sizes = st.integers(1, 30)


@given(samples=sizes, per_step=st.integers(1, 12), seed=st.integers(0, 5))
def test_every_epoch_draws_every_sample_once(samples: int, per_step: int, seed: int) -> None:
    order = DrawOrder(samples, per_step, seed)
    steps = 3 * samples // per_step + 1
    drawn = [draw for step in order.steps(0, steps) for draw in step]
    for epoch in range(3):
        in_epoch = [draw.sample for draw in drawn if draw.epoch == epoch]
        if len(drawn) >= (epoch + 1) * samples:
            assert sorted(in_epoch) == list(range(samples))
    assert [draw.epoch for draw in drawn] == sorted(draw.epoch for draw in drawn)
    assert max(Counter(drawn).values()) == 1  # a draw's identity is never used twice


def test_a_step_needs_no_other_step() -> None:
    order = DrawOrder(20, 32, seed=3)
    assert list(order.steps(5, 9)) == [order.draws(step) for step in range(5, 9)]
    assert {len(order.draws(step)) for step in range(9)} == {32}
    assert {draw.epoch for draw in order.draws(0)} == {0, 1}  # fewer samples than prompts


def test_seeds_and_epochs_change_the_order() -> None:
    first = [draw.sample for draw in DrawOrder(50, 50, seed=1).draws(0)]
    assert first == [draw.sample for draw in DrawOrder(50, 50, seed=1).draws(0)]
    assert first != [draw.sample for draw in DrawOrder(50, 50, seed=2).draws(0)]
    assert first != [draw.sample for draw in DrawOrder(50, 50, seed=1).draws(1)]


@pytest.mark.parametrize("world", [1, 2, 4])
def test_processes_share_a_step_and_no_draw(world: int) -> None:
    together = DrawOrder(20, 8, seed=1).draws(3)
    ranks = [DrawOrder(20, 8, 1, rank, world).draws(3) for rank in range(world)]
    assert [ranks[place % world][place // world] for place in range(8)] == together


def test_draws_are_plain_numbers() -> None:
    draw = DrawOrder(3, 3, seed=1).draws(0)[0]
    assert isinstance(draw, Draw)
    assert [type(value) for value in draw] == [int, int]


@pytest.mark.parametrize(("samples", "prompts", "world"), [(0, 4, 1), (4, 0, 1), (4, 6, 4)])
def test_what_cannot_be_dealt_is_an_error(samples: int, prompts: int, world: int) -> None:
    with pytest.raises(GritError):
        DrawOrder(samples, prompts, 1, 0, world)
