"""Configurations as the command line composes them, and as mistakes would make them."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from grit.config.configuration import CONF, checked, register
from grit.config.schema import Config
from grit.core.errors import GritError

ROOT = CONF.parent
FILES = sorted(path for path in CONF.glob("*/*.yaml"))
EXPERIMENTS = sorted((ROOT / "experiments" / "experiment").glob("*.yaml"))
ARMS = sorted((ROOT / "experiments" / "arm").glob("*.yaml"))
DEFAULTS = {
    "model": "tiny_qwen",
    "data": "shapes",
    "method": "grit",
    "reward": "grpo_gr",
    "judge": "rules",
    "suite": "shapes",
    "logger": "wandb",
}


def choice(path: Path) -> str:
    return f"{path.parent.name}={path.stem}"


def composed(*overrides: str) -> DictConfig:
    """What the command line composes of ``overrides``; interpolations are resolved later."""
    return _composed(overrides).copy()


@cache  # a composition takes ten times as long as a copy
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def config(*overrides: str) -> Config:
    return checked(composed(*overrides))


def refusal(broken: DictConfig) -> str:
    """The message that a configuration is refused with: one line."""
    with pytest.raises(GritError) as raised:
        checked(broken)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def with_value(base: DictConfig, field: str, value: Any) -> DictConfig:
    """A copy of ``base`` in which some YAML file has said ``field: value``."""
    changed = base.copy()
    with open_dict(changed):
        OmegaConf.update(changed, field, value, force_add=True, merge=False)
    return changed
