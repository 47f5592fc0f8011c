"""Ours and TRL's GRPOTrainer, each with its own decoding and with vLLM, on one GPU.

    python -m benchmarks.peers --vllm-python ~/vllm/bin/python
    python -m benchmarks.peers --smoke --vllm-python .venv-vllm/bin/python --log /tmp/log.md

The paper's shape of Qwen2.5-VL 3B with LoRA, for each N and each length of prompt: our engine; ours
with a vLLM server beside the training (--vllm-python: the interpreter that has vLLM); TRL with
transformers' generate; and TRL with vLLM in its own process, where `import vllm` works beside TRL.
Whatever is not installed is left out, and said.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import torch

from benchmarks.arms import Arm, Measurement, measured
from benchmarks.entry import append, table
from benchmarks.gpu_step import PAPER, speeds
from benchmarks.shape import Shape, prompt_tokens
from benchmarks.step import SMOKE, described, parser

COMPLETIONS = (4, 8)
WORDS = (20, 128)  # of seven tokens each, added to the question


def peers(shape: Shape, vllm_python: str | None, trl: bool) -> Iterator[Arm]:
    """The programs that can be measured here."""
    precision = {"precision": "bf16-mixed" if shape.device == "cuda" else "32-true"}  # as TRL's
    label = f"prompt {prompt_tokens(shape)}"
    yield Arm(f"{label}, ours", shape, parts=precision)
    if vllm_python:
        served = precision | {"vllm_python": vllm_python}
        yield Arm(f"{label}, ours with vLLM", shape, parts=served)
    if trl:
        yield Arm(f"{label}, TRL", shape, "trl")
    if trl and find_spec("vllm"):
        yield Arm(f"{label}, TRL with vLLM", shape, "trl", parts={"vllm": True})


def row(arm: Arm, found: Measurement) -> list[str]:
    """A line of the table."""
    prompt, _, program = arm.label.partition(", ")
    return [prompt.split()[1], str(arm.shape.group_size), program, *speeds(arm.shape, found)]


def main() -> None:
    options = parser(__doc__, "peers")
    options.set_defaults(steps=PAPER.steps, warmup=PAPER.warmup)
    options.add_argument("--vllm-python", help="the interpreter of an environment with vLLM")
    options.add_argument("--completions", type=int, nargs="+", default=COMPLETIONS)
    options.add_argument("--words", type=int, nargs="+", default=WORDS)
    chosen = options.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = replace(PAPER, model="qwen2_5_vl_3b", lora=True, dtype="bfloat16")
    if chosen.smoke:
        base = replace(SMOKE, beta=0.01, lora=True)
    base = replace(base, device=device, steps=chosen.steps, warmup=chosen.warmup)
    completions, words = ((2,), (0,)) if chosen.smoke else (chosen.completions, chosen.words)
    rows = []
    for extra in words:
        for n in completions:
            shape = replace(base, group_size=n, extra_words=extra)
            arms = peers(shape, chosen.vllm_python, not chosen.no_trl)
            rows += [row(arm, measured(arm, chosen.folder)) for arm in arms]
    left_out = [] if chosen.vllm_python else ["Ours with vLLM was left out: no --vllm-python."]
    if not chosen.no_trl and not find_spec("vllm"):
        left_out.append("TRL with vLLM was left out: vllm is not installed beside TRL.")
    header = ["prompt tokens", "N", "", "rollout, s", "reference, s", "update, s", "step, s"]
    header += ["completions/s", "completion tokens/s", "MFU", "peak memory, GB"]
    body = f"{described(base)}; N as in the table. Memory is the learner's process's own"
    body += f", without a server's. {' '.join(left_out)}\n\n{table(header, rows)}"
    append(chosen.log, "Ours and TRL, with and without vLLM", body, "benchmarks.peers")


if __name__ == "__main__":
    main()
