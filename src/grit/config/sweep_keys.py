"""Refuse API keys in a multirun's configuration before Hydra writes it to disk."""

import sys
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from grit.core.errors import GritError
from grit.core.keys import refuse_keys


class RefuseKeys(Callback):
    """Hydra callback: ends the program if a multirun's configuration contains a key.

    Each run is checked by ``configuration.checked``.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Check the values without resolving interpolations, as ``multirun.yaml`` has them."""
        try:
            refuse_keys(OmegaConf.to_container(config))
        except GritError as error:  # Hydra turns a callback's exceptions into warnings
            print(f"grit: {error}", file=sys.stderr)
            sys.exit(1)
