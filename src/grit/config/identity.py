"""What a configuration is known by: fingerprints, and a folder's name made of them."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import reduce
from typing import Any

from grit.config.schema import Config
from grit.core.fingerprints import code_fingerprint, fingerprint
from grit.core.settings import declared
from grit.judge.settings import OwnJudgeSettings

NOT_RESULTS = tuple(each.path for each in declared(Config) if not each.changes_results)
"""The settings that change how a run looks or where it runs, not what it computes."""
REPEATED = ("seed", "data.seed")  # runs that differ in these alone are repetitions of each other
OF_TRAINING = ("seed", "data", "reward", "training")  # nothing else draws or learns


def plain(config: Config) -> dict[str, Any]:
    """The configuration as plain values, for files and loggers."""
    return asdict(config)


def made_of(config: Config) -> dict[str, Any]:
    """The fields of a run's results that its configuration has."""
    parts = ("method", "model", "data", "reward")
    return {part: getattr(config, part).name for part in parts} | {
        "judge": config.judge.label,
        "seed": config.seed,
        "settings_hash": settings_hash(config),
    }


def config_hash(config: Config) -> str:
    """Twelve hex digits that change with every field that can change a result."""
    return fingerprint(_without(plain(config), NOT_RESULTS))


def settings_hash(config: Config) -> str:
    """The same but for the seeds: runs that differ in nothing else are repetitions of each other.

    These are the run's seed, and ``data.seed``, which draws the training triplets. What a method
    without training does not use does not count.
    """
    unused = REPEATED if config.method.learns else OF_TRAINING
    return fingerprint(_without(plain(config), (*NOT_RESULTS, *unused)))


def code_hash(config: Config) -> str:
    """Twelve hex digits that change with the code and the shipped weights behind the results."""
    calls = [term.call for term in config.reward.terms.values()] if config.method.learns else []
    if isinstance(config.judge, OwnJudgeSettings) and config.judge.call is not None:
        calls.append(config.judge.call)
    return code_fingerprint(config.model.path, tuple(calls))


def without_unused_seed(config: Config) -> Config:
    """Untrained methods ignore both seeds, which are set to 0: greedy evaluation draws nothing.

    But ``task=data`` draws its mixtures by ``data.seed`` whatever the method is.
    """
    if config.method.learns:
        return config
    data = config.data if config.task == "data" else replace(config.data, seed=0)
    return replace(config, seed=0, data=data)


def folder_name(config: Config) -> str:
    """A folder's name that is the same for the same run, and another where results could differ."""
    config = without_unused_seed(config)
    parts = [config.model.name, config.data.name, config.method.name]
    if config.task != "train":
        parts.insert(0, config.task)
    if config.method.learns:
        parts += [] if config.reward.name == "grpo_gr" else [config.reward.name]
        parts.append(f"seed{config.seed}")
    identity = fingerprint([config_hash(config), code_hash(config)])
    return "-".join([*parts, identity[:8]])


def _without(values: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Nested values but for those at the dotted ``paths``; ``values`` are changed."""
    for path in paths:
        *parents, last = path.split(".")
        reduce(lambda node, name: node[name], parents, values).pop(last, None)  # judges differ
    return values
