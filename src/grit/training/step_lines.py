"""One line a step in the log: what the step came to, how fast it was, and how long is left."""

import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from time import monotonic
from typing import Any

import pytorch_lightning as pl

from grit.core import processes

log = logging.getLogger(__name__)
_WINDOW = 20  # steps whose times say how long is left
FORMAT = ("think_tags", "rethink_tags", "box_format")  # reward terms that pay for the format
ANSWER = "judge"


class StepLines(pl.Callback):
    """Lightning's progress bar in one line a step; only rank 0 speaks.

    Args:
        steps: of the whole training.
        weights: of the reward terms, at which their logged values are divided.
    """

    def __init__(self, steps: int, weights: Mapping[str, float]) -> None:
        self.steps, self.weights = steps, weights
        self._ends: deque[float] = deque(maxlen=_WINDOW + 1)  # times at which steps ended

    def on_train_start(self, *_: Any) -> None:
        """The first step begins."""
        self._ends.append(monotonic())

    def on_train_batch_end(
        self, trainer: pl.Trainer, learner: Any, outputs: Any, batch: Sequence[Any], batch_idx: int
    ) -> None:
        """Log the line of a step."""
        self._ends.append(monotonic())
        if processes.rank() == 0:
            done = batch_idx + 1
            parts = [f"step {done}/{self.steps}", *shown(learner.last_metrics, self.weights)]
            log.info("%s", "  ".join([*parts, *self._left(self.steps - done)]))

    def _left(self, steps: int) -> list[str]:
        ends = list(self._ends)
        took = median(after - before for before, after in pairwise(ends))
        return [f"{_duration(took * steps)} left"] if steps else []


def shown(metrics: Mapping[str, float], weights: Mapping[str, float]) -> Iterator[str]:
    """The numbers of a line, as far as the step has them.

    Format and ACC are shares of what their reward terms pay: ACC is 0 to 100.
    """
    if "reward" in metrics:
        yield f"reward {metrics['reward']:.2f}"
    parts = {
        name: metrics[f"reward_part/{name}"] / weight
        for name, weight in weights.items()
        if weight and f"reward_part/{name}" in metrics
    }
    of_format = [parts[name] for name in FORMAT if name in parts]
    if of_format:
        yield f"format {sum(of_format) / len(of_format):.2f}"
    if ANSWER in parts:
        yield f"ACC {100 * parts[ANSWER]:.0f}"
    if "reward" not in metrics and "loss" in metrics:
        yield f"loss {metrics['loss']:.3f}"
    if "kl" in metrics:
        yield f"KL {metrics['kl']:.4f}"
    if "tokens_per_second" in metrics:
        yield f"{metrics['tokens_per_second']:,.0f} tokens/s"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
