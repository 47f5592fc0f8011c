"""Which models the demo asks: the run's or the checkpoint's, and one beside it."""

from collections.abc import Sequence
from dataclasses import replace

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.inference.grounded_model import GroundedModel
from grit.inference.sources import Source, source_of

BASE = "base"


def models_of(config: Config, overrides: Sequence[str]) -> list[GroundedModel]:
    """The model of ``checkpoint``, and that of ``demo.beside`` if there is one.

    Raises:
        GritError: one of them is not there, or cannot be loaded.
    """
    sources = [source_of(config, overrides)]
    if config.demo.beside == BASE:
        sources.append(_base(sources[0]))
    elif config.demo.beside is not None:
        try:
            sources.append(source_of(replace(config, checkpoint=config.demo.beside), overrides))
        except GritError as error:
            raise GritError(f"demo.beside={config.demo.beside}: {error}") from error
    return [GroundedModel(source) for source in sources]


def _base(first: Source) -> Source:
    """The model that another was trained from, asked in the same way."""
    if first.checkpoint is None:
        raise GritError(
            "demo.beside=base: the demo's model is a base itself; name a trained one: checkpoint="
        )
    return Source(first.config, None)
