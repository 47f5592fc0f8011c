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
    _check_servers([source.config for source in sources])
    return [GroundedModel(source) for source in sources]


def _check_servers(configs: Sequence[Config]) -> None:
    """Refuse two models on one server, which would answer for both by the weights sent last."""
    asked = [url for each in configs if each.rollout.name == "vllm" for url in each.rollout.urls]
    if len(set(asked)) < len(asked):
        raise GritError(
            "demo.beside: a server of rollout.urls has the weights of one model at a time: leave "
            "rollout.urls out, and a server is started for each, or ask by rollout=native"
        )


def _base(first: Source) -> Source:
    """The model that another was trained from, asked in the same way."""
    if first.checkpoint is None:
        raise GritError(
            "demo.beside=base: the demo's model is a base itself; name a trained one: checkpoint="
        )
    return Source(first.config, None)
