"""The ways of decoding, by the names of ``training.decode``."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from grit.models.adapter import Adapter
from grit.rollout.decoding import Decoding, DynamicDecoding, Prefilled
from grit.rollout.static_decoding import Captured, Compiled, StaticDecoding, Stepper

Way = Literal["dynamic", "static", "captured", "compiled"]


def decoder(
    adapter: Adapter, way: Way, backend: Any = "inductor"
) -> Callable[[Prefilled], Decoding]:
    """What takes over the rows of each batch once their prompts are in the cache.

    Args:
        adapter: whose model decodes.
        way: ``dynamic`` shapes; or static ones, as they are, captured in CUDA graphs, or compiled.
        backend: torch.compile's, for ``compiled``.
    """
    match way:
        case "dynamic":
            return partial(DynamicDecoding, adapter)
        case "static":
            return partial(StaticDecoding, Stepper(adapter))
        case "captured":  # a graph lives as long as its batch: nothing is held during the update
            return lambda prefilled: StaticDecoding(Captured(adapter), prefilled)
        case "compiled":
            return partial(StaticDecoding, Compiled(adapter, backend))
