import pytest
import torch

from grit.rollout.choice import choose, inverse_cdf, next_token_probabilities
from grit.rollout.settings import Sampling

NONE = torch.tensor([], dtype=torch.long)
LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0, 3.0]])


def test_without_limits_it_is_the_softmax_at_the_temperature():
    found = next_token_probabilities(LOGITS, Sampling(temperature=0.5), NONE)
    torch.testing.assert_close(found, (LOGITS / 0.5).softmax(-1))


def test_top_k_keeps_the_k_likeliest():
    found = next_token_probabilities(LOGITS, Sampling(top_k=2), NONE)
    assert found.nonzero()[:, 1].tolist() == [0, 4]
    assert found.sum() == pytest.approx(1)


def test_top_p_keeps_the_fewest_that_reach_p():
    p = LOGITS.softmax(-1)[0]
    found = next_token_probabilities(LOGITS, Sampling(top_p=float(p[4] + 0.5 * p[0])), NONE)
    assert found.nonzero()[:, 1].tolist() == [0, 4]
    only = next_token_probabilities(LOGITS, Sampling(top_p=1e-6), NONE)
    assert only.tolist() == [[0, 0, 0, 0, 1]]


def test_forbidden_ids_are_never_chosen_even_at_the_edges():
    forbidden = torch.tensor([0, 4])
    for u in (0.0, 0.5, 1 - 2**-53):
        chosen = choose(LOGITS, torch.tensor([u], dtype=torch.float64), Sampling(), forbidden)
        assert chosen.item() in {1, 2, 3}
    assert choose(LOGITS, torch.zeros(1), Sampling(temperature=0), forbidden).item() == 1


def test_frequencies_follow_the_probabilities():
    n = 40_000
    uniform = torch.rand(n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    chosen = choose(LOGITS.expand(n, -1), uniform, Sampling(), NONE)
    frequencies = torch.bincount(chosen, minlength=5) / n
    torch.testing.assert_close(frequencies, LOGITS.softmax(-1)[0], atol=0.01, rtol=0)


def test_a_row_does_not_depend_on_the_rows_beside_it():
    logits = torch.randn(8, 50, generator=torch.Generator().manual_seed(1))
    uniform = torch.rand(8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    together = choose(logits, uniform, Sampling(top_p=0.9), NONE)
    alone = [
        choose(logits[i : i + 1], uniform[i : i + 1], Sampling(top_p=0.9), NONE) for i in range(8)
    ]
    assert together.tolist() == torch.cat(alone).tolist()


@pytest.mark.parametrize("vocabulary", [5, 256, 700, 5000])
def test_two_levels_choose_what_one_running_sum_would(vocabulary):
    generator = torch.Generator().manual_seed(vocabulary)
    mass = torch.randn(64, vocabulary, generator=generator).mul(4).softmax(-1)
    mass[:, ::3] = 0
    mass /= mass.sum(-1, keepdim=True)
    uniform = torch.rand(64, generator=generator, dtype=torch.float64)
    found = inverse_cdf(mass, uniform)
    running = mass.double().cumsum(-1)
    expected = torch.searchsorted(running, uniform[:, None] * running[:, -1:], right=True)[:, 0]
    assert found.tolist() == expected.tolist()


def test_rounding_never_leaves_the_mass():
    mass = torch.zeros(3, 1000)
    mass[0, 300] = mass[1, 0] = mass[2, 999] = 1e-3
    for u in (0.0, 1 - 2**-53):
        assert inverse_cdf(mass, torch.full((3,), u, dtype=torch.float64)).tolist() == [300, 0, 999]
