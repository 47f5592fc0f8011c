"""Attention over shared rows, in which several completions follow one prompt.

In a row ``[prompt | c1 | ... | cn]`` a completion attends to the prompt and to itself. With a mask,
all L x L scores are computed and most are discarded, the more the more completions there are. Here
prompts attend to themselves, and completions, as rows of their own, to their prompt and themselves.
Completions of similar length are batched in buckets, so that there is little padding.

Shapes: B rows, L tokens of the longest row, P of the longest prompt, K completions of a bucket, C
tokens of its longest completion, D size of a head.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED = "sdpa_shared_rows"  # the name of this attention implementation in transformers
UNREAD = torch.ones(1, 1, 1, 1, dtype=torch.bool)
"""A 4-D dummy that is never read: without a 4-D mask, transformers would build one."""
# The cost of one more bucket, in attention scores that take the same time. Measured with a tiny
# model on a CPU; on a GPU, where it is about twelve kernel launches, estimated for a model of 3B.
BUCKET_COST_CPU, BUCKET_COST_GPU = 10_000, 1_000_000


@dataclass(frozen=True)
class SharedRows:
    """The lengths of the prompt and the completions of each row."""

    prompts: tuple[int, ...]  # number of tokens of each row's prompt, B
    completions: tuple[tuple[int, ...], ...]  # of each completion of each row
    device: torch.device

    @property
    def length(self) -> int:
        """Number of tokens of the longest row, L."""
        return max(p + sum(c) for p, c in zip(self.prompts, self.completions, strict=True))

    @property
    def segments(self) -> Tensor:
        """The segment of each token [B, L]: 0 the prompt, 1, 2, ... completions, -1 padding."""
        segments = torch.full((len(self.prompts), self.length), -1)
        for row, (prompt, lengths) in enumerate(zip(self.prompts, self.completions, strict=True)):
            sizes = torch.tensor([prompt, *lengths])
            segments[row, : int(sizes.sum())] = torch.arange(len(sizes)).repeat_interleave(sizes)
        return segments.to(self.device)

    def visible(self) -> Tensor:
        """A boolean mask [B, 1, L, L], true where the query (third axis) attends to the key."""
        segments = self.segments
        key, query = segments.unsqueeze(1), segments.unsqueeze(2)
        earlier = torch.ones(self.length, self.length, dtype=torch.bool, device=self.device).tril()
        visible = ((key == 0) | (key == query)) & earlier
        # A padding token attends to itself: a softmax over nothing would be NaN.
        itself = torch.eye(self.length, dtype=torch.bool, device=self.device)
        return (visible | itself).unsqueeze(1)

    @cached_property
    def layout(self) -> "_Layout":
        """The indices of prompts and completions, which are the same in every layer."""
        longest = max(self.prompts)
        lengths = torch.tensor([c for completions in self.completions for c in completions])
        # Outputs are concatenated: of all prompts [B * P], then of each bucket [K * C].
        output_index = torch.zeros(len(self.prompts), self.length, dtype=torch.long)
        for r, prompt in enumerate(self.prompts):
            output_index[r, :prompt] = torch.arange(prompt) + r * longest
        offset, buckets = len(self.prompts) * longest, []
        cost = BUCKET_COST_CPU if self.device.type == "cpu" else BUCKET_COST_GPU
        for chosen in _length_buckets(lengths, longest, cost):
            bucket, is_real = self._bucket(chosen, lengths[chosen])
            tokens = bucket.tokens[is_real]
            output_index.view(-1)[tokens] = offset + torch.arange(len(is_real))[is_real]
            offset += len(is_real)
            buckets.append(bucket.to(self.device))
        return _Layout(longest, tuple(buckets), output_index.flatten().to(self.device))

    @cached_property
    def _starts(self) -> Tensor:
        """The first token of each completion, as an index into B * L."""
        starts: list[int] = []
        for r, (prompt, completions) in enumerate(zip(self.prompts, self.completions, strict=True)):
            ends = torch.tensor([prompt, *completions]).cumsum(0)
            starts += (ends[:-1] + r * self.length).tolist()
        return torch.tensor(starts)

    def _bucket(self, chosen: Tensor, lengths: Tensor) -> tuple["LengthBucket", Tensor]:
        """The bucket of the chosen completions, and which of its K * C tokens are no padding."""
        counts = torch.tensor([len(completions) for completions in self.completions])
        row = torch.arange(len(self.prompts)).repeat_interleave(counts)[chosen]
        step = torch.arange(int(lengths.max()))  # [C]
        is_real = step < lengths.unsqueeze(1)  # [K, C]
        # Padding reads token 0; its output is not used.
        tokens = torch.where(is_real, self._starts[chosen].unsqueeze(1) + step, 0)
        in_prompt = torch.arange(max(self.prompts)) < torch.tensor(self.prompts)[row].unsqueeze(1)
        prompt_mask = in_prompt.unsqueeze(1).expand(-1, len(step), -1)  # [K, C, P]
        causal_mask = (step.unsqueeze(1) >= step).expand(len(chosen), -1, -1)  # [K, C, C]
        mask = torch.cat([prompt_mask, causal_mask], -1).unsqueeze(1)
        if in_prompt.all():  # prompts of equal length: the masks are equal
            mask = mask[:1]
        return LengthBucket(len(step), tokens.flatten(), row, mask), is_real.flatten()


@dataclass(frozen=True)
class LengthBucket:
    """Completions of similar length, as a padded batch."""

    completion: int  # C
    tokens: Tensor  # [K * C], indices into B * L
    row: Tensor  # [K], the row of each completion
    mask: Tensor  # [K or 1, 1, C, P + C], true where a token attends to prompt and completion

    def to(self, device: torch.device) -> "LengthBucket":
        """The bucket on another device."""
        tensors = (self.tokens, self.row, self.mask)
        return LengthBucket(self.completion, *(tensor.to(device) for tensor in tensors))


@dataclass(frozen=True)
class _Layout:
    prompt: int  # P
    buckets: tuple[LengthBucket, ...]
    output_index: Tensor  # [B * L], the index of each token in the concatenated outputs


def _length_buckets(lengths: Tensor, prompt: int, cost: int) -> list[Tensor]:
    """Completions by buckets of similar length; another bucket must save more than its cost."""
    buckets = _split(lengths.argsort(), lengths, prompt, cost)
    return [bucket.sort().values for bucket in buckets]


def _split(order: Tensor, lengths: Tensor, prompt: int, cost: int) -> list[Tensor]:
    """Completions, in the order of their lengths, in one bucket, or recursively in two parts."""
    ascending = lengths[order]
    count = torch.arange(1, len(order) + 1)
    shorter = count * ascending * (prompt + ascending)  # scores of a bucket that ends here
    rest = (len(order) - count) * ascending[-1] * (prompt + ascending[-1])
    cut = int((shorter + rest).argmin())
    if shorter[cut] + rest[cut] + cost > shorter[-1]:
        return [order]
    parts = order[: cut + 1], order[cut + 1 :]
    return [bucket for part in parts for bucket in _split(part, lengths, prompt, cost)]


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    shared_rows: SharedRows | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """An attention function of transformers: [B, heads, L, D] to [B, L, heads, D].

    With ``shared_rows``, which language models hand on to their layers, no mask is read.
    """
    if shared_rows is None:
        options |= {"dropout": dropout, "scaling": scaling}
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    layout = shared_rows.layout
    repeats = query.shape[1] // key.shape[1]
    sdpa = partial(scaled_dot_product_attention, dropout_p=dropout, scale=scaling)

    def completions(states: Tensor, bucket: LengthBucket) -> Tensor:  # [K, heads, C, D]
        selected = states.transpose(1, 2).flatten(0, 1).index_select(0, bucket.tokens)
        return selected.unflatten(0, (-1, bucket.completion)).transpose(1, 2)

    def with_prompts(states: Tensor, bucket: LengthBucket) -> Tensor:  # [K, heads, P + C, D]
        prompts = states[:, :, : layout.prompt].index_select(0, bucket.row)
        return repeat_kv(torch.cat([prompts, completions(states, bucket)], 2), repeats)

    # Where a prompt is shorter than P its completions follow, which causality hides from it.
    outputs = [
        sdpa(
            query[:, :, : layout.prompt],
            repeat_kv(key[:, :, : layout.prompt], repeats),
            repeat_kv(value[:, :, : layout.prompt], repeats),
            is_causal=True,
        )
    ]
    outputs += [
        sdpa(
            completions(query, bucket),
            with_prompts(key, bucket),
            with_prompts(value, bucket),
            attn_mask=bucket.mask,
        )
        for bucket in layout.buckets
    ]
    flat = torch.cat([output.transpose(1, 2).flatten(0, 1) for output in outputs])
    return flat.index_select(0, layout.output_index).unflatten(0, (query.shape[0], -1)), None


def mask_arguments(
    language_model: Any, mask: Tensor | SharedRows, embeddings: Tensor
) -> dict[str, Any]:
    """The arguments of a transformers language model that say who attends to whom.

    Args:
        language_model: with its attention implementation; for shared rows, sdpa is replaced by
            ``attend``.
        mask: [B, past + L] of 0 and 1; or [B, 1, L, past + L], true where a token attends to
            another; or the prompts and completions of shared rows.
        embeddings: [B, L, H].
    """
    if isinstance(mask, SharedRows):
        config = language_model.config
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        if config._attn_implementation == "sdpa":
            language_model.set_attn_implementation(SHARED)
        if config._attn_implementation == SHARED and kinds == {"full_attention"}:
            return {"attention_mask": UNREAD.to(mask.device), "shared_rows": mask}
        mask = mask.visible()
    if mask.dtype is torch.bool and language_model.config._attn_implementation == "eager":
        # Eager attention adds numbers to the scores.
        zero = torch.zeros((), dtype=embeddings.dtype, device=mask.device)
        mask = torch.where(mask, zero, torch.finfo(embeddings.dtype).min)
    return {"attention_mask": mask}


AttentionInterface.register(SHARED, attend)
AttentionMaskInterface.register(SHARED, sdpa_mask)
