"""Validation during training: greedy chains on a dev split, every few steps.

Scores go to ``validation.jsonl`` and the loggers, the best weights so far to ``best``, which after
training is ``model/best``, beside the last ones. A resumed run goes on with the history of its
checkpoint.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from statistics import fmean
from typing import Any

import pytorch_lightning as pl

from grit.config.schema import Config
from grit.core import interruption, processes
from grit.core.errors import Resumable
from grit.core.files import put_in_place, write_jsonl
from grit.data.suites import TestSet
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.judge.judge import Judge, JudgeFailed
from grit.models.loading import save_trained
from grit.rollout.engine import Engine
from grit.runs.measured import ask, check_failed, measure
from grit.runs.metrics_log import MetricsLog
from grit.runs.preflight import scored_by
from grit.runs.run_record import VALIDATION
from grit.training.device import autocast
from grit.training.diagnostics import JUDGE
from grit.training.learner import Learner

log = logging.getLogger(__name__)
SHOWN = ("acc", "giou", "format_rate")  # of each set
BEST = "best"


def keep_best(folder: Path) -> None:
    """Move the best weights of a run into the folder of the last ones."""
    if (folder / BEST).exists():
        put_in_place(folder / BEST, folder / "model" / BEST)


def release_best(folder: Path) -> None:
    """Move the best weights out of the folder of the last ones, which is written anew."""
    kept = folder / "model" / BEST
    if kept.exists() and not (folder / BEST).exists():
        kept.rename(folder / BEST)


class Validation(pl.Callback):
    """Validates every ``evaluation.every`` steps, and stops training that has stopped improving.

    What is best is the highest mean ACC over the sets (of sets of boxes alone: GIoU), in every
    validation over the same ones.

    Args:
        config: of the run.
        engine: that completes prompts.
        sets: the dev sets.
        judge: of the answers.
        folder: of the run.
        steps_done: that the run is resumed after.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        sets: Sequence[TestSet],
        judge: Judge,
        folder: Path,
        steps_done: int = 0,
    ) -> None:
        self.config, self.engine, self.folder = config, engine, folder
        self.sets, self.judge, self.steps_done = sets, judge, steps_done
        self.history: list[dict[str, Any]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Make up for a validation; train no further where training had stopped improving."""
        assert isinstance(pl_module, Learner)
        self.make_up(pl_module)
        if self._has_stalled():
            trainer.should_stop = True

    def make_up(self, learner: Learner) -> None:
        """Validate the weights that the run is resumed with, if it was stopped while it did.

        Every rank has to call it. Lightning starts no training that has no step left, so it is
        called after training as well.
        """
        done = self.steps_done
        if self._is_due(done) and done not in [row["step"] for row in self.history]:
            self._validate(learner, done)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Validate after every ``evaluation.every``-th step; one that stops does it later."""
        assert isinstance(pl_module, Learner)
        if processes.world_size() == 1:  # several could not save a checkpoint where they are
            pl_module.committed = False  # the step has ended: what follows may be given up
        stops = trainer.strategy.reduce_boolean_decision(interruption.asked(), all=False)
        if self._is_due(batch_idx + 1) and not stops:
            self._validate(pl_module, batch_idx + 1)
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

    def _is_due(self, steps: int) -> bool:
        return steps > 0 and steps % self.config.evaluation.every == 0

    def _validate(self, learner: Learner, steps: int) -> None:
        """Validate the weights of after ``steps`` steps, and keep them if they are the best."""
        try:
            self.engine.update(steps, learner.learnt_weights)
            scores = self._scores(learner)
        except Resumable:  # on every rank, and the step has ended: a checkpoint can be saved
            learner.committed = False
            raise
        is_best = all(scores["score"] > row["score"] for row in self.history)
        weights = learner.learnt_weights() if is_best else {}  # collective
        if is_best and processes.rank() == 0:  # first: a validation that is said is not made again
            save_trained(learner.adapter, self.folder / BEST, weights)
        self.history.append({"step": steps, **scores})
        if processes.rank() == 0:
            write_jsonl(self.folder / VALIDATION, self.history)
            self._log(learner.trainer, steps - 1, scores)

    def _scores(self, learner: Learner) -> dict[str, float]:
        """The scores of each set as "vsr/acc", "score", and what a judge used, on every rank.

        Raises:
            Resumable: too many answers could not be judged, or none of a set; on every rank.
        """
        config = self.config
        whole = learner.layout.gathered() if self.engine.samples_from_model else nullcontext()
        with autocast(config.trainer.precision, learner.device), whole:
            predictions = ask(config, learner.adapter, self.engine, self.sets, phase="validation")

        def scored() -> dict[str, float]:
            return self._scored(predictions) if processes.rank() == 0 else {}

        return processes.all_gather(processes.fail_together(scored))[0]

    def _scored(self, predictions: Mapping[str, Sequence[Prediction]]) -> dict[str, float]:
        measured = measure(self.config, predictions, self.judge, self.sets)
        check_failed(self.judge, measured)
        results = measured.results
        scores = {
            f"{name}/{metric}": mean
            for name, found in results.sets.items()
            for metric in SHOWN
            if (mean := found.metrics[metric].mean) is not None
        }
        metric, names = scored_by(self.sets)
        for name in names:
            _check_any_judged(name, measured.rows[name])
        scores["score"] = fmean(scores[f"{name}/{metric}"] for name in names)
        used = (results.judge_usage or {}).items()
        numbers = {name: value for name, value in used if name != "model" and value is not None}
        return scores | {f"{JUDGE}{name}": value for name, value in numbers.items()}

    def _log(self, trainer: pl.Trainer, step: int, scores: dict[str, float]) -> None:
        named = {f"validation/{name}": value for name, value in scores.items()}
        for logger in trainer.loggers:
            if not isinstance(logger, MetricsLog):  # its file has a line a step, of training alone
                logger.log_metrics(named, step=step)

    def _best_step(self) -> int:
        """The first step with the best score: as good a score later is no better one."""
        return max(self.history, key=lambda row: row["score"])["step"]

    def _has_stalled(self) -> bool:
        patience = self.config.evaluation.patience
        since = sum(row["step"] > self._best_step() for row in self.history)
        return patience is not None and since >= patience


def _check_any_judged(name: str, rows: Sequence[ScoredPrediction]) -> None:
    """Raise JudgeFailed if the judge failed on all answers of a set: it then has no ACC."""
    failed = sum(row.judge_failed for row in rows)
    if failed and not any(row.acc is not None and row.answer is not None for row in rows):
        raise JudgeFailed(
            f"the judge failed on all {failed} answers of the dev set {name}: without them the "
            "validation does not compare with the others"
        )
