"""The Weights & Biases run of a task: starting it, logging to it, and always finishing it."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import wandb
from pytorch_lightning.loggers import WandbLogger

from grit.config.identity import plain
from grit.config.schema import Config
from grit.core import processes
from grit.pages.gallery import PictureOf
from grit.rewards.reward import reward_from
from grit.runs.folder import run_name
from grit.runs.measured import Measured
from grit.tracking.wandb_end import finish
from grit.tracking.wandb_log import wandb_logger, wandb_mode
from grit.tracking.wandb_results import log_numbers, log_report, log_rows


@dataclass(frozen=True)
class Tracker:
    """Logs the results of a task to W&B; does nothing if ``logger`` is None."""

    config: Config
    folder: Path
    logger: WandbLogger | None
    faults: list[str] = field(default_factory=list)  # errors because of which W&B lacks something

    def numbers(self, measured: Measured, step: int) -> None:
        """Log the metrics of an evaluation after ``step`` training steps."""
        if self.logger is not None:
            log_numbers(self.logger.experiment, measured.results, step)

    def findings(self, after: Measured, before: Measured | None, picture_of: PictureOf) -> None:
        """Log the final results, a table of rows with their boxes, and ``report.html``.

        Args:
            after: the evaluation that counts.
            before: the evaluation before training, if there was one.
            picture_of: an image by set and id.
        """
        if self.logger is None:
            return
        self.numbers(after, self.config.trainer.max_steps if self.config.method.learns else 0)
        run = self.logger.experiment
        for name in ("results", "results.before"):
            file = self.folder / f"{name}.json"
            if file.exists():
                content = json.loads(file.read_text(encoding="utf-8"))
                run.summary.update({name.replace(".", "_"): content})
        # The reward would be meaningless for a method without tags in its answers.
        reward = reward_from(self.config.reward) if self.config.method.tagged_answer else None
        was = {} if before is None else before.rows
        rows = self.config.logger.rows
        log_report(run, self.folder / "report.html")
        try:
            log_rows(run, was, after.rows, picture_of, reward=reward, most=rows)
        except wandb.Error as error:  # tables connect again, and the server may be down
            self.faults.append(" ".join(str(error).split()))


@contextmanager
def tracked(config: Config, folder: Path, overrides: Sequence[str]) -> Iterator[Tracker]:
    """A context with a tracker; only that of rank 0 logs. The W&B run ends with the context."""
    if config.logger.name == "none" or processes.rank() > 0:
        yield Tracker(config, folder, None)
        return
    with _media_below(folder):
        yield from _tracked(config, folder, overrides)


def _tracked(config: Config, folder: Path, overrides: Sequence[str]) -> Iterator[Tracker]:
    logger = wandb_logger(
        folder,
        plain(config),
        project=config.logger.project,
        entity=config.logger.entity,
        name=run_name(config),
        group=config.logger.group or experiment(overrides),
        job_type=config.task,
        mode=wandb_mode(config.logger.mode),
        tags=tags(config),
    )
    tracker = Tracker(config, folder, logger)
    try:
        yield tracker
    except BaseException:
        finish(logger.experiment, failed=True, faults=tracker.faults)
        raise
    finish(logger.experiment, faults=tracker.faults)


@contextmanager
def _media_below(folder: Path) -> Iterator[None]:
    """Stage the pictures of tables for upload in the run's folder, not in the home directory."""
    if "WANDB_DATA_DIR" in os.environ:
        yield
        return
    os.environ["WANDB_DATA_DIR"] = str(folder / "wandb")
    try:
        yield
    finally:
        del os.environ["WANDB_DATA_DIR"]


def experiment(overrides: Sequence[str]) -> str | None:
    """The value of ``experiment=`` in the overrides; None without one."""
    named = [
        override.partition("=")[2]
        for override in overrides
        if override.lstrip("+").startswith("experiment=")
    ]
    return named[-1] if named and named[-1] != "null" else None


def tags(config: Config) -> list[str]:
    """The W&B tags of a run: its config choices, and ``logger.tags``."""
    parts = (config.model, config.data, config.method, config.reward, config.judge)
    return [*(part.name for part in parts), *config.logger.tags]
