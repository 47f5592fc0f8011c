"""A GRPO step of the suite against TRL's GRPOTrainer, and each of our speed parts off.

    pip install -c constraints.txt -e '.[trl]'
    OMP_NUM_THREADS=2 python -m benchmarks.step             # minutes an arm; goes on if stopped
    python -m benchmarks.step --smoke --log /tmp/log.md     # seconds: does it still run?

Same model, prompts, images, completions of a fixed length, optimiser; frozen vision; full training.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.arms import Arm, Measurement, measured
from benchmarks.entry import LOG, append, table
from benchmarks.ours import OFF
from benchmarks.shape import Shape

WITHOUT = {
    "share_prompt": "a row a completion in the update",
    "share_prefill": "a prefill a completion in the rollout",
    "tokens_per_chunk": "logits of all tokens, by autograd",
    "feature_cache_mib": "image features computed again",
}
SMOKE = Shape(model="smoke", prompts=1, completion=6, side=112)


def arms(shape: Shape, *, trl: bool = True) -> list[Arm]:
    """TRL, ours, ours with each part off and with all of them off."""
    theirs = [Arm("TRL GRPOTrainer", shape, "trl")] if trl else []
    without = [Arm(f"ours, {WITHOUT[part]}", shape, parts={part: OFF[part]}) for part in OFF]
    return [*theirs, Arm("ours", shape), *without, Arm("ours, all parts off", shape, parts=OFF)]


def compared(chosen: Sequence[Arm], folder: Path) -> str:
    """The table of arms on one shape; factors say how many times as much as ours."""
    found = {arm.label: measured(arm, folder) for arm in chosen}
    ours = found["ours"]

    def cells(one: Measurement) -> list[str]:
        names = ("rollout", "update", "step", "peak")
        scale = {"peak": 1e9}
        return [
            f"{getattr(one, name) / scale.get(name, 1):.2f}"
            f" ({getattr(one, name) / getattr(ours, name):.2f}x)"
            for name in names
        ]

    header = ["", "rollout, s", "update, s", "step, s", "peak memory, GB"]
    return table(header, [[label, *cells(one)] for label, one in found.items()])


def described(shape: Shape) -> str:
    """The shape in words."""
    return (
        f"`{shape.model}`, {shape.prompts} prompts x {shape.group_size} completions of "
        f"{shape.completion} tokens, image {shape.side} x {shape.side}, {shape.dtype}, "
        f"{'LoRA' if shape.lora else 'full training'}, "
        f"{'a' if shape.beta else 'no'} reference pass, {shape.warmup} warm-up and {shape.steps} "
        "measured steps"
    )


def parser(description: str | None, folder: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--smoke", action="store_true", help="tiny sizes: does it still run?")
    options.add_argument("--folder", type=Path, default=Path("runs/benchmarks") / folder)
    options.add_argument("--log", type=Path, default=LOG, help="the file that the table goes to")
    options.add_argument("--no-trl", action="store_true", help="ours only")
    options.add_argument("--steps", type=int, default=1, help="measured steps; medians are shown")
    options.add_argument("--warmup", type=int, default=0, help="steps before those")
    return options


def main() -> None:
    options = parser(__doc__, "step")
    options.add_argument("--beta", type=float, default=0.0, help="above 0: with a reference pass")
    options.add_argument("--completions", type=int, nargs="+", default=[4, 8], help="N of a prompt")
    chosen = options.parse_args()
    base = SMOKE if chosen.smoke else Shape()
    base = replace(base, steps=chosen.steps, warmup=chosen.warmup, beta=chosen.beta)
    tables = []
    for n in (2,) if chosen.smoke else chosen.completions:
        shape = replace(base, group_size=n)
        rows = compared(arms(shape, trl=not chosen.no_trl), chosen.folder)
        tables.append(f"{described(shape)}:\n\n{rows}")
    append(chosen.log, "A step against TRL", "\n\n".join(tables), "benchmarks.step")


if __name__ == "__main__":
    main()
