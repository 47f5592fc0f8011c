"""Decoding in buffers of fixed shapes, so that a GPU can be told a whole step at once.

A step of few tokens is so short on a GPU that Python cannot start its kernels fast enough. Where
shapes and addresses stay, they are started together: by a CUDA graph of the plain step
(``captured``), or of what torch.compile makes of it (``compiled``). Buffers have room for
more rows and tokens than there are, in few sizes, and rows leave only when half of them can.

Shapes: B rows, S rows with room for more, K slots of the cache, R position rows, V vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import StaticLayer

from grit.core.errors import GritError
from grit.models.adapter import Adapter
from grit.rollout.decoding import Decoding, Prefilled

SLOTS = 256  # the cache has room for a multiple of so many tokens
FEWEST_ROWS = 4  # each shape costs a capture or a compilation, and there is little left to gain
MOST_SHAPES = 64  # torch.compile gives up at 8 unless told otherwise


class Slots(StaticLayer):
    """The keys and values of a layer; new ones go to the slot that all layers share."""

    def __init__(self, keys: Tensor, values: Tensor, slot: Tensor) -> None:
        super().__init__(max_cache_len=keys.shape[2])
        self.keys, self.values = keys, values
        self.cumulative_length = slot
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> Any:
        """Write one token's keys and values [S, heads, 1, size]; those of all slots."""
        self.keys.index_copy_(2, self.cumulative_length, key_states.to(self.dtype))
        self.values.index_copy_(2, self.cumulative_length, value_states.to(self.dtype))
        return self.keys, self.values


@dataclass(eq=False)
class Buffers:
    """Everything that a step reads and writes; the addresses never change."""

    tokens: Tensor  # [S]
    positions: Tensor  # [R, S, 1]
    mask: Tensor  # [S, 1, 1, K], true where a row has a token
    slot: Tensor  # [1], where the step writes
    layers: list[Slots]  # keys and values [S, heads, K, size]
    cache: Cache

    @property
    def shape(self) -> tuple[int, int]:
        """S and K."""
        return self.mask.shape[0], self.mask.shape[3]


def allocate(rows: int, slots: int, position_rows: int, like: Sequence[Any]) -> Buffers:
    """Empty buffers for the keys and values of layers such as these."""
    device, dtype = like[0].keys.device, cache_type(like)

    def empty(*shape: int, dtype: torch.dtype = torch.long) -> Tensor:
        buffer = torch.zeros(shape, dtype=dtype, device=device)
        torch._dynamo.mark_static_address(buffer)  # a CUDA graph need not copy it
        return buffer

    slot = empty(1)

    def room(states: Tensor) -> Tensor:
        return empty(rows, states.shape[1], slots, states.shape[3], dtype=dtype)

    layers = [Slots(room(layer.keys), room(layer.values), slot) for layer in like]
    mask = empty(rows, 1, 1, slots, dtype=torch.bool)
    positions = empty(position_rows, rows, 1)
    return Buffers(empty(rows), positions, mask, slot, layers, Cache(layers=layers))


def cache_type(like: Sequence[Any]) -> torch.dtype:
    """What keys and values are kept in: under autocast what attention makes of them anyway."""
    device = like[0].keys.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return like[0].keys.dtype


def step(adapter: Adapter, buffers: Buffers) -> Tensor:
    """Next-token logits [S, V] of the tokens in the buffers. Doing it twice changes nothing."""
    hidden = adapter.hidden_states(
        adapter.embed(buffers.tokens.unsqueeze(1), []),
        buffers.mask,
        buffers.positions,
        buffers.cache,
    )
    return adapter.logits(hidden[:, -1])


def fix_frequencies(adapter: Adapter, slots: int) -> None:
    """Keep dynamic RoPE, which InternVL3 has, from looking at positions: no graph of a step can.

    Up to the length that the model was made for it rotates as plain RoPE does.

    Raises:
        GritError: ``slots`` tokens are more than that.
    """
    rotary = adapter.plain.model.language_model.rotary_emb
    if rotary.config.rope_parameters.get("rope_type") != "dynamic":
        return
    if slots > rotary.original_max_seq_len:
        raise GritError(
            f"training.decode: {slots} tokens are more than the {rotary.original_max_seq_len} "
            "up to which this model's RoPE stays the same; use dynamic"
        )
    rotary.rope_type = "default"


class Stepper:
    """Runs steps as they are written: what the others are compared with."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def buffers(self, rows: int, slots: int, like: Sequence[Any]) -> Buffers:
        """Buffers of this shape, with anything in them."""
        fix_frequencies(self.adapter, slots)
        return allocate(rows, slots, self.adapter.position_rows, like)

    def __call__(self, buffers: Buffers) -> Tensor:
        """Next-token logits [S, V], good until the next call."""
        return step(self.adapter, buffers)


class Captured(Stepper):
    """Replays a CUDA graph of the step; a new one for each shape, which costs a few plain steps."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter)
        if adapter.device.type != "cuda":
            raise GritError(
                f"training.decode=captured: the model is on the {adapter.device.type} and CUDA "
                "graphs need an NVIDIA GPU; dynamic, static and compiled do not"
            )
        self._of: Buffers | None = None  # what the graph and its logits belong to
        self._graph: Any = None
        self._logits: Any = None

    def __call__(self, buffers: Buffers) -> Tensor:
        """As every ``Stepper``."""
        if self._of is not buffers:
            self._graph = self._logits = self._of = None  # their memory first
            self._graph, self._logits = self._captured(buffers)
            self._of = buffers
        self._graph.replay()
        return self._logits

    def _captured(self, buffers: Buffers) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        aside = torch.cuda.Stream()  # libraries set themselves up, which no graph may hold
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):
                step(self.adapter, buffers)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # What other threads ask of CUDA meanwhile, such as pinned memory, does this no harm.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            logits = step(self.adapter, buffers)
        return graph, logits


class Compiled(Stepper):
    """The step through torch.compile; on a GPU as CUDA graphs too.

    Buffers of every shape are kept, since a CUDA graph knows them by their addresses. Here, unlike
    in plain steps, transformers repeats keys and values for every query head that shares them.
    """

    def __init__(self, adapter: Adapter, backend: Any = "inductor") -> None:
        super().__init__(adapter)
        self.backend = backend
        self._kept: dict[tuple[Any, ...], Buffers] = {}

    def buffers(self, rows: int, slots: int, like: Sequence[Any]) -> Buffers:
        """As every ``Stepper``."""
        kind = (rows, slots, like[0].keys.device, cache_type(like))
        if kind not in self._kept:
            self._kept[kind] = super().buffers(rows, slots, like)
        return self._kept[kind]

    def __call__(self, buffers: Buffers) -> Tensor:
        """As every ``Stepper``."""
        torch.compiler.cudagraph_mark_step_begin()
        with torch._dynamo.config.patch(recompile_limit=MOST_SHAPES):
            return self._compiled(self.adapter, buffers)

    @cached_property
    def _compiled(self) -> Callable[[Adapter, Buffers], Tensor]:
        graphs = self.backend == "inductor" and self.adapter.device.type == "cuda"
        return torch.compile(
            step,
            fullgraph=True,
            dynamic=False,
            backend=self.backend,
            mode="reduce-overhead" if graphs else None,
        )


class StaticDecoding(Decoding):
    """Rows in buffers of fixed shapes, and the steps of ``stepper`` on them."""

    def __init__(self, stepper: Stepper, prefilled: Prefilled) -> None:
        self.stepper = stepper
        self.rows, self.filled = prefilled.mask.shape  # B, and the slots that are in use
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
        """As every ``Decoding``; they move to buffers that fit."""
        old = self.buffers
        self.buffers = self._moved(old.layers, old.mask, old.positions, rows)
        self.rows = len(rows)

    def _moved(
        self, layers: Sequence[Any], mask: Tensor, positions: Tensor, rows: Tensor
    ) -> Buffers:
        """New buffers with the filled slots of these rows, and room for another token."""
        filled, room = self.filled, row_room(len(rows))
        buffers = self.stepper.buffers(room, (filled // SLOTS + 1) * SLOTS, layers)
        # Room that no row needs repeats the last one, so that all numbers stay finite.
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
    """The next of 4, 6, 8, 12, 16, 24, ...: few sizes, and never more than half as many again."""
    room = FEWEST_ROWS
    while room < rows:
        room = room * 3 // 2 if room & (room - 1) == 0 else room * 4 // 3
    return room
