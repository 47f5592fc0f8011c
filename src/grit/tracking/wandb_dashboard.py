"""A run in Weights & Biases: what it shows there, and its end, which never costs the run itself."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb
from PIL import Image

from grit.config.identity import plain
from grit.config.schema import Config
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Space
from grit.runs.folder import RunFolder, run_name
from grit.tracking.dashboard import Findings, rollout_heading
from grit.tracking.naming import group, tags
from grit.tracking.wandb_end import finish, going_on
from grit.tracking.wandb_images import ANNOTATED, SAID, boxed_image
from grit.tracking.wandb_log import STEP, SectionedLogger, wandb_logger, wandb_mode
from grit.training.diagnostics import Rollout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WandbDashboard:
    """A run of W&B. A resumed run is another one there, of the steps that it makes itself.

    What W&B's client raises is one of the logger's ``faults``, of which the run's end tells.
    """

    logger: SectionedLogger
    kept: int = 0

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers at a step, which is a metric of its own in W&B."""
        with going_on(self.logger.faults):
            self.logger.experiment.log({STEP: step, **values})

    def completions(self, rollouts: Sequence[Rollout], step: int) -> None:
        """Log completions as images with a layer of boxes."""
        with going_on(self.logger.faults):
            images = [_image(rollout) for rollout in rollouts]
            self.logger.experiment.log({"completions": images, STEP: step})

    def findings(self, found: Findings) -> None:
        """Log the final results, a table of rows with their boxes, and ``report.html``."""
        run: Any = self.logger.experiment
        with going_on(self.logger.faults):
            for name in ("results", "results.before"):
                file = found.folder / f"{name}.json"
                if file.exists():
                    content = json.loads(file.read_text(encoding="utf-8"))
                    run.summary.update({name.replace(".", "_"): content})
            page = found.report.read_text(encoding="utf-8")
            run.log({"report": wandb.Html(page, inject=False)})
        with going_on(self.logger.faults):  # tables connect again, and the server may be down
            table = found.rows(_picture)
            run.log({"evaluation": wandb.Table(columns=table.columns, data=table.rows)})


@contextmanager
def wandb_dashboard(config: Config, run: RunFolder) -> Iterator[WandbDashboard]:
    """A W&B run that ends with the context."""
    ours = config.logger.project
    named = os.environ.get("WANDB_PROJECT", ours)
    if named != ours:
        in_sweep = "the sweep's project %s has this run: logger.project=%s in task=report"
        alone = "WANDB_PROJECT=%s is not followed: the run is in logger.project=%s"
        swept = "WANDB_SWEEP_ID" in os.environ
        log.warning(in_sweep if swept else alone, named, named if swept else ours)
    with _media_below(run.folder):
        logger = wandb_logger(
            run.folder,
            plain(config),
            project=config.logger.project,
            entity=config.logger.entity,
            name=run_name(config),
            group=group(config, run.overrides),
            job_type=config.task,
            mode=wandb_mode(config.logger.mode),
            tags=tags(config),
        )
        dashboard = WandbDashboard(logger)
        try:
            yield dashboard
        except BaseException:
            finish(logger.experiment, failed=True, faults=logger.faults)
            raise
        finish(logger.experiment, faults=logger.faults)


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


def _image(rollout: Rollout) -> wandb.Image:
    caption = f"{rollout_heading(rollout)}\n{rollout.completion.text}"
    picture = rollout.sample.picture.load()
    return boxed_image(picture, rollout.sample.space, {SAID: rollout.boxes}, caption)


def _picture(image: Image.Image, space: Space, row: ScoredPrediction) -> wandb.Image:
    layers = {ANNOTATED: row.prediction.true_boxes or (), SAID: row.boxes or ()}
    return boxed_image(image, space, layers)
