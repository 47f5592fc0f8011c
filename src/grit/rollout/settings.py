"""The settings of the rollout: the engine, how it samples, and how it decodes."""

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


@settings
class RolloutSettings:
    """The engine that completes prompts, in training and in evaluation."""

    name: Literal["native"] = setting("the engine", "native")
    sampling: Sampling = setting("", Sampling, of="grpo_gr")
    # Speed: turning any of these off changes results only by rounding.
    share_prefill: bool = setting("one prefill a prompt instead of one a completion", True)
    compact: bool = setting("completions that have ended leave the batch", True)
    decode: DecodeMode = setting(
        "with a growing cache (dynamic), with buffers of fixed shapes (static), those as CUDA "
        "graphs (captured; NVIDIA GPUs only) or through torch.compile (compiled; minutes for a "
        "large model); auto: captured where that works, else dynamic",
        "auto",
    )
    tokens_per_batch: int = setting(
        "tokens of the prompts and completions that are sampled in one batch", 65536, ge=1
    )
