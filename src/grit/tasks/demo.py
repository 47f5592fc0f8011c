"""``task=demo``: a page on which a model, or two, are asked."""

from pathlib import Path

from grit.config.schema import Config
from grit.demo.serving import listen, serve


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Serve the demo until it is interrupted.

    Raises:
        GritError: one cannot listen at the address, or a model cannot be loaded.
    """
    with listen(config.demo) as listening:  # before torch, which takes seconds to import
        from grit.demo.app import application
        from grit.demo.shown_models import models_of

        models = models_of(config, overrides)
        with application(models, config.demo, seed=config.seed) as app:
            serve(app, listening)
