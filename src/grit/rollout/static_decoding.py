"""Decoding in buffers of fixed shapes, so that a step can be replayed as a CUDA graph.

Decode steps of few tokens are bound by the time that Python takes to launch kernels. With fixed
shapes and addresses all kernels of a step are launched together, by a CUDA graph of the eager step
(``captured``). To keep the number of shapes small, buffers are padded to a few numbers of rows and
slots, and ended rows are dropped only when that at least halves the padded number of rows.

Shapes: B rows, S padded rows, K slots of the cache, R position rows, V vocabulary.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import StaticLayer

from grit.core.errors import GritError
from grit.models.adapter import Adapter
from grit.rollout.decoding import Decoding, Prefilled

SLOTS = 256  # the slots of a cache are a multiple of it
CAPTURES = threading.Lock()  # CUDA allows one capture at a time in a process
FEWEST_ROWS = 4  # smaller shapes save little time, and each costs a capture


class Slots(StaticLayer):
    """Keys and values of a layer; new ones are written at an index that all layers share."""

    def __init__(self, keys: Tensor, values: Tensor, slot: Tensor) -> None:
        super().__init__(max_cache_len=keys.shape[2])
        self.keys, self.values = keys, values
        self.cumulative_length = slot
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> Any:
        """Write a token's keys and values [S, heads, 1, size]; return those of all K slots."""
        self.keys.index_copy_(2, self.cumulative_length, key_states.to(self.dtype))
        self.values.index_copy_(2, self.cumulative_length, value_states.to(self.dtype))
        return self.keys, self.values


@dataclass(eq=False)
class Buffers:
    """The tensors that a step reads and writes; their addresses never change."""

    tokens: Tensor  # [S]
    positions: Tensor  # [R, S, 1]
    mask: Tensor  # [S, 1, 1, K], true where a row has a token
    slot: Tensor  # [1], index at which the step writes keys and values
    layers: list[Slots]  # keys and values [S, heads, K, size]
    cache: Cache

    @property
    def shape(self) -> tuple[int, int]:
        """The padded numbers of rows S and slots K."""
        return self.mask.shape[0], self.mask.shape[3]


def allocate(rows: int, slots: int, position_rows: int, like: Sequence[Any]) -> Buffers:
    """Zeroed buffers for a cache with the heads, sizes and device of the layers ``like``."""
    device, dtype = like[0].keys.device, cache_type(like)

    def zeros(*shape: int, dtype: torch.dtype = torch.long) -> Tensor:
        return torch.zeros(shape, dtype=dtype, device=device)

    slot = zeros(1)

    def room(states: Tensor) -> Tensor:
        return zeros(rows, states.shape[1], slots, states.shape[3], dtype=dtype)

    layers = [Slots(room(layer.keys), room(layer.values), slot) for layer in like]
    mask = zeros(rows, 1, 1, slots, dtype=torch.bool)
    positions = zeros(position_rows, rows, 1)
    return Buffers(zeros(rows), positions, mask, slot, layers, Cache(layers=layers))


def cache_type(like: Sequence[Any]) -> torch.dtype:
    """The dtype of cached keys and values: autocast's where it is on, as attention casts to it."""
    device = like[0].keys.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return like[0].keys.dtype


def step(adapter: Adapter, buffers: Buffers) -> Tensor:
    """Next-token logits [S, V] of the tokens in the buffers; repeating a step is harmless."""
    hidden = adapter.hidden_states(
        adapter.embed(buffers.tokens.unsqueeze(1), []),
        buffers.mask,
        buffers.positions,
        buffers.cache,
    )
    return adapter.logits(hidden[:, -1])


def fix_frequencies(adapter: Adapter, slots: int) -> None:
    """Replace InternVL3's dynamic RoPE, which branches on position values, by default RoPE.

    A CUDA graph cannot branch. Up to the model's original length both are equal.

    Raises:
        GritError: ``slots`` exceeds that length.
    """
    rotary = adapter.plain.model.language_model.rotary_emb
    if rotary.config.rope_parameters.get("rope_type") != "dynamic":
        return
    if slots > rotary.original_max_seq_len:
        raise GritError(
            f"rollout.decode: {slots} tokens are more than the {rotary.original_max_seq_len} "
            "up to which this model's RoPE stays the same; use dynamic"
        )
    rotary.rope_type = "default"


class Stepper:
    """Runs steps eagerly (``static``): the reference for ``Captured``."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def buffers(self, rows: int, slots: int, like: Sequence[Any]) -> Buffers:
        """Buffers of this shape with arbitrary contents."""
        fix_frequencies(self.adapter, slots)
        return allocate(rows, slots, self.adapter.position_rows, like)

    def __call__(self, buffers: Buffers) -> Tensor:
        """Next-token logits [S, V], valid until the next call."""
        return step(self.adapter, buffers)


def check_capturing(device: torch.device) -> None:
    """Raise GritError for a device that has no CUDA graphs."""
    if device.type != "cuda":
        raise GritError(
            f"rollout.decode=captured: the model is on the {device.type} and CUDA graphs need an "
            "NVIDIA GPU; dynamic and static do not"
        )


class Captured(Stepper):
    """Replays a CUDA graph of the step; capturing one for new buffers costs a few eager steps."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter)
        check_capturing(adapter.device)
        self._of: Buffers | None = None  # the buffers that the graph was captured with
        self._graph: Any = None
        self._logits: Any = None

    def __call__(self, buffers: Buffers) -> Tensor:
        """As every ``Stepper``."""
        if self._of is not buffers:
            self._graph = self._logits = self._of = None  # frees their memory before the capture
            with CAPTURES:
                self._graph, self._logits = self._captured(buffers)
            self._of = buffers
        self._graph.replay()
        return self._logits

    def _captured(self, buffers: Buffers) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        aside = torch.cuda.Stream()  # warm-up: libraries initialise outside the graph
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                step(self.adapter, buffers)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # CUDA calls of other threads, such as pinning memory, do not break the capture.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            logits = step(self.adapter, buffers)
        return graph, logits


class StaticDecoding(Decoding):
    """Decodes rows in buffers of fixed shapes, by the steps of ``stepper``."""

    def __init__(self, stepper: Stepper, prefilled: Prefilled) -> None:
        self.stepper = stepper
        self.rows, self.filled = prefilled.mask.shape  # B, and the number of slots in use
        positions = prefilled.positions.view(1, -1, 1).expand(stepper.adapter.position_rows, -1, -1)
        everyone = torch.arange(self.rows, device=prefilled.mask.device)
        mask = prefilled.mask.bool().view(self.rows, 1, 1, -1)
        self.buffers = self._moved(prefilled.cache.layers, mask, positions, everyone)

    def step(self, tokens: Tensor) -> Tensor:
        """As every ``Decoding``."""
        if self.filled == self.buffers.shape[1]:
            self.keep(torch.arange(self.rows, device=tokens.device))
        buffers = self.buffers
        buffers.tokens[: self.rows] = tokens
        buffers.slot.fill_(self.filled)
        buffers.mask[..., self.filled] = True
        logits = self.stepper(buffers)
        buffers.positions += 1
        self.filled += 1
        return logits[: self.rows]

    def should_compact(self, alive: int) -> bool:
        """As every ``Decoding``."""
        return 2 * row_room(alive) <= self.buffers.shape[0]

    def keep(self, rows: Tensor) -> None:
        """As every ``Decoding``; the rows are copied to buffers of a fitting size."""
        old = self.buffers
        self.buffers = self._moved(old.layers, old.mask, old.positions, rows)
        self.rows = len(rows)

    def _moved(
        self, layers: Sequence[Any], mask: Tensor, positions: Tensor, rows: Tensor
    ) -> Buffers:
        """New buffers with the filled slots of ``rows`` [B], and at least one free slot."""
        filled, room = self.filled, row_room(len(rows))
        buffers = self.stepper.buffers(room, (filled // SLOTS + 1) * SLOTS, layers)
        # Padding rows repeat the last row, so that all numbers stay finite.
        rows = rows[torch.arange(room, device=rows.device).clamp(max=len(rows) - 1)]
        for new, old in zip(buffers.layers, layers, strict=True):
            new.keys[:, :, :filled] = old.keys[rows, :, :filled]
            new.values[:, :, :filled] = old.values[rows, :, :filled]
        seen = mask[rows, ..., :filled]
        buffers.mask.zero_()
        buffers.mask[..., :filled] = seen
        buffers.positions.copy_(positions[:, rows])
        return buffers


def row_room(rows: int) -> int:
    """S for so many rows: the next of 4, 6, 8, 12, 16, 24, ...; from 4 on at most 1.5 * rows."""
    power = FEWEST_ROWS
    while power < rows:
        power *= 2
    between = power * 3 // 4  # 6, 12, 24, ...
    return between if between >= max(rows, FEWEST_ROWS) else power
