"""A decode step: append a token to each row of a batch and compute the next-token logits.

Shapes: B rows, P prompt tokens, R position rows (see ``Adapter``), V vocabulary.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from grit.models.adapter import Adapter

# Ended rows are dropped once fewer than this share are alive: dropping copies the whole cache.
COMPACT_BELOW = 0.75


@dataclass(frozen=True)
class Prefilled:
    """A batch of rows whose prompts are in the key/value cache."""

    cache: DynamicCache
    mask: Tensor  # [B, P] of 0 and 1: prompts are left-padded
    positions: Tensor  # [B], position id of each row's next token


class Decoding(ABC):
    """Decodes a batch of rows token by token after their prefill."""

    @abstractmethod
    def step(self, tokens: Tensor) -> Tensor:
        """Append a token [B] to each row; return logits [B, V], valid until the next step."""

    @abstractmethod
    def should_compact(self, alive: int) -> bool:
        """Whether copying the cache of the ``alive`` rows is cheaper than decoding ended rows."""

    @abstractmethod
    def keep(self, rows: Tensor) -> None:
        """Keep only the rows with these indices, in this order."""


class DynamicDecoding(Decoding):
    """Decodes with transformers' DynamicCache, which is copied at each step; shapes grow."""

    def __init__(self, adapter: Adapter, prefilled: Prefilled) -> None:
        self.adapter = adapter
        self.cache, self.mask, self.positions = prefilled.cache, prefilled.mask, prefilled.positions

    def step(self, tokens: Tensor) -> Tensor:
        """As every ``Decoding``."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], 1)
        hidden = self.adapter.hidden_states(
            self.adapter.embed(tokens.unsqueeze(1), []),
            self.mask,
            self.positions.view(1, -1, 1).expand(self.adapter.position_rows, -1, -1),
            self.cache,
        )
        self.positions = self.positions + 1
        return self.adapter.logits(hidden[:, -1])

    def should_compact(self, alive: int) -> bool:
        """As every ``Decoding``."""
        return alive < COMPACT_BELOW * len(self.mask)

    def keep(self, rows: Tensor) -> None:
        """As every ``Decoding``."""
        self.cache.batch_select_indices(rows)
        self.mask, self.positions = self.mask[rows], self.positions[rows]
