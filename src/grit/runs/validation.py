"""Validation during training: greedy chains on a dev split, every few steps.

Scores go to ``validation.jsonl`` and the loggers, the best weights so far to ``best``, which after
training is ``model/best``, beside the last ones. A resumed run goes on with the history of its
checkpoint.
"""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl

from grit.config.schema import Config
from grit.core import processes
from grit.core.files import put_in_place, write_jsonl
from grit.data.suites import TestSet
from grit.judge.judge import Judge
from grit.models.loading import save_trained
from grit.rollout.engine import Engine
from grit.runs.measured import ask, measure
from grit.runs.metrics_log import MetricsLog
from grit.runs.run_record import VALIDATION
from grit.training.device import autocast
from grit.training.learner import Learner
from grit.training.weights import learnt_weights

log = logging.getLogger(__name__)
SHOWN = ("acc", "giou", "format_rate")  # of each set
BEST = "best"


def keep_best(folder: Path) -> None:
    """Move the best weights of a run into the folder of the last ones."""
    if (folder / BEST).exists():
        put_in_place(folder / BEST, folder / "model" / BEST)


class Validation(pl.Callback):
    """Validates every ``evaluation.every`` steps, and stops training that has stopped improving.

    What is best is the highest mean ACC over the sets (of sets of boxes alone: GIoU).

    Args:
        config: of the run.
        engine: that completes prompts.
        sets: the dev sets.
        judge: of the answers.
        folder: of the run.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        sets: Sequence[TestSet],
        judge: Judge,
        folder: Path,
    ) -> None:
        self.config, self.engine, self.folder = config, engine, folder
        self.sets, self.judge = sets, judge
        self.history: list[dict[str, Any]] = []

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Validate after every ``evaluation.every``-th step."""
        steps = batch_idx + 1
        if steps % self.config.evaluation.every:
            return
        assert isinstance(pl_module, Learner)
        self.engine.update(steps, lambda: learnt_weights(pl_module))
        scores = self._scores(pl_module)
        self.history.append({"step": steps, **scores})
        is_best = scores["score"] >= max(row["score"] for row in self.history)
        weights = learnt_weights(pl_module) if is_best else {}  # collective
        if processes.rank() == 0:
            write_jsonl(self.folder / VALIDATION, self.history)
            self._log(trainer, batch_idx, scores)
            if is_best:
                save_trained(pl_module.adapter, self.folder / BEST, weights)
        if self._has_stalled():
            log.info("no better validation since step %d: training ends", self._best_step())
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """The scores so far."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the scores of a checkpoint."""
        self.history = list(state_dict["history"])
        if processes.rank() == 0:
            write_jsonl(self.folder / VALIDATION, self.history)

    def _scores(self, learner: Learner) -> dict[str, float]:
        """The scores of each set as "vsr/acc", and "score", on every rank."""
        config = self.config
        whole = learner.layout.gathered() if self.engine.samples_from_model else nullcontext()
        with autocast(config.trainer.precision, learner.device), whole:
            predictions = ask(config, learner.adapter, self.engine, self.sets, phase="validation")
        scores: dict[str, float] = {}
        if processes.rank() == 0:
            results = measure(config, predictions, self.judge, self.sets).results
            scores = {
                f"{name}/{metric}": mean
                for name, found in results.sets.items()
                for metric in SHOWN
                if (mean := found.metrics[metric].mean) is not None
            }
            judged = [value for name, value in scores.items() if name.endswith("/acc")]
            scores["score"] = fmean(judged or [v for n, v in scores.items() if n.endswith("giou")])
        return processes.gathered(scores)[0]

    def _log(self, trainer: pl.Trainer, step: int, scores: dict[str, float]) -> None:
        named = {f"validation/{name}": value for name, value in scores.items()}
        for logger in trainer.loggers:
            if not isinstance(logger, MetricsLog):  # its file has a line a step, of training alone
                logger.log_metrics(named, step=step)

    def _best_step(self) -> int:
        """The last step with the best score."""
        best = max(row["score"] for row in self.history)
        return max(row["step"] for row in self.history if row["score"] == best)

    def _has_stalled(self) -> bool:
        patience = self.config.evaluation.patience
        since = sum(row["step"] > self._best_step() for row in self.history)
        return patience is not None and since >= patience
