"""The settings of sampling and decoding."""

from typing import Literal

from grit.core.settings import setting, settings

DecodeMode = Literal["auto", "dynamic", "static", "captured", "compiled"]
"""How a decode step runs: ``dynamic`` with transformers' growing cache, ``static`` with buffers of
fixed shapes, ``captured`` as CUDA graphs of the static step (NVIDIA GPUs only), ``compiled`` by
torch.compile. ``auto`` is ``captured`` on a GPU if the model is not sharded and does not use
flash_attention_2, else ``dynamic``."""


@settings
class Sampling:
    """How completions are drawn."""

    temperature: float = setting(
        "that logits are divided by; training needs one above 0", 1.0, ge=0
    )
    top_p: float = setting(
        "keep the likeliest tokens that together have this probability", 1.0, gt=0, le=1
    )
    top_k: int = setting("keep so many of the likeliest tokens; 0: all", 0, ge=0)
    max_new_tokens: int = setting("a completion that reaches it is truncated", 1000, ge=1)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken each time."""
        return self.temperature == 0


GREEDY = Sampling(temperature=0.0)
