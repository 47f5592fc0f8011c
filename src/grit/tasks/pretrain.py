"""``task=pretrain``: makes a tiny base model from nothing."""

import logging
import shlex
from pathlib import Path
from typing import get_args

from grit.config.schema import Config
from grit.core import interruption, locks
from grit.core.errors import GritError
from grit.models.names import TINY
from grit.models.tiny import Family
from grit.pretraining.course import Course, pretrain

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the course, or go on with the one in the folder; the model is in ``model/`` then.

    Raises:
        GritError: the model is not a tiny one, or the folder holds a course of other settings.
        Interrupted: what was learnt up to the last checkpoint is there.
    """
    families: dict[str, Family] = {f"{TINY}{each}": each for each in get_args(Family)}
    family = families.get(config.model.path)
    if family is None:
        raise GritError(
            f"task=pretrain makes tiny models: model=tiny_qwen or tiny_internvl, "
            f"not model.path={config.model.path}"
        )
    course = Course(family, config.seed, config.pretrain, threads=config.threads or 2)
    there = [each for each in overrides if not each.startswith("hydra.run.dir=")]
    command = ["python", "-m", "grit", *there, f"hydra.run.dir={folder}"]
    locks.hold(folder)
    interruption.go_on_with(shlex.join(command))
    log.info("%s", pretrain(course, folder))
