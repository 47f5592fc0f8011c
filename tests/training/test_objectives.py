"""Objectives and advantages equal TRL's own, in value and gradient; else a naive loop's."""

import math
import warnings
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from grit.training import objectives
from grit.training.advantages import advantages_of
from grit.training.grpo_gr import grpo_gr_loss
from grit.training.settings import AdvantageSettings, ObjectiveSettings

LENGTHS = (5, 2, 7, 1)
OWNER = torch.arange(4).repeat_interleave(torch.tensor(LENGTHS))
M, LONGEST = len(OWNER), 9


@pytest.fixture(scope="module")
def trl_trainer():
    """TRL's GRPOTrainer class; its import warns of what is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from trl.trainer.grpo_trainer import GRPOTrainer
    return GRPOTrainer


@pytest.fixture
def numbers():
    """Log-probabilities far enough apart that everything clips somewhere."""
    generator = torch.Generator().manual_seed(3)
    old, reference, change = (
        torch.randn(M, generator=generator, dtype=torch.double) * scale for scale in (1, 1, 0.5)
    )
    advantages = torch.tensor([1.3, -0.7, 0.4, -1.9], dtype=torch.double)
    return old + change, old, old + 0.3 * reference, advantages


def padded(values: Tensor) -> Tensor:
    rows = values.new_zeros(4, max(LENGTHS))
    for i in range(4):
        rows[i, : LENGTHS[i]] = values[i == OWNER]
    return rows


def of_trl(trl_trainer, numbers, **options):
    """TRL's loss and its gradient [M] for the same numbers."""
    logp, old, reference, advantages = numbers
    leaf = logp.clone().requires_grad_()
    mask = padded(torch.ones(M, dtype=torch.double))
    if (kept := options.pop("kept", None)) is not None:
        mask = mask * kept.unsqueeze(1)
    args = {
        "beta": 0.04, "epsilon": 0.2, "epsilon_high": None, "delta": None, "loss_type": "grpo",
        "importance_sampling_level": "token", "sapo_temperature_pos": 1.0,
        "sapo_temperature_neg": 1.05, "use_bias_correction_kl": False,
    } | options  # fmt: skip
    high = args["epsilon"] if args["epsilon_high"] is None else args["epsilon_high"]

    def scores(*_, **__):
        return padded(leaf), torch.zeros_like(mask), None

    class Same:
        num_processes = 1

        @staticmethod
        def gather(values):
            return values

        @staticmethod
        def reduce(values, reduction):
            return values

    stub = SimpleNamespace(
        **{k: args[k] for k in ("beta", "loss_type", "importance_sampling_level")},
        args=SimpleNamespace(**args), epsilon_low=args["epsilon"], epsilon_high=high,
        _get_per_token_logps_and_entropies=scores, top_entropy_quantile=1.0,
        off_policy_mask_threshold=None, use_vllm=False, vllm_importance_sampling_correction=False,
        aux_loss_enabled=False, _entropy_bonus_enabled=False, max_completion_length=LONGEST,
        current_gradient_accumulation_steps=1, model=SimpleNamespace(training=False),
        accelerator=Same, tools=None,
        _metrics={"eval": defaultdict(list)},
    )  # fmt: skip
    inputs = {
        "prompt_ids": torch.zeros(4, 1, dtype=torch.long),
        "prompt_mask": torch.ones(4, 1),
        "completion_ids": mask.long(),
        "completion_mask": mask,
        "advantages": advantages,
        "old_per_token_logps": padded(old),
        "ref_per_token_logps": padded(reference),
        "num_items_in_batch": mask.sum(),
    }
    loss = trl_trainer._compute_loss(stub, stub.model, inputs)
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


def of_ours(numbers, *, kept=None, epsilon=0.2, beta=0.04, ratio="token", **options):
    """Our loss and its gradient [M]."""
    logp, old, reference, advantages = numbers
    leaf = logp.clone().requires_grad_()
    settings = ObjectiveSettings(**options)
    judged = torch.ones(2, 2, dtype=torch.bool)
    counted = judged if kept is None else kept.bool().view(2, 2)
    lengths = torch.tensor(LENGTHS).view(2, 2)
    weights = objectives.token_weights(
        *(judged, counted, lengths, settings),
        groups=2, tokens=int(lengths[counted].sum()), completions=4, max_new_tokens=LONGEST,
    )  # fmt: skip
    loss = objectives.objective_loss(
        *(leaf, old, reference, advantages[OWNER], weights.flatten()[OWNER].double(), OWNER),
        completions=4,
        settings=settings,
        epsilon=epsilon,
        ratio=ratio,
        beta=beta,
    )
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


CASES = {
    "grpo": ({}, {}),
    "clip-higher": ({"epsilon_high": 0.28}, {"epsilon_high": 0.28}),
    "two-sided": ({"delta": 1.4}, {"ratio_limit": 1.4}),
    "dapo": (
        {"loss_type": "dapo", "epsilon_high": 0.28, "beta": 0.0},
        {"aggregation": "token_mean", "epsilon_high": 0.28, "beta": 0.0},
    ),
    "bnpo": ({"loss_type": "bnpo"}, {"aggregation": "token_mean"}),
    "dr_grpo": ({"loss_type": "dr_grpo"}, {"aggregation": "fixed_length"}),
    "gspo": (
        {"importance_sampling_level": "sequence", "epsilon": 3e-4, "epsilon_high": 4e-4},
        {"ratio": "sequence_mean", "epsilon": 3e-4, "epsilon_high": 4e-4},
    ),
    "cispo": (
        {"loss_type": "cispo", "epsilon_high": 1.2},
        {"surrogate": "cispo", "ratio_limit": 1.2, "aggregation": "token_mean"},
    ),
    "sapo": ({"loss_type": "sapo"}, {"surrogate": "sapo"}),
    "truncation mask": (
        {"kept": torch.tensor([1.0, 0.0, 1.0, 1.0])},
        {"kept": torch.tensor([1.0, 0.0, 1.0, 1.0])},
    ),
    "truncation mask by token": (
        {"loss_type": "dapo", "kept": torch.tensor([1.0, 0.0, 1.0, 1.0])},
        {"aggregation": "token_mean", "kept": torch.tensor([1.0, 0.0, 1.0, 1.0])},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradient_are_trls(trl_trainer, numbers, case):
    theirs, ours = CASES[case]
    expected, expected_gradient = of_trl(trl_trainer, numbers, **theirs)
    found, found_gradient = of_ours(numbers, **ours)
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    torch.testing.assert_close(found_gradient, expected_gradient, atol=1e-6, rtol=0)
    assert expected_gradient.abs().max() > 1e-3


def test_every_case_differs_from_the_plain_one(trl_trainer, numbers):
    plain = of_ours(numbers)[1]
    for case, (_, ours) in CASES.items():
        same = torch.allclose(of_ours(numbers, **ours)[1], plain, atol=1e-6)
        assert same == (case == "grpo"), case


@pytest.mark.parametrize("ratio", ["token", "sequence"])
def test_the_defaults_are_grpo_gr(numbers, ratio):
    logp, old, reference, advantages = numbers
    leaf = logp.clone().requires_grad_()
    weights = torch.full((4,), 0.25, dtype=torch.double)
    loss = grpo_gr_loss(
        *(leaf, old, reference, advantages, weights, OWNER), epsilon=0.2, beta=0.04, ratio=ratio
    )
    found, gradient = of_ours(numbers, ratio=ratio)
    assert found.item() == pytest.approx(loss.item(), abs=1e-7)
    torch.testing.assert_close(gradient, torch.autograd.grad(loss, leaf)[0], atol=1e-7, rtol=0)


def test_gspos_gradient_is_the_same_for_all_tokens_of_a_completion(numbers):
    gradient = of_ours(numbers, ratio="sequence_mean", epsilon=9.0, beta=0.0)[1]
    for i in range(4):
        of_one = gradient[i == OWNER]
        torch.testing.assert_close(of_one, of_one[0].expand_as(of_one))


def test_with_one_update_a_rollout_surrogates_share_one_gradient(numbers):
    logp, _, reference, advantages = numbers
    once = logp, logp, reference, advantages
    plain = of_ours(once)[1]
    for options in (
        {"surrogate": "sapo"},
        {"surrogate": "cispo", "ratio_limit": 5.0},
        {"epsilon_high": 0.28},
        {"ratio": "sequence_mean"},
    ):
        torch.testing.assert_close(of_ours(once, **options)[1], plain, atol=1e-7, rtol=0)


# --- advantages

REWARDS = torch.tensor([[1.0, 2.0, 4.0], [0.5, 0.5, 0.5], [0.0, 3.0, 3.0]])
EVERY = torch.ones(3, 3, dtype=torch.bool)
NO_TERMS = torch.zeros(3, 3, 0), torch.zeros(0)


def advantages(rewards=REWARDS, judged=EVERY, **options):
    return advantages_of(rewards, judged, *NO_TERMS, AdvantageSettings(**options))


def test_the_scale_is_the_batchs_or_none():
    deviation = REWARDS - REWARDS.mean(1, keepdim=True)
    torch.testing.assert_close(advantages(scale="none"), deviation)
    by_batch = advantages(scale="batch", sample_std=True, delta=1e-4)
    torch.testing.assert_close(by_batch, deviation / (REWARDS.std() + 1e-4))


def test_leave_one_out_is_the_reward_minus_the_mean_of_the_others():
    found = advantages(baseline="leave_one_out", scale="none")
    for g in range(3):
        for i in range(3):
            others = [REWARDS[g, j].item() for j in range(3) if j != i]
            naive = REWARDS[g, i].item() - sum(others) / 2
            assert found[g, i].item() == pytest.approx(naive, abs=1e-6)


def test_leave_one_out_of_the_only_judged_completion_is_0():
    judged = torch.tensor([[True, False, False]] * 3)
    assert advantages(judged=judged, baseline="leave_one_out", scale="none").abs().sum() == 0


def test_by_term_is_trls_normalise_then_sum(trl_trainer):
    """The numbers of TRL's own lines, which are in the middle of a method that samples."""
    generator = torch.Generator().manual_seed(0)
    terms = torch.rand(4, 6, 3, generator=generator, dtype=torch.double)
    weights = torch.tensor([0.5, 1.0, 0.1], dtype=torch.double)
    mean, std = terms.mean(1, keepdim=True), terms.std(1, keepdim=True)
    total = ((terms - mean) / (std + 1e-4) * weights).sum(-1)
    expected = (total - total.mean()) / (total.std() + 1e-4)
    settings = AdvantageSettings(by_term=True, delta=1e-4, sample_std=True)
    judged = torch.ones(4, 6, dtype=torch.bool)
    found = advantages_of(torch.zeros(4, 6), judged, terms, weights, settings)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)


def test_by_term_without_a_difference_there_is_no_advantage():
    settings = AdvantageSettings(by_term=True, delta=0.0)
    judged = torch.ones(2, 4, dtype=torch.bool)
    found = advantages_of(judged.float(), judged, torch.ones(2, 4, 3), torch.ones(3), settings)
    assert not found.any()


def test_a_term_that_does_not_apply_to_a_row_counts_for_nothing():
    terms = torch.rand(2, 4, 2, generator=torch.Generator().manual_seed(1))
    judged = torch.ones(2, 4, dtype=torch.bool)
    settings = AdvantageSettings(by_term=True)
    one_term = advantages_of(judged.float(), judged, terms[..., :1], torch.ones(1), settings)
    without = terms.clone()
    without[..., 1] = torch.nan
    found = advantages_of(judged.float(), judged, without, torch.ones(2), settings)
    torch.testing.assert_close(found, one_term)


# --- what surrounds the loss


def test_the_overlong_penalty_falls_over_the_cache():
    penalties = [objectives.overlong_penalty(n, 100, 0.2) for n in (10, 80, 90, 100, 110)]
    assert penalties == pytest.approx([0, 0, -0.5, -1, -1])
    assert objectives.overlong_penalty(100, 100, 0) == 0


def test_beta_falls_to_0_along_a_cosine():
    cosine = ObjectiveSettings(beta_schedule="cosine")
    betas = [objectives.scheduled_beta(0.04, cosine, step, 10) for step in range(10)]
    assert betas[0] == 0.04
    assert betas == sorted(betas, reverse=True)
    assert betas[5] == pytest.approx(0.02)
    assert 0 < betas[9] < 0.002
    assert objectives.scheduled_beta(0.04, ObjectiveSettings(), 9, 10) == 0.04


def test_hard_groups_weigh_more():
    assert objectives.difficulty_weight(1.0) == 1
    assert objectives.difficulty_weight(0.0) == pytest.approx(math.e)
    assert objectives.difficulty_weight(None) == 1


def test_token_weights_sum_to_1_over_a_step():
    lengths = torch.tensor([[3, 4], [5, 1]])
    judged = torch.tensor([[True, True], [True, False]])
    counts = {"groups": 2, "tokens": 12, "completions": 3, "max_new_tokens": 4}
    for aggregation in ("sequence_mean", "token_mean"):
        settings = ObjectiveSettings(aggregation=aggregation)
        weights = objectives.token_weights(judged, judged, lengths, settings, **counts)
        assert (weights * lengths).sum().item() == pytest.approx(1)
        assert weights[1, 1] == 0
