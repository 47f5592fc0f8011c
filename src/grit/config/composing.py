"""Composing a configuration without the command line: for Python and notebooks."""

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from grit.config.configuration import CONF, checked, one_line, register
from grit.config.schema import Config
from grit.core.errors import GritError


def composed_config(*overrides: str) -> Config:
    """The configuration of ``python -m grit`` with these overrides, checked.

    Raises:
        GritError: an override is wrong.
    """
    register()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose("config", overrides=list(overrides))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise GritError(one_line(error)) from error
    return checked(composed)
