"""A step of decoding: every row of a batch gets a token, and says what may come next.

Shapes: B rows, P prompt tokens, R position rows (see ``Adapter``), V vocabulary.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from grit.models.adapter import Adapter

# Rows leave the batch when this share of them has ended: dropping one row copies the whole cache.
COMPACT_BELOW = 0.75


@dataclass(frozen=True)
class Prefilled:
    """Rows whose prompts are in the cache."""

    cache: DynamicCache
    mask: Tensor  # [B, P] of 0 and 1: prompts are padded on the left
    positions: Tensor  # [B], of each row's next token


class Decoding(ABC):
    """The rows of a batch, from the end of their prompts on."""

    @abstractmethod
    def step(self, tokens: Tensor) -> Tensor:
        """Append a token [B] to each row; its next-token logits [B, V], until the next step."""

    @abstractmethod
    def should_compact(self, alive: int) -> bool:
        """Whether copying the cache of the ``alive`` rows costs less than decoding ended ones."""

    @abstractmethod
    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these, given by their indices."""


class DynamicDecoding(Decoding):
    """Transformers' own cache, which grows by a copy at each step; every step has a new shape."""

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
