"""Overrides that have no effect in the run that they are given to."""

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from grit.config.configuration import CONF
from grit.config.identity import is_below
from grit.config.schema import Config, Task
from grit.core.errors import GritError
from grit.core.settings import declared
from grit.models.names import TINY
from grit.rollout.settings import RolloutSettings
from grit.training.settings import TrainingSettings

Fields = tuple[str, ...]  # dotted paths; each includes the fields below it


class Unused(NamedTuple):
    """An override without effect."""

    override: str
    reason: str
    refused: bool  # an error, because the user expects another run than this one

    def __str__(self) -> str:
        return f"{self.override} changes nothing: {self.reason}"


class _Rule(NamedTuple):
    reason: str
    refused: Fields  # belong to another kind of run: an error
    said: Fields  # harmless: a line in the log
    used: Fields = ()  # exceptions: fields among these that do have an effect


def _in(group: str, *names: str) -> Fields:
    return tuple(f"{group}.{name}" for name in names)


# Fields of these that an evaluation uses too, and must_learn, which is ignored silently.
_EVALUATION = (
    *("training.feature_cache_mib", "training.must_learn", "training.needs"),
    "rollout.sampling.max_new_tokens",
)
_TRAINING = (
    *("reward", "objective", "training", "trainer.max_steps"),
    *("rollout.sampling", "rollout.importance_cap"),
    *("data.sources", "data.seed", "data.total"),
)
_WHILE_TRAINING = (
    *("trainer.checkpoint_every", "logger.sample_every", "validation"),
    *("evaluation.before_training", "evaluation.after_training"),
    *("evaluation.every", "evaluation.patience"),
)
_OF: dict[str, Fields] = {  # settings that only one way of training uses
    training: tuple(each.path for each in declared(Config) if each.of == training)
    for training in ("grpo_gr", "sft")
}
_OF_DECODING = _in(
    "rollout", "share_prefill", "compact", "decode", "tokens_per_batch", "merge_lora"
)
_OF_SERVERS = _in(
    "rollout",
    *("urls", "launch", "python", "gpus", "server_options"),
    *("start_within", "timeout", "weights_folder"),
)
_NOT_OF_LOGGER = {  # settings that only W&B uses, or not every logger
    "trackio": _in("logger", "entity", "mode", "tags"),
    "tensorboard": _in("logger", "entity", "mode", "tags", "project", "group"),
    "none": _in("logger", "entity", "mode", "tags", "project", "group", "sample_every", "rows"),
}
_ASKING = (
    *("model", "method", "evaluation.max_new_tokens"),
    *("trainer.accelerator", "trainer.precision", "rollout.name", *_OF_DECODING, *_OF_SERVERS),
    *("rollout.sampling.max_new_tokens", "data.max_prompt_tokens"),
)
_OF_RATIOS = ("epsilon_high", "ratio_limit", "sapo_positive", "sapo_negative", "surrogate")
_ONLY_RATIOS = ("gspo", "sapo")  # objectives that change nothing else
_FIGURES = ("correlation", "attention", "faithfulness")
_PARTS = (
    *("model", "data", "method", "reward", "judge", "suite", "training", "objective", "trainer"),
    "rollout",
    *("evaluation", "pretrain", "preparation", "export", "demo", *_FIGURES),
)
_ROOTS = ("data.root", "suite.root")  # of runs whose test files do not lie where they did
# The parts that the other tasks use. `logger`, `threads`, `seed`, `experiment` are not reported.
_USED: dict[Task, Fields] = {
    "score": ("reward", "judge"),
    "tables": (),
    "report": (),
    "correlation": ("judge", "correlation", *_ROOTS),
    "attention": ("attention", "rollout.tokens_per_batch", *_ROOTS),
    "faithfulness": (
        *("judge", "faithfulness", "rollout.name", "rollout.tokens_per_batch", *_OF_SERVERS),
        *_ROOTS,
    ),
    "pretrain": ("model", "pretrain"),
    "infer": (*_ASKING, "evaluation.temperature"),
    "demo": (*_ASKING, "demo"),
    "export": ("model", "method", "evaluation.max_new_tokens", "export"),
    "data": (
        *("data.root", "data.seed", "data.check_only", "suite.root", "suite.sets"),
        *("preparation", "trainer.progress_bar"),
    ),
}


def unused(config: Config, overrides: Sequence[str]) -> list[Unused]:
    """The overrides of the command line that have no effect on this run.

    Values in files are not reported: experiments and presets are written for many runs.
    """
    found = []
    rules = list(_rules(config))
    for override in overrides:
        if override.endswith("={}"):
            found.append(Unused(override, "it adds nothing, ~NAME takes an entry away", True))
            continue
        group, _, package = override.lstrip("+~").partition("=")[0].partition("@")
        name = package.removeprefix("_global_.") or group  # suite@validation sets validation
        for rule in rules:
            refused = is_below(name, rule.refused)
            if (refused or is_below(name, rule.said)) and not _counts(name, rule.used):
                found.append(Unused(override, rule.reason, refused))
                break
    return found


def check_choices(overrides: Sequence[str], model_path: str) -> None:
    """Refuse a training preset that is an objective where it would train something else.

    Such presets have the miniature's steps, rates and limits beside the objective.

    Args:
        overrides: of the command line.
        model_path: ``model.path``.

    Raises:
        GritError: another objective is chosen beside it, or the model is a full one.
    """
    chosen = dict(each.lstrip("+").partition("=")[::2] for each in overrides)
    preset, objective = chosen.get("training"), chosen.get("objective")
    if preset is None or not (CONF / "objective" / f"{preset}.yaml").is_file():
        return
    if objective not in (None, preset):
        raise GritError(
            f"config: training={preset} is objective={preset}, beside which objective={objective} "
            "cannot be: leave one of them out"
        )
    if not model_path.startswith(TINY):
        raise GritError(
            f"config: training={preset} has the steps, rates and limits of the tiny models; "
            f"objective={preset} has the same objective with those of model.path={model_path}"
        )


def one_of_many(multirun: bool) -> bool:
    """Whether a run is part of a multirun or a sweep, so that overrides may be for other runs."""
    return multirun or "WANDB_SWEEP_ID" in os.environ  # set by the agent of a W&B sweep


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
        said = () if config.predictions is None else ("reward.name",)  # of who made them
        used = (*_EVALUATION, *said)
        yield _Rule("task=evaluate trains nothing", _TRAINING, _WHILE_TRAINING, used)
        if config.predictions is not None:
            made = ("suite", "trainer", "training", "rollout", "evaluation")
            used = ("evaluation.harnesses", "suite.name")  # the results say the suite's name
            yield _Rule("predictions= are scored as they are", (), made, used)
    elif method.training == "sft":
        kept = ("rollout.sampling.max_new_tokens",)
        reason = f"method={method.name} learns from traces, without a reward"
        yield _Rule(reason, ("reward", "objective"), _OF["grpo_gr"], kept)
    else:
        yield _Rule(f"method={method.name} is no fine-tuning", (), _OF["sft"])
        yield from _loss_rules(config.training)
        yield from _ratio_rules(config.training, config.rollout)
    if method.learns and config.evaluation.every > config.trainer.max_steps:
        reason = f"training ends after {config.trainer.max_steps} steps, before a validation"
        yield _Rule(reason, (), ("evaluation.every", "evaluation.patience", "validation"))
    if not config.evaluation.every:
        reason = "evaluation.every=0 validates nothing"
        yield _Rule(reason, ("evaluation.patience",), ("validation",))
    yield _engine_rule(config.rollout)
    if task in ("train", "check") and method.learns and config.model.adaptation == "full":
        yield _Rule("model.adaptation=full adds no adapters", ("model.lora",), ())
    logger = config.logger.name
    of_report = ("logger.entity", "logger.project") if task == "report" else ()
    not_of_it = _NOT_OF_LOGGER.get(logger, ())
    yield _Rule(f"logger={logger} has no such thing", (), not_of_it, of_report)
    if reason := _draws_nothing(config):
        yield _Rule(reason, (), ("evaluation.temperature",))
    if task in ("train", "evaluate"):
        others: Fields = ("pretrain", "preparation", "check", "export", "demo")
        others += () if config.exhibits else _FIGURES
        yield _Rule(f"it is for other tasks than task={task}", (), others)


def _draws_nothing(config: Config) -> str:
    """Why no answer is drawn at a temperature; empty if some are."""
    if config.task == "infer":
        return "" if config.samples > 1 else "samples=1 is the greedy answer"
    return "" if config.evaluation.samples else "evaluation.samples=0 draws none"


def _loss_rules(training: TrainingSettings) -> Iterator[_Rule]:
    """The settings of advantages and the loss that another one takes the place of."""
    objective, advantage, perception = (
        f"training.{part}" for part in ("objective", "advantage", "perception")
    )
    gate = f"{objective}.sapo_positive", f"{objective}.sapo_negative"
    ends = "training.epsilon", f"{objective}.epsilon_high"
    match training.objective.surrogate:
        case "cispo":
            yield _Rule("cispo's one limit is training.objective.ratio_limit", (*ends, *gate), ())
        case "sapo":
            yield _Rule("sapo clips no ratio", (*ends, f"{objective}.ratio_limit"), ())
        case _:
            yield _Rule("the surrogate is not sapo", gate, ())
    if training.advantage.by_term:
        replaced = f"{advantage}.baseline", f"{advantage}.scale"
        yield _Rule("by_term normalises every term in its group", replaced, ())
    elif training.advantage.scale == "none":
        divided = f"{advantage}.delta", f"{advantage}.sample_std"
        yield _Rule("training.advantage.scale=none divides by nothing", divided, ())
    if not training.beta:
        yield _Rule("training.beta=0 has no KL term", (f"{objective}.beta_schedule",), ())
    if training.perception.top_share is None:
        yield _Rule("top_share=null scales nothing", (f"{perception}.least_scale",), ())
    if not training.perception.active:
        blanking = f"{perception}.blanked", f"{perception}.patch"
        yield _Rule("no term looks at a blanked image", blanking, ())


def _ratio_rules(training: TrainingSettings, rollout: RolloutSettings) -> Iterator[_Rule]:
    """What acts on ratios alone, which are 1 at one update a rollout: every surrogate is then A.

    But the gradient of equation 3's ratio of a sequence grows with its length.
    """
    limit = training.objective.ratio_limit
    cut = limit is not None and limit < 1
    if training.updates_per_rollout > 1 or training.ratio == "sequence" or cut:
        return
    ends = "training.epsilon", *_in("training.objective", *_OF_RATIOS)
    averaged = () if rollout.name != "native" or rollout.merge_lora else ("training.ratio",)
    named = training.objective.name in _ONLY_RATIOS and averaged
    reason = "at one update a rollout (training.updates_per_rollout=1) every ratio is 1"
    yield _Rule(reason, (), (*ends, *averaged, *(("objective",) if named else ())))


def _engine_rule(rollout: RolloutSettings) -> _Rule:
    """The settings of the engine that is not chosen."""
    if rollout.name == "native":
        corrected = ("rollout.importance_cap",) if rollout.merge_lora else ()
        servers = (*_OF_SERVERS, "rollout.importance_cap")
        return _Rule("rollout=native asks no server", servers, (), corrected)
    return _Rule(f"rollout={rollout.name} does not decode in this process", (), _OF_DECODING)


def _counts(name: str, used: Fields) -> bool:
    """Whether a field is in ``used``, or is a group that has such fields: ``training=paper``."""
    return is_below(name, used) or any(each.startswith(f"{name}.") for each in used)
