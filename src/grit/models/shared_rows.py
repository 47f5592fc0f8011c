"""Attention over rows in which completions share their prompt, without what is masked in them.

In a row ``[prompt | c1 | ... | cn]`` a completion sees the prompt and itself. Told so by a mask, an
attention computes all L x L scores and throws most of them away, the more so the more completions
there are. Here the prompts attend to themselves, and the completions, side by side as rows of their
own, to their prompt and to themselves: those of similar length together, in lots, so that little is
padded.

Shapes: B rows, L tokens of the longest row, P of the longest prompt, K completions of a lot, C
tokens of its longest completion.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED = "sdpa_shared_rows"  # sdpa, for which a SharedRows is a mask too
# What one more lot costs, in scores that could be computed meanwhile. On a CPU it was measured with
# a tiny model; on a GPU, where it is a dozen launches, it is an estimate for one of 3B.
ON_CPU, ON_GPU = 10_000, 1_000_000


@dataclass(frozen=True)
class SharedRows:
    """What the tokens of each row are; stands where a model takes an attention mask."""

    prompts: tuple[int, ...]  # tokens of each row's prompt, B
    completions: tuple[tuple[int, ...], ...]  # tokens of each completion behind it
    device: torch.device

    @property
    def length(self) -> int:
        """L."""
        return max(p + sum(c) for p, c in zip(self.prompts, self.completions, strict=True))

    @property
    def segments(self) -> Tensor:
        """What each token is of [B, L]: 0 the prompt, 1, 2, ... the completions, -1 padding."""
        segments = torch.full((len(self.prompts), self.length), -1)
        for row, (prompt, lengths) in enumerate(zip(self.prompts, self.completions, strict=True)):
            sizes = torch.tensor([prompt, *lengths])
            segments[row, : int(sizes.sum())] = torch.arange(len(sizes)).repeat_interleave(sizes)
        return segments.to(self.device)

    def visible(self) -> Tensor:
        """Who sees whom, as a mask [B, 1, L, L] for attentions that know no other."""
        segments = self.segments
        key, query = segments.unsqueeze(1), segments.unsqueeze(2)
        earlier = torch.ones(self.length, self.length, dtype=torch.bool, device=self.device).tril()
        visible = ((key == 0) | (key == query)) & earlier
        # A padding token sees itself, so that no softmax runs over nothing.
        itself = torch.eye(self.length, dtype=torch.bool, device=self.device)
        return (visible | itself).unsqueeze(1)

    @cached_property
    def parts(self) -> "_Parts":
        """Where prompts and completions are, the same for every layer."""
        longest = max(self.prompts)
        lengths = torch.tensor([c for completions in self.completions for c in completions])
        # The results of all prompts [B * P] stand before those of the lots, each [K * C].
        back = torch.zeros(len(self.prompts), self.length, dtype=torch.long)
        for r, prompt in enumerate(self.prompts):
            back[r, :prompt] = torch.arange(prompt) + r * longest
        made, lots = len(self.prompts) * longest, []
        overhead = ON_CPU if self.device.type == "cpu" else ON_GPU
        for chosen in _alike(lengths, longest, overhead):
            lot, real = self._lot(chosen, lengths[chosen])
            back.view(-1)[lot.own[real]] = made + torch.arange(len(real))[real]
            made += len(real)
            lots.append(lot.to(self.device))
        return _Parts(longest, tuple(lots), back.flatten().to(self.device))

    @cached_property
    def _starts(self) -> Tensor:
        """Where each completion begins among all [B * L]."""
        starts: list[int] = []
        for r, (prompt, completions) in enumerate(zip(self.prompts, self.completions, strict=True)):
            ends = torch.tensor([prompt, *completions]).cumsum(0)
            starts += (ends[:-1] + r * self.length).tolist()
        return torch.tensor(starts)

    def _lot(self, chosen: Tensor, lengths: Tensor) -> tuple["_Lot", Tensor]:
        """The lot of the chosen completions, and which of its K * C tokens they have."""
        counts = torch.tensor([len(completions) for completions in self.completions])
        row = torch.arange(len(self.prompts)).repeat_interleave(counts)[chosen]
        step = torch.arange(int(lengths.max()))  # [C]
        real = step < lengths.unsqueeze(1)  # [K, C]
        # Beyond its end a completion may read anything: nobody reads it.
        own = torch.where(real, self._starts[chosen].unsqueeze(1) + step, 0)
        in_prompt = torch.arange(max(self.prompts)) < torch.tensor(self.prompts)[row].unsqueeze(1)
        before = in_prompt.unsqueeze(1).expand(-1, len(step), -1)  # [K, C, P]
        earlier = (step.unsqueeze(1) >= step).expand(len(chosen), -1, -1)  # [K, C, C]
        sees = torch.cat([before, earlier], -1).unsqueeze(1)
        if in_prompt.all():  # prompts are of one length: so are all masks one
            sees = sees[:1]
        return _Lot(len(step), own.flatten(), row, sees), real.flatten()


@dataclass(frozen=True)
class _Lot:
    """Completions of similar length, side by side."""

    completion: int  # C
    own: Tensor  # [K * C], the tokens of completions among all [B * L]
    row: Tensor  # [K], the row of each completion
    sees: Tensor  # [K or 1, 1, C, P + C], what a completion sees of its prompt and itself

    def to(self, device: torch.device) -> "_Lot":
        tensors = (self.own, self.row, self.sees)
        return _Lot(self.completion, *(tensor.to(device) for tensor in tensors))


@dataclass(frozen=True)
class _Parts:
    prompt: int  # P
    lots: tuple[_Lot, ...]
    back: Tensor  # [B * L], where the results stand


def _alike(lengths: Tensor, prompt: int, overhead: int) -> list[Tensor]:
    """The completions in lots of similar length, as many as save more than their overhead."""
    return [lot.sort().values for lot in _divided(lengths.argsort(), lengths, prompt, overhead)]


def _divided(order: Tensor, lengths: Tensor, prompt: int, overhead: int) -> list[Tensor]:
    """``order``, by length, as one lot, or as the shorter and the longer ones, divided again."""
    ascending = lengths[order]
    count = torch.arange(1, len(order) + 1)
    shorter = count * ascending * (prompt + ascending)  # scores of a lot that ends here
    rest = (len(order) - count) * ascending[-1] * (prompt + ascending[-1])
    cut = int((shorter + rest).argmin())
    if shorter[cut] + rest[cut] + overhead > shorter[-1]:
        return [order]
    parts = order[: cut + 1], order[cut + 1 :]
    return [lot for part in parts for lot in _divided(part, lengths, prompt, overhead)]


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | SharedRows | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it, on [B, heads, L, D]; gives [B, L, heads, D]."""
    if not isinstance(attention_mask, SharedRows):
        options |= {"dropout": dropout, "scaling": scaling}
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    parts = attention_mask.parts
    repeats = query.shape[1] // key.shape[1]
    how: dict[str, Any] = {"dropout_p": dropout, "scale": scaling}

    def own(tokens: Tensor, lot: _Lot) -> Tensor:  # [K, heads, C, D]
        found = tokens.transpose(1, 2).flatten(0, 1).index_select(0, lot.own)
        return found.unflatten(0, (-1, lot.completion)).transpose(1, 2)

    def seen(tokens: Tensor, lot: _Lot) -> Tensor:  # [K, heads, P + C, D]
        prompts = tokens[:, :, : parts.prompt].index_select(0, lot.row)
        return repeat_kv(torch.cat([prompts, own(tokens, lot)], 2), repeats)

    # Behind a shorter prompt stand its completions; no token of the prompt looks that far.
    of_prompts = scaled_dot_product_attention(
        query[:, :, : parts.prompt],
        repeat_kv(key[:, :, : parts.prompt], repeats),
        repeat_kv(value[:, :, : parts.prompt], repeats),
        is_causal=True,
        **how,
    )
    of_completions = [
        scaled_dot_product_attention(
            own(query, lot), seen(key, lot), seen(value, lot), attn_mask=lot.sees, **how
        )
        for lot in parts.lots
    ]
    made = [found.transpose(1, 2).flatten(0, 1) for found in (of_prompts, *of_completions)]
    together = torch.cat(made).index_select(0, parts.back)
    return together.unflatten(0, (query.shape[0], -1)), None


AttentionInterface.register(SHARED, attend)
AttentionMaskInterface.register(SHARED, sdpa_mask)
