"""Which settings and weights a checkpoint means: a run's, a model folder's, the Hub's.

A run's folder has its settings beside its weights, and these count. A model or an adapter of
elsewhere says itself what it is. What the command line sets itself comes before either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from grit.config.schema import Config
from grit.config.stored import stored_config
from grit.core.errors import GritError
from grit.evaluation.settings import EvaluationSettings
from grit.models.folders import ADAPTER, optional_settings, settings_in
from grit.models.folders import CONFIG as MODEL_CONFIG
from grit.models.loading import Checkpoint, find_checkpoint
from grit.models.names import is_hub_id
from grit.models.processors import stored_image_settings
from grit.models.settings import ModelSettings
from grit.runs.finished import trained_weights
from grit.runs.run_record import CONFIG, RECORD

_PARTS = ("model", "method", "evaluation", "rollout", "trainer", "threads")  # that asking goes by
_LENGTHS = (["evaluation", "max_new_tokens"], ["rollout", "sampling", "max_new_tokens"])
_PROMPT = ["data", "max_prompt_tokens"]  # asking goes by this alone of a data set


@dataclass(frozen=True)
class Source:
    """A model with the settings by which it is loaded and asked."""

    config: Config
    checkpoint: Checkpoint | None  # trained weights in the place of the base's
    run: Path | None = None  # the folder that the settings are from
    is_evaluated: bool = False  # whether the run's results are those of these weights

    @property
    def name(self) -> str:
        """What people call it, without places of this machine."""
        if self.run is not None:
            return self.run.name
        if self.checkpoint is not None:
            local = Path(self.checkpoint.name).exists()
            return Path(self.checkpoint.name).name if local else self.checkpoint.name
        name = self.config.model.name
        return Path(name).name if Path(name).exists() else name


def source_of(config: Config, overrides: Sequence[str]) -> Source:
    """The model that ``checkpoint`` and the overrides of a command line name.

    Args:
        config: as composed.
        overrides: that it was composed of; what they set counts more than a run's settings.

    Raises:
        GritError: there is no such run or model, or its settings do not fit this version.
    """
    name, given = config.checkpoint, _given(overrides)
    if name is None:
        return Source(config, None)
    run = run_of(Path(name))
    if run is not None:
        stored = stored_config(run / CONFIG)
        native = replace(stored.rollout, name="native")  # another engine is for who asks to name
        stored = replace(stored, rollout=native)
        weights = trained_weights(stored, run) if Path(name).resolve() == run else name
        for path in given:
            stored = _overridden(stored, config, _LENGTHS[0] if path in _LENGTHS else path)
        named = None if weights is None else find_checkpoint(weights)
        last = trained_weights(stored, run)
        evaluated = None if last is None else find_checkpoint(last).path.resolve()
        is_evaluated = named is not None and named.path.resolve() == evaluated
        return Source(stored, named, run, is_evaluated)
    checkpoint = find_checkpoint(name)
    if ["model"] in given:
        return Source(config, checkpoint)
    found = _itself(checkpoint) if checkpoint.is_full_model else _base_of(checkpoint)
    for path in given:
        if path[0] == "model":
            found = _overridden(found, config.model, path[1:])
    if not any(path in _LENGTHS for path in given):  # the miniature's is too short
        evaluation = replace(config.evaluation, max_new_tokens=EvaluationSettings().max_new_tokens)
        config = replace(config, evaluation=evaluation)
    return Source(replace(config, model=found), None if checkpoint.is_full_model else checkpoint)


def run_of(path: Path) -> Path | None:
    """The folder of the run that a path lies in, resolved: at most two folders up; else None."""
    if not path.exists():
        return None
    path = path.resolve()
    for folder in (path, *path.parents[:2]):
        if (folder / CONFIG).is_file() and (folder / RECORD).is_file():
            return folder
    return None


def _given(overrides: Sequence[str]) -> list[list[str]]:
    """The settings that overrides set, as paths: ``model=a`` and ``model.dtype=b``.

    A data set chosen here, ``data=a``, stands for its longest prompt: the rest of a run's data is
    what it was trained on.
    """
    names = (override.lstrip("+~").partition("=")[0].partition("@")[0] for override in overrides)
    paths = [name.split(".") for name in names]
    paths = [_PROMPT if path == ["data"] else path for path in paths]
    return [path for path in paths if path[0] in _PARTS or path == _PROMPT]


def _overridden(settings: Any, by: Any, path: Sequence[str]) -> Any:
    """``settings`` with the value of another object of the class at a path."""
    head, *rest = path
    mine, value = getattr(settings, head), getattr(by, head)
    if rest and is_dataclass(value):
        value = _overridden(mine, value, rest)
    elif rest and isinstance(value, dict):
        value = mine | ({rest[0]: value[rest[0]]} if rest[0] in value else {})
    return replace(settings, **{head: value})


def _itself(checkpoint: Checkpoint) -> ModelSettings:
    """Settings of a whole model, which is its own base; its processor has its image settings."""
    return ModelSettings(
        name=checkpoint.name, path=str(checkpoint.path), dtype=_stored_dtype(checkpoint.path)
    )


def _base_of(checkpoint: Checkpoint) -> ModelSettings:
    """Settings of the base that an adapter of peft names, with the adapter's image settings.

    The processor beside an adapter is that of its training; the base's own may give other sizes.

    Raises:
        GritError: it names none that is here or on the Hub.
    """
    if checkpoint.path.is_file():
        raise GritError(f"checkpoint={checkpoint.name}: say by model= which model it is of")
    fields = settings_in(checkpoint.path, ADAPTER)
    base, revision = fields.get("base_model_name_or_path"), fields.get("revision")
    there = isinstance(base, str) and (Path(base).is_dir() or is_hub_id(base))
    if not isinstance(base, str) or not there:
        raise GritError(
            f"checkpoint={checkpoint.name} is an adapter of {base or 'a model without a name'}, "
            "which is not here: say by model= which model it is of"
        )
    folder = Path(base)
    return ModelSettings(
        name=base,
        path=base,
        revision=revision if isinstance(revision, str) else None,
        dtype=_stored_dtype(folder) if folder.is_dir() else "bfloat16",
        image=stored_image_settings(checkpoint.path),
    )


def _stored_dtype(folder: Path) -> Any:
    """``float32`` if the weights are stored so, else ``bfloat16``."""
    fields = optional_settings(folder, MODEL_CONFIG)
    stored = fields.get("dtype") or fields.get("torch_dtype")
    return "float32" if stored == "float32" else "bfloat16"
