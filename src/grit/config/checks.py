"""What the types of a configuration cannot say: ranges, and fields that do not go together."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from grit.config.misspellings import close_to
from grit.config.schema import (
    Adaptation,
    Config,
    Dtype,
    SourceConfig,
    Task,
    Training,
)
from grit.config.training_settings import Decode
from grit.core.errors import GritError
from grit.judge.settings import OwnJudgeConfig, ServiceJudgeConfig, check_address

STRATEGIES = ("auto", "ddp", "zero1", "fsdp", "deepspeed_zero2")
PRECISIONS = ("32-true", "bf16-mixed")  # losses are not scaled, as 16-bit floats would need
IMAGE_SETTINGS = ("min_pixels", "max_pixels", "min_patches", "max_patches")
ATTENTIONS = ("sdpa", "eager", "flex_attention", "flash_attention_2")
LOGGERS = ("wandb", "none")
MODES = ("auto", "online", "offline", "disabled")
EXHIBITS = ("table1", "table2", "table3", "figure4", "figure5", "figure6")

Check = tuple[Callable[[Any], bool], str]


def _at_least(least: int) -> Check:
    return (lambda value: value >= least), f"at least {least}"


def _one_of(*names: str) -> Check:
    return (lambda value: value in names), f"one of {', '.join(names)}"


POSITIVE: Check = (lambda value: 0 < value < math.inf), "a positive number"
NOT_NEGATIVE: Check = (lambda value: 0 <= value < math.inf), "0 or a positive number"

FIGURE_RANGES: dict[str, Check] = {
    "correlation.chains": _at_least(1),
    "correlation.repeats": _at_least(1),
    "attention.samples": _at_least(1),
    "attention.tokens": _at_least(1),
}
# A field that is null is not checked.
RANGES: dict[str, Check] = {
    "threads": _at_least(1),
    "suite.limit": _at_least(1),
    "model.lora.rank": _at_least(1),
    "training.steps": _at_least(1),
    "training.prompts_per_step": _at_least(1),
    "training.group_size": _at_least(2),
    "training.updates_per_rollout": _at_least(1),
    "training.learning_rate": POSITIVE,
    "training.sft.steps": _at_least(1),
    "training.sft.learning_rate": POSITIVE,
    "training.warmup_steps": _at_least(0),
    "training.weight_decay": NOT_NEGATIVE,
    "training.clip_norm": POSITIVE,
    "training.beta": NOT_NEGATIVE,
    "training.epsilon": NOT_NEGATIVE,
    "training.advantage.delta": NOT_NEGATIVE,
    # Greedy completions of one prompt are all the same and teach nothing.
    "training.sampling.temperature": POSITIVE,
    "training.logp_temperature": POSITIVE,
    "training.sampling.top_p": ((lambda value: 0 < value <= 1), "above 0 and at most 1"),
    "training.sampling.top_k": _at_least(0),
    "training.sampling.max_new_tokens": _at_least(1),
    "training.tokens_per_rollout_batch": _at_least(1),
    "training.tokens_per_pass": _at_least(1),
    "training.tokens_per_chunk": _at_least(0),
    "training.feature_cache_mib": _at_least(0),
    "evaluation.max_new_tokens": _at_least(1),
    **FIGURE_RANGES,
    "trainer.max_steps": _at_least(1),
    "trainer.devices": _at_least(1),
    "trainer.num_nodes": _at_least(1),
    "trainer.checkpoint_every": _at_least(1),
    "trainer.stop_within": POSITIVE,
    "model.attention": _one_of(*ATTENTIONS),
    "trainer.strategy": _one_of(*STRATEGIES),
    "trainer.precision": _one_of(*PRECISIONS),
    "logger.name": _one_of(*LOGGERS),
    "logger.mode": _one_of(*MODES),
    "logger.sample_every": _at_least(1),
    "logger.rows": _at_least(0),
    "data.total": _at_least(1),
    "data.max_prompt_tokens": _at_least(1),
    "check.rows": _at_least(1),
    "preparation.counting_rows": _at_least(1),
    "preparation.workers": _at_least(1),
    "preparation.attempts": _at_least(1),
    "preparation.timeout": POSITIVE,
    "preparation.total_timeout": POSITIVE,
    "trainer.max_silence": POSITIVE,
}
SERVICE_RANGES: dict[str, Check] = {
    "judge.temperature": NOT_NEGATIVE,
    "judge.max_tokens": _at_least(1),
    "judge.max_failure_rate": ((lambda value: 0 <= value <= 1), "from 0 to 1"),
    "judge.in_flight": _at_least(1),
    "judge.attempts": _at_least(1),
    "judge.timeout": POSITIVE,
    "judge.total_timeout": POSITIVE,
    "judge.backoff": NOT_NEGATIVE,
}


def check(config: Config) -> None:
    """Raise GritError for the first thing that cannot work, before anything is loaded."""
    _check_ranges(config, RANGES)
    if config.experiment is not None:
        raise GritError("config: experiment: its file has to begin with '# @package _global_'")
    check_exhibits(config.exhibits)
    _check_task(config)
    _check_matcher(config)
    _check_trainer(config)
    _check_model(config)
    _check_method(config)
    if isinstance(config.judge, ServiceJudgeConfig):
        _check_ranges(config, SERVICE_RANGES)
        _check_service(config.judge)
    _check_sources("data.sources", config.data.sources)
    _check_sources("suite.sets", config.suite.sets)


def check_exhibits(names: Sequence[str]) -> None:
    """Raise GritError for a table or figure that there is none of."""
    for name in names:
        if name not in EXHIBITS:
            raise GritError(f"exhibits: {name} is not one; there are {', '.join(EXHIBITS)}")


def check_figures(config: Config) -> None:
    """The same for how an experiment's figures are measured: no business of its runs themselves."""
    _check_ranges(config, FIGURE_RANGES)
    _check_matcher(config)


def _check_ranges(config: Config, ranges: dict[str, Check]) -> None:
    for path, (holds, expected) in ranges.items():
        value = reduce(getattr, path.split("."), config)
        if value is not None and not holds(value):
            raise GritError(f"config: {path} must be {expected}, not {value}")


OF_RUNS = (Task.tables, Task.report, Task.correlation, Task.attention)


def _check_task(config: Config) -> None:
    owners = {
        "input": Task.score,
        "output": Task.score,
        "predictions": Task.evaluate,
        "checkpoint": Task.evaluate,
    }
    for name, task in owners.items():
        if getattr(config, name) is not None and config.task is not task:
            raise GritError(f"config: {name} is for task={task}, and this is task={config.task}")
    if config.data.check_only and config.task is not Task.data:
        raise GritError(f"config: data.check_only is for task=data, and this is task={config.task}")
    if config.runs and config.task not in OF_RUNS:
        known = ", ".join(OF_RUNS)
        raise GritError(f"config: runs is for task={known}, and this is task={config.task}")
    if config.task in OF_RUNS and not config.runs:
        raise GritError(
            f"config: task={config.task} needs runs=FOLDER or runs=[FOLDER,...]: finished runs"
        )
    if config.task is Task.score and not (config.input and config.output):
        raise GritError("config: task=score needs input=FILE.jsonl and output=FILE.jsonl")
    if config.predictions is not None and config.checkpoint is not None:
        raise GritError("config: evaluate either predictions=FILE or checkpoint=..., not both")


def _check_trainer(config: Config) -> None:
    processes = config.trainer.devices * config.trainer.num_nodes
    if processes > 1 and config.trainer.strategy == "auto":
        raise GritError(
            "config: trainer.devices and num_nodes above 1 need a trainer.strategy: trainer=ddp"
        )
    if config.method.training is not Training.none and config.training.prompts_per_step % processes:
        raise GritError(
            f"config: training.prompts_per_step={config.training.prompts_per_step} cannot be dealt "
            f"evenly to {processes} processes; use a multiple of {processes}"
        )


def _check_model(config: Config) -> None:
    model = config.model
    for name in model.image:
        if name not in IMAGE_SETTINGS:
            known = ", ".join(IMAGE_SETTINGS)
            raise GritError(f"config: model.image.{name} is no setting; there are {known}")
    if model.adaptation is Adaptation.lora and not model.lora.target_modules:
        raise GritError(
            "config: model.adaptation=lora needs model.lora.target_modules, "
            "for example [q_proj,k_proj,v_proj,o_proj]"
        )
    learns = config.method.training is not Training.none
    if model.attention == "flash_attention_2" and learns and config.training.share_prompt:
        raise GritError(
            "config: model.attention=flash_attention_2 needs training.share_prompt=false: it takes "
            "no mask for completions that share a prompt; sdpa and flex_attention do"
        )
    plain = config.training.decode in (Decode.auto, Decode.dynamic)
    if model.attention == "flash_attention_2" and not plain:
        raise GritError(
            f"config: training.decode={config.training.decode} needs model.attention=sdpa, eager "
            "or flex_attention: flash_attention_2 cannot leave slots of a static cache out"
        )
    if model.adaptation is Adaptation.full and model.dtype is Dtype.bfloat16:
        raise GritError(
            "config: model.adaptation=full with model.dtype=bfloat16 loses small updates; "
            "use model.dtype=float32 (with trainer.precision=bf16-mixed on a GPU) or lora"
        )


def _check_method(config: Config) -> None:
    method = config.method
    if method.example and not method.suffix:
        raise GritError("config: method.example=true needs method.suffix=true")
    if method.training is not Training.none and not method.tagged_answer:
        raise GritError(
            f"config: method.training={method.training} needs method.tagged_answer=true"
        )
    if method.suffix and not method.tagged_answer:
        raise GritError(
            "config: method.suffix=true needs method.tagged_answer=true: the suffix asks for "
            "<answer>, and a whole completion is judged only where there are no tags"
        )


def _check_matcher(config: Config) -> None:
    """Before all the training that figure 4 comes after."""
    measured = "figure4" in config.exhibits and config.task is not Task.tables
    if not (measured or config.task is Task.correlation):
        return
    if isinstance(config.judge, OwnJudgeConfig):
        raise GritError(
            "config: figure 4 shows pictures to its judge, and judge=own takes answers alone: "
            "judge=openai, or judge=rules for drawn scenes"
        )
    if not measured:
        return  # which runs they are, and what they show, is not known yet
    photographed = [name for name, source in config.suite.sets.items() if source.kind is None]
    if photographed and not isinstance(config.judge, ServiceJudgeConfig):
        raise GritError(
            f"config: figure 4 of suite={config.suite.name} needs judge=openai: "
            f"judge={config.judge.name} knows what drawn scenes show, and {photographed[0]} has "
            "photographs"
        )


def _check_service(judge: ServiceJudgeConfig) -> None:
    check_address(judge.base_url)
    for model, price in (judge.prices or {}).items():
        if not (0 <= price.input < math.inf and 0 <= price.output < math.inf):
            raise GritError(f"config: judge.prices.{model} must be two numbers of at least 0")


def _check_sources(where: str, sources: Mapping[str, SourceConfig]) -> None:
    for name, source in sources.items():
        path = f"{where}.{name}"
        if source.file is None and source.kind is None and (close := close_to(name, sources)):
            raise GritError(f"config: {path} has no rows; did you mean {where}.{close}?")
        if (source.file is None) == (source.kind is None):
            raise GritError(f"config: {path} needs either file (JSONL) or kind (drawn scenes)")
        if source.kind is not None and source.rows is None:
            raise GritError(f"config: {path}.rows is needed: drawn scenes have no end")
        if source.rows is not None and source.rows < 1:
            raise GritError(
                f"config: {path}.rows must be at least 1, not {source.rows}; ~{path} leaves it out"
            )
