"""How far each phase of a step is from what the card could do at best, without a GPU.

    python -m benchmarks.limits

A phase cannot be faster than its FLOPs at the card's peak, nor than the bytes it has to move at
its bandwidth. Both follow from the shapes of the model and the step; attention's own products and
the vision tower, whose features are kept, are left out. The measured seconds are those of the log
in README.md. What the limit does not explain in the rollout is mostly the time between kernels, of
which a decode step starts thousands.

Shapes: G prompts of P tokens, N completions of C tokens each.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from transformers import AutoModelForImageTextToText

from benchmarks.entry import table
from benchmarks.gpu_step import PAPER
from benchmarks.shape import Shape, model_config
from grit.training.costs import GPUS, Gpu

BF16, FP32 = 2, 4  # bytes
PHASES = ("rollout", "reference", "update")


@dataclass(frozen=True)
class Work:
    """What a phase has to do at least."""

    flops: float
    moved: float  # bytes of weights, keys and values

    def limit(self, gpu: Gpu) -> float:
        """The fewest seconds it takes."""
        return max(self.flops / gpu.flops, self.moved / gpu.bandwidth)


@dataclass(frozen=True)
class Row:
    """A measured step, from the log in README.md."""

    label: str
    card: str  # of grit.training.costs.GPUS
    shape: Shape
    batches: int  # rollout batches of the step
    prompt: int  # P, that of the script as it was then
    seconds: tuple[float, float, float]  # of PHASES


LORA = replace(PAPER, model="qwen2_5_vl_3b", lora=True, dtype="bfloat16")
FULL = replace(LORA, lora=False, dtype="float32")
MEASURED = (
    Row("LoRA, dynamic, P = 852", "H200", LORA, 3, 852, (73.29, 1.37, 7.58)),
    Row("LoRA, captured, P = 852", "H200", LORA, 3, 852, (19.09, 1.36, 10.02)),
    Row("full, dynamic, P = 852", "H200", FULL, 3, 852, (24.08, 1.18, 4.50)),
    Row("LoRA, captured, two batches", "H100", LORA, 2, 432, (13.90, 2.40, 7.12)),
    Row("LoRA, captured, bf16-mixed", "H200", LORA, 1, 432, (6.70, 1.21, 4.79)),
)
"""Steps of 32 x 4 x 300 tokens of Qwen2.5-VL 3B."""
DECODE_STEPS = {"32-true": (16e-3, 3400), "bf16-mixed": (13e-3, 3200)}
"""Seconds and kernels of a captured decode step of 128 rows on an H100, from the same log."""


@cache
def sizes(model: str) -> tuple[int, int, int]:
    """Weights of the layers, weights of the head, and bytes of a token's keys and values."""
    with torch.device("meta"):
        of = AutoModelForImageTextToText.from_config(model_config(Shape(model)))
    config = of.config.get_text_config()
    layers = sum(p.numel() for p in of.model.language_model.layers.parameters())
    heads = 2 * config.num_key_value_heads * config.hidden_size // config.num_attention_heads
    return layers, of.lm_head.weight.numel(), BF16 * config.num_hidden_layers * heads


def work(shape: Shape, batches: int, prompt: int) -> dict[str, list[Work]]:
    """The least work of each of PHASES, in parts that follow one another.

    A weight and token cost 2 FLOP forward, 2 more for the gradient of the activation, and 2 more
    for that of the weight where it learns; gradient checkpointing costs another forward. Every
    decode step reads all weights and the keys and values before it, once for each completion.

    Args:
        shape: of the step.
        batches: into how many the rollout is divided; each reads the weights C times.
        prompt: P.
    """
    layers, head, token = sizes(shape.model)
    rows, c = shape.prompts * shape.group_size, shape.completion
    tokens = shape.prompts * prompt + rows * c
    forward = 2.0 * (layers * tokens + head * rows * c)
    prefill = 2.0 * layers * shape.prompts * prompt
    stored = BF16 if shape.lora else FP32
    weights = (layers + head) * stored
    decoding = c * batches * weights + token * rows * (c * prompt + c * (c - 1) / 2)
    backward = forward * (1 if shape.lora else 2)
    return {
        "rollout": [Work(prefill, batches * weights), Work(forward - prefill, decoding)],
        "reference": [Work(forward, weights)],
        "update": [Work(forward * (1 + shape.checkpointing) + backward, 3 * weights)],
    }


def lines(row: Row) -> Iterator[list[str]]:
    """A line of the table for each phase, and one for the step."""
    gpu = GPUS[row.card]
    least = work(row.shape, row.batches, row.prompt)
    sums = [0.0, 0.0]
    for phase, seconds in zip(PHASES, row.seconds, strict=True):
        limit = sum(part.limit(gpu) for part in least[phase])
        slowest = max(least[phase], key=lambda part: part.limit(gpu))
        bound = "bytes" if slowest.moved / gpu.bandwidth == slowest.limit(gpu) else "FLOPs"
        sums = [sums[0] + limit, sums[1] + seconds]
        yield [row.label, row.card, phase, bound, *_ratio(limit, seconds)]
    yield [row.label, row.card, "step", "", *_ratio(*sums)]


def _ratio(limit: float, seconds: float) -> list[str]:
    return [f"{limit:.2f}", f"{seconds:.2f}", f"{limit / seconds:.0%}"]


def in_kernels(precision: str) -> str:
    """What a decode step takes for each kernel that it starts."""
    seconds, kernels = DECODE_STEPS[precision]
    decoding = work(LORA, batches=1, prompt=432)["rollout"][1]
    least = decoding.limit(GPUS["H100"]) / LORA.completion
    return (
        f"A captured decode step, {precision}, H100: {1e3 * seconds:.0f} ms in {kernels} kernels, "
        f"{1e6 * seconds / kernels:.1f} µs each; its bytes take {1e3 * least:.1f} ms"
    )


def main() -> None:
    header = ["", "card", "phase", "bound by", "limit, s", "measured, s", "limit / measured"]
    print(table(header, [line for row in MEASURED for line in lines(row)]))
    print("\n" + "\n".join(map(in_kernels, DECODE_STEPS)))


if __name__ == "__main__":
    main()
