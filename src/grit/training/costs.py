"""Memory and time of a training step, estimated from a model's shapes alone.

Memory follows from formulas (weights, AdamW, keys and values, saved activations). Time is the
minimum at a GPU's peak FLOP/s and bandwidth, divided by the share of the peak that was measured
for Qwen2.5-VL 3B with LoRA on an H100 (benchmarks/README.md, 32 x 4 x 300 tokens).

Shapes: P prompt tokens, C tokens of a completion, N completions of a prompt.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from grit.models.adapter import Adapter

GIGA = 1e9
GRADIENT, ADAMW, MASTER = 4, 8, 4  # bytes for each trainable parameter; the last is DeepSpeed's
OF_COMPUTE = 0.14  # measured share of peak FLOP/s in passes over many tokens
OF_BANDWIDTH = 0.10  # measured share of peak bandwidth in decode steps
# Bytes that autograd saves per token and decoder layer, by (8 * hidden + 4 * intermediate) sizes;
# tests/training/test_costs.py counts them for Qwen2.5-VL.
KEPT = {  # key: "lora" is LoRA on a bf16 base, "full" all else; autocast to bf16
    ("lora", False): 3.2,
    ("lora", True): 2.4,
    ("full", False): 4.1,
    ("full", True): 2.6,
}


@dataclass(frozen=True)
class Gpu:
    """A GPU's peak performance and memory, from its data sheet."""

    flops: float  # FLOP/s, dense bf16
    bandwidth: float  # bytes/s
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
    """Parameter counts and dimensions of a model."""

    weights: int  # bytes of all weights
    language: int  # parameters of the language model
    vision: int  # parameters of the vision tower and its projector
    learning: int  # trainable parameters
    in_layers: int  # parameters of the decoder layers
    layers: int
    hidden: int
    vocabulary: int
    cache: int  # bytes of one token's keys and values in all layers
    value: int  # bytes of a base weight, and of an activation
    inside: float  # bytes of the activations kept for each token and layer

    @classmethod
    def of(cls, adapter: Adapter, *, bytes_of_weight: int, autocast: bool = False) -> "Sizes":
        """The sizes of a model, which may be on the meta device.

        Args:
            adapter: the model, with LoRA and frozen parameters as in training.
            bytes_of_weight: 2 or 4, of the base's dtype. LoRA weights are fp32.
            autocast: products are computed in bf16.
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
            in_layers=_count(adapter.plain.model.language_model.layers.parameters()),
            layers=config.num_hidden_layers,
            hidden=config.hidden_size,
            vocabulary=config.vocab_size,
            cache=2 * config.num_hidden_layers * heads * size * bytes_of_weight,
            value=bytes_of_weight,
            inside=KEPT["lora" if added and bytes_of_weight == 2 else "full", autocast]
            * (8 * config.hidden_size + 4 * config.intermediate_size),
        )


def _count(parameters: Iterable[nn.Parameter | Tensor]) -> int:
    distinct = {id(parameter): parameter.numel() for parameter in parameters}
    return sum(distinct.values())


@dataclass(frozen=True)
class Load:
    """The work of one device in a training step, or in an evaluation if ``learns`` is False."""

    prompts: int
    completions: int  # N
    prompt_tokens: float  # P, the mean
    longest_prompt: int  # tokens
    image_tokens: float  # of the prompt tokens, the mean
    new_tokens: int  # C, the maximum; of traces, the longest
    learns: bool
    reference: bool  # log pi_ref is computed
    copied_reference: bool  # by a copy of the weights, not by the base under LoRA
    recomputed_layers: int  # by gradient checkpointing
    tokens_per_batch: int
    tokens_per_pass: int
    tokens_per_chunk: int
    devices: int = 1  # that share the step
    strategy: str = "auto"  # how weights and states lie on them
    samples: bool = True  # completions are drawn; False: they are given, as in fine-tuning
    by_servers: bool = False  # an engine elsewhere draws them, which costs this device nothing
    rollouts: int = 1  # of a step, at most: dynamic sampling draws again
    updates: int = 1  # optimiser steps of a training step
    scored: int = 0  # forward passes before them, beside the reference's

    @property
    def rows_in_a_batch(self) -> int:
        """Completions of a rollout batch."""
        row = self.longest_prompt + self.new_tokens
        fit = max(self.tokens_per_batch // (row * self.completions), 1)
        return min(fit, self.prompts) * self.completions

    @property
    def batches(self) -> int:
        """Rollout batches of a step."""
        return math.ceil(self.prompts * self.completions / self.rows_in_a_batch)

    @property
    def row_tokens(self) -> float:
        """Tokens of all rows of the update, in which a prompt is shared by its completions."""
        return self.prompts * (self.prompt_tokens + self.completions * self.new_tokens)


def memory(sizes: Sizes, load: Load) -> dict[str, float]:
    """GB for each device: ``weights``, ``states``, ``cache``, ``activations``, ``total``.

    The total has the larger of cache and activations, which are never allocated together; with
    ``fsdp`` the cache stands beside whole weights, which are gathered to draw completions.
    Completions are assumed to have the maximum length.
    """
    weights = sizes.weights * _left(sizes.in_layers, sizes.language + sizes.vision, load)
    reference = weights if load.copied_reference else 0.0
    states = sizes.learning * _bytes_of_states(sizes, load) if load.learns else 0.0
    row = sizes.cache * (load.longest_prompt + load.new_tokens)
    cache = row * load.rows_in_a_batch if load.samples and not load.by_servers else 0.0
    sampled_by = weights if load.by_servers else sizes.weights
    activations = _activations(sizes, load) if load.learns else 0.0
    found = {
        "weights": weights + reference,
        "states": states,
        "cache": cache,
        "activations": activations,
        "total": reference + states + max(sampled_by + cache, weights + activations),
    }
    return {name: round(value / GIGA, 2) for name, value in found.items()}


def _bytes_of_states(sizes: Sizes, load: Load) -> float:
    """Bytes of a trainable parameter's gradient and AdamW states on a device."""
    shared = 1 / load.devices
    match load.strategy:
        case "zero1":
            return GRADIENT + ADAMW * shared
        case "deepspeed_zero2":
            return (GRADIENT + ADAMW + MASTER) * shared
        case _:
            learning = min(sizes.in_layers, sizes.learning)  # LoRA's lie in the layers, too
            return (GRADIENT + ADAMW) * _left(learning, sizes.learning, load)


def _left(sharded: int, whole: int, load: Load) -> float:
    """The share of ``whole`` parameters on a device if ``fsdp`` shards ``sharded`` of them."""
    if load.strategy != "fsdp":
        return 1.0
    return 1 - (1 - 1 / load.devices) * sharded / whole


def _activations(sizes: Sizes, load: Load) -> float:
    """Bytes of the activations saved by a pass of the update, and of its logits."""
    row = load.prompt_tokens + load.completions * load.new_tokens
    tokens = min(max(load.tokens_per_pass, row), load.row_tokens)
    again = load.recomputed_layers
    one = sizes.inside if again else 0.0  # the one that is computed again
    layers = again * sizes.value * sizes.hidden + (sizes.layers - again) * sizes.inside + one
    chunk = load.tokens_per_chunk or load.prompts * load.completions * load.new_tokens
    return tokens * layers + 4 * 4 * chunk * sizes.vocabulary  # four copies of logits in fp32


def seconds(sizes: Sizes, load: Load, gpu: Gpu) -> float:
    """Seconds of a step at the measured shares of a GPU's peaks.

    As in ``memory`` every completion has the maximum length, and dynamic sampling draws each time.
    What servers draw is not counted.
    """
    patches = 4 * load.prompts * load.image_tokens  # four patches are merged into a token
    flops = 2 * sizes.vision * patches * load.rollouts
    moved = 0.0
    if load.samples and not load.by_servers:
        prompts = load.prompts * load.prompt_tokens
        flops += 2 * sizes.language * prompts * load.rollouts
        filled = load.rows_in_a_batch * (load.prompt_tokens + load.new_tokens / 2) * sizes.cache
        steps = load.rollouts * load.batches * load.new_tokens
        moved = steps * (sizes.language * sizes.value + filled)
    if load.learns:
        backward = 1 if sizes.learning < sizes.language / 2 else 2  # none of frozen weights
        again = load.recomputed_layers / sizes.layers
        passes = load.updates * (1 + backward + again) + load.reference + load.scored
        flops += 2 * sizes.language * load.row_tokens * passes
    return flops / (gpu.flops * OF_COMPUTE) + moved / (gpu.bandwidth * OF_BANDWIDTH)
