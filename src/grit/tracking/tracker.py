"""What a task logs besides its folder, in the dashboard that ``logger=`` names, if any."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import LambdaCallback
from pytorch_lightning.loggers.logger import Logger

from grit.config.schema import Config
from grit.core import processes
from grit.pages.gallery import PictureOf
from grit.rewards.reward import reward_from
from grit.runs.folder import RunFolder
from grit.runs.measured import Measured
from grit.tracking.dashboard import Dashboard, Findings, evaluation_numbers
from grit.training.module import GRPOGR


@dataclass(frozen=True)
class Tracker:
    """Logs the results of a task; does nothing if ``dashboard`` is None."""

    config: Config
    folder: Path
    dashboard: Dashboard | None

    @property
    def loggers(self) -> list[Logger]:
        """Lightning's loggers for the metrics of training."""
        return [] if self.dashboard is None else [self.dashboard.logger]

    @property
    def callbacks(self) -> list[pl.Callback]:
        """Lightning's callbacks for the completions of training."""
        if self.dashboard is None:
            return []
        return [LambdaCallback(on_train_batch_end=self._completions)]

    def _completions(
        self, _: pl.Trainer, module: pl.LightningModule, _outputs: Any, _batch: Any, step: int
    ) -> None:
        """Log the completions of a step's first prompt; ``step`` counts no updates."""
        assert self.dashboard is not None
        if step % self.config.logger.sample_every == 0 and isinstance(module, GRPOGR):
            first = module.last_rollouts[: module.settings.group_size]
            self.dashboard.completions(first, step)

    def numbers(self, measured: Measured, step: int) -> None:
        """Log the metrics of an evaluation after ``step`` training steps, if they are not there."""
        if self.dashboard is not None and step >= self.dashboard.kept:
            self.dashboard.numbers(evaluation_numbers(measured.results), step)

    def findings(
        self, after: Measured, before: Measured | None, picture_of: PictureOf, step: int
    ) -> None:
        """Log the final results, rows with their boxes, and ``report.html``.

        Args:
            after: the evaluation that counts.
            before: the evaluation before training, if there was one.
            picture_of: an image by set and id.
            step: training steps done.
        """
        if self.dashboard is None:
            return
        self.numbers(after, step)
        # The reward would be meaningless for a method without tags in its answers.
        reward = reward_from(self.config.reward) if self.config.method.tagged_answer else None
        most = self.config.logger.rows
        self.dashboard.findings(
            Findings(self.folder, step, after, before, picture_of, reward, most)
        )


@contextmanager
def tracked(config: Config, run: RunFolder) -> Iterator[Tracker]:
    """A context with a tracker; only that of rank 0 logs. The dashboard is closed with it."""
    if config.logger.name == "none" or processes.rank() > 0:
        yield Tracker(config, run.folder, None)
        return
    with _dashboard(config, run) as dashboard:
        yield Tracker(config, run.folder, dashboard)


def _dashboard(config: Config, run: RunFolder) -> AbstractContextManager[Dashboard]:
    """The chosen library's; the others, of which each takes seconds, are not imported."""
    if config.logger.name == "tensorboard":
        from grit.tracking.tensorboard_log import tensorboard

        return tensorboard(config, run)
    if config.logger.name == "trackio":
        from grit.tracking.trackio_log import trackio

        return trackio(config, run)
    from grit.tracking.wandb_dashboard import wandb_dashboard

    return wandb_dashboard(config, run)
