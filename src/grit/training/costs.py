"""What a training step costs in memory and time, estimated from a model's shapes alone.

Memory follows from formulas (weights, AdamW, keys and values, kept activations). Time is the least
that a GPU's peak allows, divided by the share of the peak that a step reached where it was
measured: Qwen2.5-VL 3B with LoRA on an H100 (benchmarks/README.md, 32 x 4 x 300 tokens).

Shapes: P prompt tokens, C tokens of a completion, N completions of a prompt.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from grit.models.adapter import Adapter

GIGA = 1e9
STATES = 12  # bytes of gradient and AdamW for each parameter that learns
OF_COMPUTE = 0.14  # share of a GPU's peak that passes over many tokens reached
OF_BANDWIDTH = 0.10  # and that decode steps reached


@dataclass(frozen=True)
class Gpu:
    """A GPU's peaks, as its maker states them."""

    flops: float  # a second, dense bf16
    bandwidth: float  # bytes a second
    memory: float  # GB


GPUS = {
    "A100-40GB": Gpu(312e12, 1.56e12, 40),
    "A100-80GB": Gpu(312e12, 2.04e12, 80),
    "H100": Gpu(989e12, 3.35e12, 80),
    "H200": Gpu(989e12, 4.8e12, 141),
    "L40S": Gpu(362e12, 0.864e12, 48),
    "RTX3090": Gpu(71e12, 0.936e12, 24),
    "RTX4090": Gpu(165e12, 1.01e12, 24),
    "RTX6000Ada": Gpu(364e12, 0.96e12, 48),
}


@dataclass(frozen=True)
class Sizes:
    """What a model's shapes say."""

    weights: int  # bytes of all
    language: int  # parameters that every token passes
    vision: int  # parameters of the tower and its projector
    learning: int  # parameters that learn
    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    cache: int  # bytes of a token's keys and values in all layers
    value: int  # bytes of a weight, and of an activation

    @classmethod
    def of(cls, adapter: Adapter, *, bytes_of_weight: int) -> "Sizes":
        """Read off a model, with or without its weights.

        Args:
            adapter: the model, frozen and with LoRA as it will be.
            bytes_of_weight: in which the base is kept: 2 or 4. What LoRA adds is fp32.
        """
        config = adapter.plain.config.get_text_config()
        heads = config.num_key_value_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        vision = _count(p for module in adapter.vision_modules for p in module.parameters())
        total = _count(adapter.plain.parameters())
        added = _count(p for name, p in adapter.plain.named_parameters() if "lora_" in name)
        return cls(
            weights=(total - added) * bytes_of_weight + 4 * added,
            language=total - vision,
            vision=vision,
            learning=_count(p for p in adapter.plain.parameters() if p.requires_grad),
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            intermediate=config.intermediate_size,
            vocabulary=config.vocab_size,
            cache=2 * config.num_hidden_layers * heads * size * bytes_of_weight,
            value=bytes_of_weight,
        )


def _count(parameters: Iterable[nn.Parameter | Tensor]) -> int:
    distinct = {id(parameter): parameter.numel() for parameter in parameters}
    return sum(distinct.values())


@dataclass(frozen=True)
class Load:
    """What one device does in a step; evaluation alone where nothing learns."""

    prompts: int
    completions: int  # of each
    prompt_tokens: float  # P, their mean
    longest_prompt: int
    image_tokens: float  # of them
    new_tokens: int  # C, at most
    learns: bool
    reference: bool  # log pi_ref is needed, and is a copy of the weights
    copied_reference: bool
    checkpointing: bool  # activations of a layer are computed again
    tokens_per_rollout_batch: int
    tokens_per_pass: int
    tokens_per_chunk: int

    @property
    def rows_in_a_batch(self) -> int:
        """Completions that are drawn side by side."""
        row = self.longest_prompt + self.new_tokens
        fit = max(self.tokens_per_rollout_batch // (row * self.completions), 1)
        return min(fit, self.prompts) * self.completions

    @property
    def batches(self) -> int:
        """Rollout batches of a step."""
        return math.ceil(self.prompts * self.completions / self.rows_in_a_batch)

    @property
    def row_tokens(self) -> float:
        """Tokens of all rows of the update: a prompt once, with all its completions."""
        return self.prompts * (self.prompt_tokens + self.completions * self.new_tokens)


def memory(sizes: Sizes, load: Load) -> dict[str, float]:
    """GB for each device: ``weights``, ``states``, ``cache``, ``activations``, ``total``.

    Keys and values of a rollout and activations of an update are never alive together; completions
    are taken to be as long as they may.
    """
    copies = 2 if load.copied_reference else 1
    states = STATES * sizes.learning if load.learns else 0
    cache = sizes.cache * load.rows_in_a_batch * (load.longest_prompt + load.new_tokens)
    activations = _activations(sizes, load) if load.learns else 0.0
    found = {
        "weights": copies * sizes.weights,
        "states": states,
        "cache": cache,
        "activations": activations,
        "total": copies * sizes.weights + states + max(cache, activations),
    }
    return {name: round(value / GIGA, 2) for name, value in found.items()}


def _activations(sizes: Sizes, load: Load) -> float:
    """Bytes that a pass of the update keeps for its backward pass, and what works on them."""
    row = load.prompt_tokens + load.completions * load.new_tokens
    tokens = min(max(load.tokens_per_pass, row), load.row_tokens)
    inside = sizes.value * (8 * sizes.hidden + 4 * sizes.intermediate)  # of a layer, for a token
    kept = sizes.value * sizes.hidden * sizes.layers
    layers = kept + inside if load.checkpointing else sizes.layers * inside
    chunk = load.tokens_per_chunk or load.prompts * load.completions * load.new_tokens
    return tokens * layers + 4 * 4 * chunk * sizes.vocabulary  # four copies of logits in fp32


def seconds(sizes: Sizes, load: Load, gpu: Gpu) -> float:
    """Seconds of a step at the shares of a GPU's peaks that were measured."""
    prompts = load.prompts * load.prompt_tokens
    patches = 4 * load.prompts * load.image_tokens  # a patch merger makes one token of four
    passed = 2 * sizes.language * load.row_tokens
    flops = 2 * sizes.language * prompts + 2 * sizes.vision * patches
    if load.learns:
        backward = (
            1 if sizes.learning < sizes.language / 2 else 2
        )  # frozen weights need no gradient
        flops += passed * (1 + backward + load.checkpointing + load.reference)
    filled = load.rows_in_a_batch * (load.prompt_tokens + load.new_tokens / 2) * sizes.cache
    steps = load.batches * load.new_tokens
    moved = steps * (sizes.language * sizes.value + filled)
    return flops / (gpu.flops * OF_COMPUTE) + moved / (gpu.bandwidth * OF_BANDWIDTH)
