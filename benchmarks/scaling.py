"""Step time against completions a prompt and against prompt length, ours and plain.

    OMP_NUM_THREADS=2 python -m benchmarks.scaling
    python -m benchmarks.scaling --smoke --log /tmp/log.md

Plain is ours with every speed part off: a row and a prefill a completion.
"""

from dataclasses import replace
from pathlib import Path

from benchmarks.arms import MEMORY, Arm, Measurement, OutOfMemory, measured
from benchmarks.entry import append, table
from benchmarks.ours import OFF
from benchmarks.shape import Shape, prompt_tokens
from benchmarks.step import SMOKE, described, parser

COMPLETIONS = (2, 4, 8, 16)
WORDS = (0, 64, 256)  # of seven tokens each


def main() -> None:
    chosen = parser(__doc__, "scaling").parse_args()
    base = SMOKE if chosen.smoke else Shape(prompts=2, completion=64)
    base = replace(base, steps=chosen.steps, warmup=chosen.warmup)
    words = WORDS[:1] if chosen.smoke else WORDS
    sizes = COMPLETIONS[:1] if chosen.smoke else COMPLETIONS
    shapes = [replace(base, extra_words=w, group_size=n) for w in words for n in sizes]
    rows = []
    for shape in shapes:
        label = f"prompt {prompt_tokens(shape)}"
        ours = measured(Arm(f"{label}, ours", shape), chosen.folder)
        plain = _unless_too_large(Arm(f"{label}, plain", shape, parts=OFF), chosen.folder)
        times = [
            f"{getattr(ours, phase):.2f} / {f'{getattr(plain, phase):.2f}' if plain else '-'}"
            for phase in ("rollout", "update", "step")
        ]
        peak = f"{plain.peak / 1e9:.2f}" if plain else f"over {MEMORY / 1e9:.0f}"
        memory = f"{ours.peak / 1e9:.2f} / {peak}"
        rows.append([label.split()[1], str(shape.group_size), *times, memory])
    header = ["prompt tokens", "N", "rollout, s", "update, s", "step, s", "peak memory, GB"]
    body = f"{described(base)}; N as in the table. Ours / plain:\n\n{table(header, rows)}"
    append(chosen.log, "Scaling with N and with the prompt", body, "benchmarks.scaling")


def _unless_too_large(arm: Arm, folder: Path) -> Measurement | None:
    """The measurement; None where the machine's memory does not suffice, which is a finding."""
    try:
        return measured(arm, folder)
    except OutOfMemory as error:
        print(error, flush=True)
        return None


if __name__ == "__main__":
    main()
