"""The training loop of a pre-training stage: learning rates, checkpoints, log, progress bar.

The data of a step is a pure function of the seed and the step. A checkpoint therefore has weights,
optimiser states and the step, but no random states, and a resumed run gives the same weights.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim import Optimizer

from grit.core.errors import GritError
from grit.core.files import put_in_place, write_jsonl
from grit.pretraining.optimizers import set_rate

WARMUP = 100  # steps
LARGEST_GRADIENT = 1.0  # norm


class Stage(Protocol):
    """One part of the curriculum."""

    name: str
    steps: int
    shown: tuple[str, ...]  # the figures in the progress bar
    trained: nn.Module  # the weights in its checkpoint
    optimizers: list[Optimizer]

    def prepare(self) -> None:
        """Called once before the first step, for example to fill caches."""

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """The loss of ``step`` (counted from 0) and figures to log."""

    def quality(self) -> dict[str, float]:
        """Figures on held-out scenes, at every checkpoint; may be empty."""


class Log:
    """The log of a run: a JSON Lines file, consistent with the checkpoints."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, stage: str, step: int, figures: dict[str, Any]) -> None:
        """Append the figures of a step."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"stage": stage, "step": step, **figures}) + "\n")

    def rewind(self, stage: str, step: int) -> None:
        """Remove the entries of ``stage`` after its last checkpoint."""
        if not self.path.is_file():
            return
        lines = self.path.read_text("utf-8").splitlines(keepends=True)
        rows = [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be cut
        kept = [row for row in rows if row["stage"] != stage or row["step"] <= step]
        write_jsonl(self.path, kept)


def run_stage(
    stage: Stage, folder: Path, log: Log, every_seconds: float = 180.0, notes: int = 25
) -> None:
    """Train ``stage`` to its last step, from its checkpoint in ``folder`` if there is one.

    Args:
        stage: to train.
        folder: of the checkpoints.
        log: of the run.
        every_seconds: between checkpoints.
        notes: steps between entries of the log.
    """
    path = folder / f"{stage.name}.pt"
    start = _resumed(stage, path)
    log.rewind(stage.name, start)
    if start == stage.steps:
        return
    stage.prepare()
    saved = began = time.monotonic()
    spent = 0.0
    recent: dict[str, float] = {}
    for step in _with_progress(stage, start, recent):
        set_rate(stage.optimizers, step, stage.steps, min(WARMUP, stage.steps // 5))
        figures = _update(stage, step)
        for name, value in figures.items():
            recent[name] = 0.95 * recent.get(name, value) + 0.05 * value
        last = step + 1 == stage.steps
        if (step + 1) % notes == 0 or last:
            spent = time.monotonic() - began
            log.add(stage.name, step + 1, {"seconds": round(spent, 1), **_rounded(recent)})
        if last or time.monotonic() - saved > every_seconds:
            held_out = stage.quality()
            if held_out:
                log.add(stage.name, step + 1, {"held_out": _rounded(held_out)})
            _save(stage, step + 1, path)
            saved = time.monotonic()


def _update(stage: Stage, step: int) -> dict[str, float]:
    loss, figures = stage.loss(step)
    for optimizer in stage.optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = [p for o in stage.optimizers for g in o.param_groups for p in g["params"]]
    norm = nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
    if not torch.isfinite(norm):
        raise GritError(
            f"pre-training stage {stage.name}, step {step}: the gradient is not finite; "
            "lower the learning rates"
        )
    for optimizer in stage.optimizers:
        optimizer.step()
    return {"loss": loss.item(), **figures}


def _with_progress(stage: Stage, start: int, recent: dict[str, float]) -> Iterator[int]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns) as progress:
        shown = ("loss", *stage.shown)
        bar = progress.add_task(stage.name, total=stage.steps, completed=start, figures="")
        for step in range(start, stage.steps):
            yield step
            figures = "  ".join(
                f"{name} {value:.3f}" for name, value in recent.items() if name in shown
            )
            progress.update(bar, completed=step + 1, figures=figures)


def _save(stage: Stage, step: int, path: Path) -> None:
    state = {
        "step": step,
        "steps": stage.steps,
        "trained": stage.trained.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in stage.optimizers],
    }
    temporary = path.with_suffix(".partial")
    torch.save(state, temporary)
    put_in_place(temporary, path)


def _resumed(stage: Stage, path: Path) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if state["steps"] != stage.steps:
        raise GritError(
            f"{path}: this checkpoint belongs to a stage of {state['steps']} steps, not "
            f"{stage.steps}; use the same settings or another folder"
        )
    stage.trained.load_state_dict(state["trained"])
    for optimizer, kept in zip(stage.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)
    return int(state["step"])


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}
