"""``task=pretrain``: trains a tiny base model from scratch."""

import logging
import shlex
from pathlib import Path
from typing import get_args

from grit.config.command_line import override_of
from grit.config.schema import Config
from grit.core import interruption, locks
from grit.core.errors import GritError
from grit.models.names import TINY
from grit.models.tiny_tokenizer import Family
from grit.pretraining.course import Course, pretrain

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the pretraining course, or resume the one in the folder; writes the model to ``model/``.

    Raises:
        GritError: the model is not a tiny one, or the folder has a course with other settings.
        Interrupted: stopped by a signal; the last checkpoint is kept.
    """
    families: dict[str, Family] = {f"{TINY}{each}": each for each in get_args(Family)}
    family = families.get(config.model.path)
    if family is None:
        known = ", ".join(f"model=tiny_{each}" for each in get_args(Family))
        raise GritError(
            f"task=pretrain makes tiny models: {known}, not model.path={config.model.path}"
        )
    course = Course(family, config.seed, config.pretrain, threads=config.threads or 2)
    there = [each for each in overrides if not each.startswith("hydra.run.dir=")]
    command = ["python", "-m", "grit", *there, override_of("hydra.run.dir", str(folder))]
    locks.hold(folder)
    interruption.set_resume_command(shlex.join(command))
    log.info("%s", pretrain(course, folder))
