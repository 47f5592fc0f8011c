"""The jobs of a multirun, composed before the first of them starts."""

from collections.abc import Iterator, Sequence
from itertools import product

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

PARTS = ("model", "data", "suite", "judge")  # groups that decide model, questions and judge


def planned(config: DictConfig) -> Iterator[DictConfig]:
    """Yield composed jobs of a multirun, one for each combination of the groups in ``PARTS``.

    Combinations that cannot be composed are skipped: Hydra reports them itself.
    """
    loader = GlobalHydra.instance().config_loader()
    swept = [
        f"{key}={values}" for key, values in (config.hydra.sweeper.get("params") or {}).items()
    ]
    try:
        overrides = _parsed([*swept, *config.hydra.overrides.task])
    except HydraException:
        return
    for chosen in product(*map(_choices, overrides)):
        try:
            yield loader.load_sweep_config(config, list(chosen))
        except (HydraException, OmegaConfBaseException):
            continue


def asks_for(overrides: Sequence[str], group: str, choice: str) -> bool:
    """Whether overrides choose ``choice`` of a group, alone or as one value of a sweep."""
    parsed = [each for each in _parsed(overrides) if each.key_or_group in (group, f"{group}.name")]
    return any(chosen.partition("=")[2] == choice for each in parsed for chosen in _choices(each))


def _parsed(overrides: Sequence[str]) -> list[Override]:
    """Parse overrides; of several with the same key the last is kept, as in Hydra's sweeps."""
    loader = GlobalHydra.instance().config_loader()
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(overrides))
    return list({override.get_key_element(): override for override in parsed}.values())


def _choices(override: Override) -> list[str]:
    """The values of an override over the jobs, as ``KEY=VALUE``.

    Of a sweep outside ``PARTS`` only the first value; none of a sweep that is not discrete.
    """
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        return []
    values = list(override.sweep_string_iterator())
    kept = values if str(override.key_or_group).split(".")[0] in PARTS else values[:1]
    return [f"{override.get_key_element()}={value}" for value in kept]
