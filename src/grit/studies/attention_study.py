"""Grounding and attention, the paper's figure 5.

A completion is cut at ``<rethink>``; the model goes on greedily from each of the prefixes of
``attention_prefixes``. The attention on the image of each of the first 50 tokens that it generates
is that of the step that generated it: the weights of its last query, averaged over layers, heads
and image tokens. The curves are means over samples.

A continuation that ends early has no attention afterwards: every mean says over how many samples it
is, and prefixes are compared over the tokens that both have led to.

Shapes: S samples, T generated tokens, Q queries, K keys.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from grit.evaluation.bootstrap import Estimate, estimate_known, mean_known
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.studies.attention_prefixes import PREFIXES, extended

COMPARED = {
    "boxes_minus_no_boxes": ("boxes", "no_boxes"),  # the paper's comparison
    "fewer_words_minus_no_boxes": ("fewer_words", "no_boxes"),  # of prefixes of equal length
}


@dataclass(frozen=True)
class AttentionCurve:
    """Attention on an image token, generated token by generated token."""

    mean: tuple[float | None, ...]  # [T] over the samples that generated so many tokens
    n: tuple[int, ...]  # [T] how many did
    level: Estimate  # of samples, each the mean over its tokens; those of a picture together


@dataclass(frozen=True)
class AttentionStudy:
    """What figure 5 shows of one model."""

    samples: int
    curves: Mapping[str, AttentionCurve]  # by the names of PREFIXES
    differences: Mapping[str, Estimate]  # by the names of COMPARED, paired by sample and token


def study(
    samples: Sequence[Mapping[str, EncodedPrompt]],
    adapter: Adapter,
    sampler: Sampler,
    tokens: int,
    pictures: Sequence[Hashable] | None = None,
) -> AttentionStudy:
    """Measure the prefixes of each sample over at most ``tokens`` generated tokens.

    Intervals draw the samples of one of ``pictures`` together; None: each has its own.
    """
    pictures = range(len(samples)) if pictures is None else pictures
    measured = {
        name: _attention([sample.get(name) for sample in samples], adapter, sampler, tokens)
        for name in PREFIXES
    }
    return AttentionStudy(
        samples=len(samples),
        curves={name: _curve(rows, pictures) for name, rows in measured.items()},
        differences={
            name: _over_samples(measured[first] - measured[second], pictures)
            for name, (first, second) in COMPARED.items()
        },
    )


def _attention(
    prompts: Sequence[EncodedPrompt | None], adapter: Adapter, sampler: Sampler, tokens: int
) -> np.ndarray:
    """Attention [S, T] of one prefix of every sample; nan where nothing was generated."""
    rows = np.full((len(prompts), tokens), np.nan)
    there = {place: prompt for place, prompt in enumerate(prompts) if prompt is not None}
    greedy = Sampling(temperature=0.0, max_new_tokens=tokens)
    groups = sampler.sample(list(there.values()), [[0]] * len(there), greedy)
    for (place, prompt), (completion,) in zip(there.items(), groups, strict=True):
        weights = image_attention(prompt, completion.token_ids, adapter)
        rows[place, : len(weights)] = weights
    return rows


def image_attention(
    prompt: EncodedPrompt, generated: Sequence[int], adapter: Adapter
) -> np.ndarray:
    """``attention_by_image_token``, averaged over image tokens too: [T]."""
    return attention_by_image_token(prompt, generated, adapter).mean(1).cpu().numpy()


@torch.no_grad()
def attention_by_image_token(
    prompt: EncodedPrompt, generated: Sequence[int], adapter: Adapter
) -> Tensor:
    """Attention [T, images] of the steps that generated these T tokens after a prompt.

    Averaged over layers and heads, in float32. What was read before the first of these steps is
    read once with the model's own attention, whose weights are never in memory: only
    [layers, heads, T, K] are, by eager attention.
    """
    whole = extended(prompt, generated[:-1])  # the last token's own query generates none of them
    start = len(prompt.input_ids) - 1  # the query that generated the first token
    ids = whole.input_ids.to(adapter.device).unsqueeze(0)  # [1, K]
    positions = whole.positions.to(adapter.device).unsqueeze(1)  # [R, 1, K]
    embeddings = adapter.embed(ids, adapter.image_features([whole]))
    cache = DynamicCache(config=adapter.plain.config.get_text_config())
    mask = torch.ones_like(ids)
    adapter.hidden_states(embeddings[:, :start], mask[:, :start], positions[..., :start], cache)
    with _eager(adapter):
        rest = embeddings[:, start:], mask, positions[..., start:]
        weights = attention_weights(adapter, *rest, cache)
    on_image: Tensor = weights[:, 0][..., ids[0] == adapter.image_id]  # [layers, heads, Q, images]
    return on_image.float().mean((0, 1))


@contextmanager
def _eager(adapter: Adapter) -> Iterator[None]:
    """Eager attention in the language model, the only one that has its weights in memory."""
    language_model = adapter.plain.model.language_model
    usual = language_model.config._attn_implementation
    language_model.set_attn_implementation("eager")
    try:
        yield
    finally:
        language_model.set_attn_implementation(usual)


def _curve(rows: np.ndarray, pictures: Sequence[Hashable]) -> AttentionCurve:
    return AttentionCurve(
        mean=tuple(map(mean_known, rows.T)),
        n=tuple(int((~np.isnan(column)).sum()) for column in rows.T),
        level=_over_samples(rows, pictures),
    )


def _over_samples(rows: np.ndarray, pictures: Sequence[Hashable]) -> Estimate:
    """The mean over samples, each the mean over the tokens [T] that it has."""
    return estimate_known([mean_known(row) for row in rows], pictures)


def attention_weights(
    adapter: Adapter, embeddings: Tensor, mask: Tensor, positions: Tensor, cache: Any
) -> Tensor:
    """Who attends to whom: weights [layers, B, heads, L, past + L]; each row sums to 1.

    Args:
        adapter: a model whose language model has eager attention.
        embeddings: [B, L, F], from ``Adapter.embed``.
        mask: [B, past + L] of 0 and 1.
        positions: [R, B, L].
        cache: of the past.

    Raises:
        ValueError: the model has another attention, which never has the weights in memory.
    """
    language_model = adapter.plain.model.language_model
    if language_model.config._attn_implementation != "eager":
        raise ValueError("attention weights need a model with eager attention")
    inputs = adapter.language_inputs(embeddings, mask, positions, cache)
    layers = language_model(**inputs, output_attentions=True).attentions
    return torch.stack(layers)
