"""A step of the paper's shape on one GPU, with the real models' sizes and random weights.

    python -m benchmarks.gpu_step                           # an H200-class GPU
    python -m benchmarks.gpu_step --smoke --log /tmp/log.md # small, without a GPU too
    python -m benchmarks.gpu_step --decode auto dynamic --no-trl
    python -m benchmarks.gpu_step --attention sdpa eager --no-trl
    python -m benchmarks.gpu_step --rollout-batch 65536 262144 --no-trl
    python -m benchmarks.gpu_step --training LoRA --merge-lora 0 1 --no-trl

32 prompts x 4 completions of 300 tokens behind prompts of 432, with a reference pass and
gradient checkpointing; LoRA on a bf16 base, and full training of fp32 weights under bf16 autocast.
Ours is measured once for each choice of ``rollout.decode``, ``model.attention``,
``rollout.tokens_per_batch``, ``trainer.precision`` and ``rollout.merge_lora`` that is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import torch
from transformers import AutoModelForImageTextToText

from benchmarks.arms import Arm, Measurement, measured
from benchmarks.entry import append, table
from benchmarks.ours import usual_precision
from benchmarks.shape import Shape, model_config, prompt_tokens
from benchmarks.step import SMOKE, parser
from grit.rollout.settings import DecodeMode

MODELS = ("qwen2_5_vl_3b", "internvl3_2b")
ATTENTIONS = ("sdpa", "eager")
PAPER = Shape(
    prompts=32,
    group_size=4,
    completion=300,
    extra_words=20,
    checkpointing=True,
    beta=0.01,
    tokens_per_rollout_batch=262144,  # as in conf/training/paper.yaml: the whole step at once
    tokens_per_pass=16384,
    groups_per_pass=4,  # 12,000 tokens with prompts
    tokens_per_chunk=1024,
    steps=3,
    warmup=1,
    device="cuda",
)
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12}  # FLOP/s, dense bf16, of the data sheets


def useful_flops(shape: Shape) -> float:
    """What a step has to compute when every prompt is computed once; attention is left out.

    2 FLOP a weight and token forward, as much for the gradients of activations, and as much again
    for those of the weights, where they learn. Recomputation counts for nothing.
    """
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(model_config(shape))
    body = sum(p.numel() for p in model.model.language_model.layers.parameters())
    head = model.lm_head.weight.numel()
    passes = 1 + bool(shape.beta) + (2 if shape.lora else 3)  # rollout, reference, update
    completions = shape.prompts * shape.group_size * shape.completion
    tokens = shape.prompts * prompt_tokens(shape) + completions
    return 2.0 * passes * (body * tokens + head * completions)


def ours(shape: Shape, choices: Mapping[str, Sequence[Any]]) -> Iterator[Arm]:
    """Ours with every combination of ``choices``; the usual ones go without saying."""
    usual = {
        "decode": "auto",
        "attention": "sdpa",
        "rollout_batch": shape.tokens_per_rollout_batch,
        "precision": usual_precision(shape),
        "merge_lora": 0,
    }
    for values in product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        parts = {name: value for name, value in chosen.items() if value != usual[name]}
        words = ["merged" if name == "merge_lora" else str(parts[name]) for name in parts]
        label = " ".join(["ours", *words])
        yield Arm(f"{label}, {shape.dtype}", shape, parts=parts)


def row(arm: Arm, found: Measurement) -> list[str]:
    """A line of the table."""
    shape = arm.shape
    training = "LoRA" if shape.lora else "full"
    return [shape.model, training, arm.label.split(",")[0], *speeds(shape, found)]


def speeds(shape: Shape, found: Measurement) -> list[str]:
    """Seconds of the phases and of the step, completions/s, tokens/s, MFU and memory."""
    peak = None
    if shape.device == "cuda":
        name = torch.cuda.get_device_name()
        peak = next((flops for card, flops in PEAK.items() if card in name), None)
    phases = found.rollout, found.reference, found.update, found.step
    utilisation = f"{useful_flops(shape) / found.step / peak:.1%}" if peak else "-"
    return [
        *(f"{seconds:.2f}" if seconds is not None else "in rollout" for seconds in phases),
        f"{shape.prompts * shape.group_size / found.step:.2f}",
        f"{found.tokens / found.step:.0f}",
        utilisation,
        f"{found.peak / 1e9:.1f}",
    ]


def main() -> None:
    options = parser(__doc__, "gpu_step")
    options.set_defaults(steps=PAPER.steps, warmup=PAPER.warmup)
    options.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    options.add_argument(
        "--training", nargs="+", default=["LoRA", "full"], choices=["LoRA", "full"]
    )
    options.add_argument("--decode", nargs="+", default=["auto"], choices=get_args(DecodeMode))
    options.add_argument("--attention", nargs="+", default=["sdpa"], choices=ATTENTIONS)
    batch = PAPER.tokens_per_rollout_batch
    options.add_argument("--rollout-batch", nargs="+", default=[batch], type=int)
    options.add_argument("--precision", nargs="+", choices=["32-true", "bf16-mixed"])
    options.add_argument("--merge-lora", nargs="+", type=int, choices=[0, 1])
    chosen = options.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = replace(SMOKE, group_size=2, beta=0.01, device=device) if chosen.smoke else PAPER
    base = replace(base, steps=chosen.steps, warmup=chosen.warmup)
    base = replace(base, tokens_per_rollout_batch=batch)
    named = ("decode", "attention", "rollout_batch", "precision", "merge_lora")
    choices = {name: getattr(chosen, name) for name in named if getattr(chosen, name)}
    rows = []
    for model in ("smoke",) if chosen.smoke else chosen.models:
        for training in chosen.training:
            lora = training == "LoRA"
            dtype = "bfloat16" if lora else "float32"
            shape = replace(base, model=model, lora=lora, dtype=dtype)
            arms = list(ours(shape, choices))
            if not chosen.no_trl:
                arms.append(Arm(f"TRL, {dtype}", shape, "trl"))
            rows += [row(arm, measured(arm, chosen.folder)) for arm in arms]
    header = ["model", "training", "", "rollout, s", "reference, s", "update, s", "step, s"]
    header += ["completions/s", "completion tokens/s", "MFU", "peak memory, GB"]
    body = (
        f"{base.prompts} prompts of {prompt_tokens(base)} tokens x {base.group_size} completions "
        f"of {base.completion}, image {base.side} x {base.side}, a reference pass, "
        f"{base.warmup} warm-up and {base.steps} measured steps. MFU counts what a step has to "
        f"compute when every prompt is computed once.\n\n{table(header, rows)}"
    )
    append(chosen.log, "The paper's shape on a GPU", body, "benchmarks.gpu_step")


if __name__ == "__main__":
    main()
