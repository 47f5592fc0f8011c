"""A look at a multirun's configuration before Hydra writes it down."""

import sys
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from grit.core.errors import GritError
from grit.core.keys import refuse_keys


class RefuseKeys(Callback):
    """Ends the program where a configuration holds a key. Runs check that for themselves."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Look at the values as they stand: ``multirun.yaml`` has references unresolved."""
        try:
            refuse_keys(OmegaConf.to_container(config))
        except GritError as error:  # Hydra makes warnings of what a callback raises
            print(f"grit: {error}", file=sys.stderr)
            sys.exit(1)
