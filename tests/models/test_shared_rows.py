"""Attention over shared rows, against the same attention under a mask of all L x L."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from grit.models.shared_rows import SharedRows, attend

SHAPES = {
    "one length": ((6, 6), ((4, 4), (4, 4, 4))),
    "short and long": ((6, 6), ((9, 140, 8), (138, 7, 8, 9))),
    "unlike prompts": ((5, 9, 2), ((9, 140, 8), (7,), (138, 7, 8, 9))),
    "many lengths": ((7, 7), ((3, 66, 91, 9, 150, 41), (12, 88, 47, 5, 30, 149))),
}


def rows(name: str) -> SharedRows:
    return SharedRows(*SHAPES[name], torch.device("cpu"))


def attended(mask: SharedRows | Tensor, states: list[Tensor]) -> Tensor:
    """[B, L, heads, D] by four heads that share two keys."""
    module = SimpleNamespace(num_key_value_groups=2, is_causal=True)
    if isinstance(mask, SharedRows):
        found, _ = attend(module, *states, None, shared_rows=mask)
    else:
        found, _ = attend(module, *states, mask)
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_values_and_gradients_are_those_of_the_mask(name: str) -> None:
    shared = rows(name)
    torch.manual_seed(0)
    shape = len(shared.prompts), 4, shared.length, 8
    query, key, value = torch.randn(shape), *torch.randn(2, shape[0], 2, *shape[2:])
    real = (shared.segments >= 0)[..., None, None]
    results = []
    for mask in (shared, shared.visible()):
        states = [each.clone().requires_grad_() for each in (query, key, value)]
        found = attended(mask, states) * real
        found.square().sum().backward()
        results.append([found.detach(), *(each.grad for each in states)])
    for mine, plain in zip(*results, strict=True):
        assert mine.abs().max() > 0.1
        torch.testing.assert_close(mine, plain, atol=1e-5, rtol=1e-5)


def test_completions_of_like_length_stand_side_by_side() -> None:
    assert len(rows("one length").layout.buckets) == 1
    (short, long) = rows("short and long").layout.buckets
    assert (short.completion, len(short.row)) == (9, 5)
    assert (long.completion, len(long.row)) == (140, 2)


def test_lots_hold_every_completion_once_and_less_padding_than_one_lot() -> None:
    shared = rows("many lengths")
    buckets = shared.layout.buckets
    assert len(buckets) > 2
    assert sum(len(bucket.row) for bucket in buckets) == sum(map(len, shared.completions))
    longest = max(map(max, shared.completions))
    padded = sum(len(bucket.row) * bucket.completion**2 for bucket in buckets)
    assert padded < 0.6 * 12 * longest**2
