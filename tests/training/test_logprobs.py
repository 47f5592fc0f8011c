"""Rows of either layout against separate rows through the unmodified transformers model."""

import copy

import pytest
import torch
from settings_of import lora
from torch import nn

from grit.models.lora import add_lora
from grit.training.groups import Group, in_micro_batches, lay_out
from grit.training.logprobs import token_logp, token_scores


@pytest.fixture
def groups(adapter, prompts):
    """Completions of different lengths, on prompts and images of different sizes."""
    random = torch.Generator().manual_seed(7)
    vocabulary = len(adapter.tokenizer)
    lengths = [(4, 9, 1), (6, 2, 5), (3, 3, 8)]
    return [
        Group(
            prompt,
            tuple(
                tuple(torch.randint(10, vocabulary, (n,), generator=random).tolist()) for n in ns
            ),
        )
        for prompt, ns in zip(prompts, lengths, strict=True)
    ]


def plain_rows(adapter, groups, temperature=1.0):
    """Log-probabilities and entropies, completion after completion, one forward a completion."""
    logps, entropies = [], []
    for group in groups:
        for completion in group.completions:
            tokens = torch.tensor(completion)
            ids = torch.cat([group.prompt.input_ids, tokens])[None]
            inputs = dict(group.prompt.vision)
            if adapter.position_rows == 3:
                inputs["mm_token_type_ids"] = (ids == adapter.image_id).int()
            logits = adapter.plain(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs)
            log = (logits.logits[0, -len(completion) - 1 : -1] / temperature).log_softmax(-1)
            logps.append(log.gather(-1, tokens[:, None])[:, 0])
            entropies.append(-(log.exp() * log).sum(-1))
    return torch.cat(logps), torch.cat(entropies)


def gradients(adapter, loss):
    adapter.model.zero_grad()
    loss.backward()
    found = {n: p.grad.clone() for n, p in adapter.model.named_parameters() if p.grad is not None}
    adapter.model.zero_grad()
    return found


def in_order_of_completions(batch, values):
    return values[torch.argsort(batch.owner, stable=True)]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("share_prompt", [False, True])
def test_scores_and_gradients_are_those_of_separate_plain_rows(
    adapter, groups, share_prompt, attention
):
    # A different weight for every token, so that no two errors cancel.
    count = sum(len(ids) for group in groups for ids in group.completions)
    weight = torch.linspace(0.1, 1.0, count) / count
    logp, entropy = plain_rows(adapter, groups)
    expected = gradients(adapter, (weight * logp).sum())

    adapter.plain.set_attn_implementation(attention)
    try:
        batch = lay_out(adapter, groups, share_prompt=share_prompt)
        features = adapter.image_features([group.prompt for group in groups])

        def loss(logp):
            return (weight * in_order_of_completions(batch, logp)).sum()

        scores = token_scores(adapter, batch, features, tokens_per_chunk=5, loss=loss)
        found = in_order_of_completions(batch, scores.logp)
        torch.testing.assert_close(found, logp, atol=1e-5, rtol=0)
        ours = in_order_of_completions(batch, scores.entropy)
        torch.testing.assert_close(ours, entropy.detach(), atol=1e-5, rtol=0)
        ours = gradients(adapter, loss(scores.logp))
    finally:
        adapter.plain.set_attn_implementation("sdpa")
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(ours[name], gradient, atol=1e-5, rtol=0, msg=name)


def changed(adapter, change):
    """A copy of the adapter that trains otherwise."""
    other = copy.copy(adapter)
    other.model = copy.deepcopy(adapter.model)
    if change in ("frozen head", "own head", "LoRA on the head"):
        other.model.config.tie_word_embeddings = False
        other.model.config.get_text_config().tie_word_embeddings = False
        other.model.lm_head.weight = nn.Parameter(
            other.model.lm_head.weight.detach().clone(), requires_grad=change == "own head"
        )
    if change == "checkpointing":
        other.model.train()
        other.model.activation_checkpointing_enable({"use_reentrant": False})
    if "LoRA" in change:
        names = ["v_proj", "lm_head"] if change == "LoRA on the head" else ["q_proj", "v_proj"]
        add_lora(other, lora(4, 8, names), with_vision=False)
        for name, parameter in other.model.named_parameters():
            if "lora_B" in name:  # they begin as 0, and would do nothing
                nn.init.normal_(parameter, std=0.1)
    return other


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize(
    "change",
    ["nothing", "own head", "frozen head", "checkpointing", "LoRA", "LoRA on the head"],
)
def test_chunks_score_and_learn_as_whole_logits_do(adapter, groups, change, told):
    other = changed(adapter, change)
    assert (other.head_weight is None) == (change == "LoRA on the head")
    batch = lay_out(other, groups[:2], share_prompt=True)
    weight = torch.linspace(0.1, 1.0, len(batch.targets)) / len(batch.targets)

    def loss(logp):
        return (weight * logp).sum()

    found = []
    for chunk in (5, 0):
        features = other.image_features([group.prompt for group in groups[:2]])
        scores = token_scores(
            other,
            batch,
            features,
            temperature=0.7,
            tokens_per_chunk=chunk,
            loss=loss if told else None,
        )
        found.append((scores, gradients(other, loss(scores.logp))))
    (chunked, ours), (kept, expected) = found
    torch.testing.assert_close(chunked.logp, kept.logp, atol=1e-5, rtol=0)
    torch.testing.assert_close(chunked.entropy, kept.entropy, atol=1e-5, rtol=0)
    assert ours.keys() == expected.keys()
    assert max(gradient.abs().max() for gradient in expected.values()) > 1e-2
    for name, gradient in expected.items():
        torch.testing.assert_close(ours[name], gradient, atol=1e-5, rtol=0, msg=name)
    logp = token_logp(other, batch, features, temperature=0.7, tokens_per_chunk=5)
    torch.testing.assert_close(logp, kept.logp, atol=1e-5, rtol=0)


def test_checkpointed_layers_score_and_learn_as_kept_ones_do(adapter, groups):
    found = []
    for change in ("nothing", "checkpointing"):
        other = changed(adapter, change)
        other.model.train()
        batch = lay_out(other, groups[:2], share_prompt=True)
        weight = torch.linspace(0.1, 1.0, len(batch.targets)) / len(batch.targets)
        features = other.image_features([group.prompt for group in groups[:2]])
        scores = token_scores(other, batch, features, tokens_per_chunk=5)
        found.append((scores.logp, gradients(other, (weight * scores.logp).sum())))
    (kept, expected), (again, ours) = found
    torch.testing.assert_close(again, kept, atol=1e-5, rtol=0)
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(ours[name], gradient, atol=1e-5, rtol=0, msg=name)


def test_the_temperature_divides_the_logits(adapter, groups):
    batch = lay_out(adapter, groups[:1], share_prompt=True)
    with torch.no_grad():
        features = adapter.image_features([groups[0].prompt])
        scores = token_scores(adapter, batch, features, temperature=0.7)
        expected, _ = plain_rows(adapter, groups[:1], temperature=0.7)
    torch.testing.assert_close(in_order_of_completions(batch, scores.logp), expected)


def test_a_shared_row_pays_for_each_prompt_once(adapter, groups):
    shared = lay_out(adapter, groups, share_prompt=True)
    plain = lay_out(adapter, groups, share_prompt=False)
    assert len(shared.input_ids) == len(groups)
    assert len(plain.input_ids) == sum(len(group.completions) for group in groups)
    assert (shared.input_ids == adapter.image_id).sum() * 3 == (
        plain.input_ids == adapter.image_id
    ).sum()


@pytest.mark.parametrize("share_prompt", [False, True])
def test_passes_hold_every_group_once_and_keep_the_budget(groups, share_prompt):
    for budget in (1, 300, 700, 10**6):
        passes = in_micro_batches(groups, budget, share_prompt=share_prompt)
        assert sorted(i for one in passes for i in one.groups) == [0, 1, 2]
        for one in passes:
            rows, longest = 0, 0
            for i in one.groups:
                group = groups[i]
                rows += 1 if share_prompt else len(group.completions)
                most = max(map(len, group.completions))
                length = len(group.prompt.input_ids) + most
                longest = max(longest, group.row_length if share_prompt else length)
            assert rows * longest <= budget or len(one.groups) == 1
    assert len(in_micro_batches(groups, 10**6, share_prompt=share_prompt)) == 1
