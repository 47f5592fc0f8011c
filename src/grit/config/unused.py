"""Overrides that change nothing in the run that they are given to."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grit.config.schema import Config, Task
from grit.core.settings import declared

Fields = tuple[str, ...]  # dotted names; each stands for what is below it too


class Unused(NamedTuple):
    """An override without effect."""

    override: str
    reason: str
    refused: bool  # whoever gives it expects another run than this one

    def __str__(self) -> str:
        return f"{self.override} changes nothing: {self.reason}"


class _Rule(NamedTuple):
    reason: str
    refused: Fields  # what only belongs to a run of another kind
    said: Fields  # what is left over without doing harm
    used: Fields = ()  # of the fields above, those that count all the same


# Fields of training that an evaluation goes by too, and one that asks for nothing.
_EVALUATION = tuple(
    f"training.{name}"
    for name in (
        *("sampling.max_new_tokens", "tokens_per_rollout_batch", "share_prefill"),
        *("compact_rollout", "decode", "feature_cache_mib", "must_learn"),
    )
)
_TRAINING = ("reward", "trainer.max_steps", "training", "data.sources", "data.seed", "data.total")
_WHILE_TRAINING = (
    *("trainer.checkpoint_every", "logger.sample_every"),
    *("evaluation.before_training", "evaluation.after_training"),
)
_OF: dict[str, Fields] = {  # the settings of one way of training
    training: tuple(each.path for each in declared(Config) if each.of == training)
    for training in ("grpo_gr", "sft")
}
_FIGURES = ("correlation", "attention")
_PARTS = (
    *("model", "data", "method", "reward", "judge", "suite", "training", "trainer", "evaluation"),
    *("pretrain", "preparation", *_FIGURES),
)
# What the other tasks go by; of `logger`, `threads`, `seed` and `experiment` nobody expects more.
_USED: dict[Task, Fields] = {
    "score": ("reward", "judge"),
    "tables": (),
    "report": (),
    "correlation": ("judge", "correlation"),
    "attention": ("attention",),
    "pretrain": ("model", "pretrain"),
    "data": ("data", "suite", "preparation", "trainer.progress_bar"),
}


def unused(config: Config, overrides: Sequence[str]) -> list[Unused]:
    """The overrides of the command line that this configuration does not go by.

    What files say is another matter: an experiment's or a preset's are written for many runs.
    """
    found = []
    rules = list(_rules(config))
    for override in overrides:
        if override.endswith("={}"):
            found.append(Unused(override, "it adds nothing, ~NAME takes an entry away", True))
            continue
        name = override.lstrip("+~").partition("=")[0].partition("@")[0]
        for rule in rules:
            refused = _below(name, rule.refused)
            if (refused or _below(name, rule.said)) and not _counts(name, rule.used):
                found.append(Unused(override, rule.reason, refused))
                break
    return found


def one_of_many(multirun: bool) -> bool:
    """Whether a run got its overrides together with others, for which they may be meant."""
    return multirun or "WANDB_SWEEP_ID" in os.environ  # which an agent of W&B's sweeps sets


def _rules(config: Config) -> Iterator[_Rule]:
    task, method = config.task, config.method
    if task in _USED:
        yield _Rule(f"task={task} does not go by it", (), _PARTS, _USED[task])
    elif task in ("train", "check") and not method.learns:
        reason = f"method={method.name} trains nothing"
        if not (config.evaluation.before_training or config.evaluation.after_training):
            both = "evaluation.before_training", "evaluation.after_training"
            yield _Rule(f"{reason}, so its one evaluation is all there is to do", both, ())
        yield _Rule(reason, _TRAINING, _WHILE_TRAINING, _EVALUATION)
    elif task == "evaluate":
        yield _Rule("task=evaluate trains nothing", _TRAINING, _WHILE_TRAINING, _EVALUATION)
        if config.predictions is not None:
            made = ("suite", "trainer", "training", "evaluation")
            yield _Rule("predictions= are scored as they are", (), made)
    elif method.training == "sft":
        kept = ("training.sampling.max_new_tokens",)
        reason = f"method={method.name} learns from traces, without a reward"
        yield _Rule(reason, ("reward",), _OF["grpo_gr"], kept)
    else:
        yield _Rule(f"method={method.name} is no fine-tuning", (), _OF["sft"])
    if task in ("train", "evaluate"):
        others = ("pretrain", "preparation", "check", *(() if config.exhibits else _FIGURES))
        yield _Rule(f"it is for other tasks than task={task}", (), others)


def _counts(name: str, used: Fields) -> bool:
    """Whether a field is used, or a choice sets some that are: ``training=paper``."""
    return _below(name, used) or any(each.startswith(f"{name}.") for each in used)


def _below(name: str, fields: Fields) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in fields)
