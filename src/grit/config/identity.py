"""Fingerprints of a configuration, and the folder name made of them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

from grit.config.schema import Config
from grit.core.fingerprints import code_fingerprint, fingerprint
from grit.core.folder_fingerprint import folder_fingerprint
from grit.core.settings import declared
from grit.judge.settings import OwnJudgeSettings

NOT_RESULTS = tuple(each.path for each in declared(Config) if not each.changes_results)
"""Paths of the settings that change how a run looks or where it runs, not what it computes."""
_OF_PATIENCE = ("evaluation.every", "validation")  # with it, they say when training ends
REPEATED = ("seed", "data.seed")  # runs that differ only in these are repetitions of each other
OF_TRAINING = (  # ignored by methods without training
    *("seed", "data", "reward", "training", "trainer.max_steps", "rollout.importance_cap"),
    *(f"rollout.sampling.{name}" for name in ("temperature", "top_k", "top_p")),
)


def plain(config: Config) -> dict[str, Any]:
    """The configuration as nested plain values, for files and loggers."""
    return asdict(config)


def made_of(config: Config) -> dict[str, Any]:
    """The fields of ``results.json`` that come from the configuration."""
    parts = ("method", "model", "data", "reward")
    return {part: getattr(config, part).name for part in parts} | {
        "judge": config.judge.label,
        "seed": config.seed,
        "settings_hash": settings_hash(config),
    }


def not_results(values: Mapping[str, Any]) -> tuple[str, ...]:
    """``NOT_RESULTS`` in a configuration of these values: with patience, validations count."""
    evaluation = values.get("evaluation", {})
    ends = evaluation.get("every") and evaluation.get("patience") is not None
    return tuple(path for path in NOT_RESULTS if not (ends and path in _OF_PATIENCE))


def config_hash(config: Config) -> str:
    """Hash of all settings that can change a result, in twelve hex digits."""
    values = plain(config)
    return fingerprint(_without(values, not_results(values)))


def settings_hash(config: Config) -> str:
    """``config_hash`` without the seeds: equal for repetitions of a run with other seeds.

    The seeds are the run's ``seed`` and ``data.seed``, which draws the training triplets. For a
    method without training ``OF_TRAINING`` is left out.
    """
    unused = REPEATED if config.method.learns else OF_TRAINING
    values = plain(config)
    return fingerprint(_without(values, (*not_results(values), *unused)))


def rescored_hash(trained: str, config: Config) -> str:
    """The ``settings_hash`` of a run whose predictions are scored again.

    Args:
        trained: the run's own, since training made the predictions what they are.
        config: what scores them now.
    """
    scoring = _without(plain(config), NOT_RESULTS)["judge"], config.method.tagged_answer
    return fingerprint([trained, *scoring])


def code_hash(config: Config) -> str:
    """Hash of the code, and of a shipped or local base model, in twelve hex digits."""
    calls = [term.call for term in config.reward.terms.values()] if config.method.learns else []
    if isinstance(config.judge, OwnJudgeSettings) and config.judge.call is not None:
        calls.append(config.judge.call)
    code, base = code_fingerprint(config.model.path, tuple(calls)), base_model(config.model.path)
    return code if base is None else fingerprint([code, base])


def base_model(path: str) -> str | None:
    """Hash of a base model in a local folder, which others may overwrite; None for other models."""
    return folder_fingerprint(Path(path)) if Path(path).is_dir() else None


def without_unused_seed(config: Config) -> Config:
    """Set both seeds to 0 for untrained methods, which ignore them: their evaluation is greedy.

    But ``task=data`` draws its mixtures by ``data.seed`` whatever the method is.
    """
    if config.method.learns:
        return config
    data = config.data if config.task == "data" else replace(config.data, seed=0)
    return replace(config, seed=0, data=data)


def folder_name(config: Config) -> str:
    """A folder name that is the same for the same run, and differs where results could differ."""
    config = without_unused_seed(config)
    parts = [config.model.name, config.data.name, config.method.name]
    if config.task != "train":
        parts.insert(0, config.task)
    if config.method.learns:
        parts += [] if config.reward.name == "grpo_gr" else [config.reward.name]
        parts.append(f"seed{config.seed}")
    identity = fingerprint([config_hash(config), code_hash(config)])
    return "-".join([*parts, identity[:8]])


def is_below(path: str, groups: Iterable[str]) -> bool:
    """Whether a dotted path is one of ``groups``, or that of a setting in one of them."""
    return any(path == group or path.startswith(f"{group}.") for group in groups)


def _without(values: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Remove the dotted ``paths``, where they exist, from nested ``values``; return ``values``."""
    for path in paths:
        *parents, last = path.split(".")
        reduce(lambda node, name: node[name], parents, values).pop(last, None)  # judges differ
    return values
