"""``task=pretrain``: makes a tiny base model from nothing."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from grit.errors import GritError
from grit.models.loading import TINY
from grit.models.tiny import Family
from grit.schema import Config
from grit.training.pretraining.course import PretrainSettings, pretrain

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the course, or go on with the one in the folder; the model is in ``model/`` then."""
    families: dict[str, Family] = {f"{TINY}{each}": each for each in get_args(Family)}
    family = families.get(config.model.path)
    if family is None:
        raise GritError(
            f"task=pretrain makes tiny models: model=tiny_qwen or tiny_internvl, "
            f"not model.path={config.model.path}"
        )
    known = {name: type(value) for name, value in asdict(PretrainSettings()).items()}
    changed = {}
    for name, value in config.pretrain.items():
        if name not in known or name in ("family", "seed", "threads"):
            names = ", ".join(sorted(set(known) - {"family", "seed", "threads"}))
            raise GritError(f"config: pretrain.{name} is no setting; there are {names}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise GritError(f"config: pretrain.{name} must be a number, not {value!r}")
        changed[name] = known[name](value)
    settings = PretrainSettings(
        family=family,
        seed=config.seed,
        **changed,
        **({} if config.threads is None else {"threads": config.threads}),
    )
    log.info("%s", pretrain(settings, folder))
