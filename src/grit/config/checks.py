"""Checks across the fields of a configuration, which their types cannot express."""

from collections.abc import Sequence
from math import gcd
from typing import get_args

from grit.config.objective_checks import check_objective
from grit.config.schema import Config, Exhibit, FigureSettings, Task
from grit.config.source_checks import check_sources
from grit.core.errors import GritError
from grit.core.keys import is_address
from grit.data.preparation.settings import PreparationSettings
from grit.judge.settings import OwnJudgeSettings, ServiceJudgeSettings, check_address
from grit.rollout.settings import LARGEST_LORA

IMAGE_SETTINGS = ("min_pixels", "max_pixels", "min_patches", "max_patches")
LONGEST_PROJECT, NOT_IN_A_PROJECT = 128, "/\\#?%:"  # W&B's
NEEDS = (  # of training presets, read by the files of conf/model, conf/trainer and conf/rollout
    *("adaptation", "dtype", "freeze_vision", "precision"),
    *("temperature", "top_k", "max_new_tokens", "tokens_per_batch"),
)
EXHIBITS: tuple[str, ...] = get_args(Exhibit)
FOLDERS = ("hydra.run.dir=", "hydra.sweep.dir=")  # of a single run, and of several


def check(config: Config) -> None:
    """Raise GritError for the first combination of settings that cannot work."""
    if config.experiment is not None:
        raise GritError("config: experiment: its file has to begin with '# @package _global_'")
    _check_task(config)
    check_figures(FigureSettings.of(config), config.task)
    _check_trainer(config)
    _check_model(config)
    _check_training(config)
    check_objective(config)
    _check_sampling(config)
    _check_rollout(config)
    _check_logger(config)
    _check_downloads(config.preparation)
    _check_method(config)
    if isinstance(config.judge, ServiceJudgeSettings):
        check_address(config.judge.base_url)
    check_sources(config)


def check_figures(figures: FigureSettings, task: Task) -> None:
    """Check, before any training, that the judge can score the pictures of figure 4.

    Raises:
        GritError: it takes no pictures, or is ``rules`` while a test set has photographs.
    """
    measured = "figure4" in figures.exhibits and task != "tables"
    if not (measured or task == "correlation"):
        return
    if isinstance(figures.judge, OwnJudgeSettings):
        raise GritError(
            "config: figure 4 shows pictures to its judge, and judge=own takes answers alone: "
            "judge=openai, or judge=rules for drawn scenes"
        )
    if not measured:
        return  # task=correlation: the test sets of its runs are not known yet
    photographed = [name for name, source in figures.suite.sets.items() if source.kind is None]
    if photographed and not isinstance(figures.judge, ServiceJudgeSettings):
        raise GritError(
            f"config: figure 4 of suite={figures.suite.name} needs judge=openai: "
            f"judge={figures.judge.name} knows what drawn scenes show, and {photographed[0]} has "
            "photographs"
        )


def check_exhibits(names: Sequence[str]) -> None:
    """Raise GritError for a name that is not a table or figure."""
    for name in names:
        if name not in EXHIBITS:
            raise GritError(f"exhibits: {name} is not one; there are {', '.join(EXHIBITS)}")


def check_folder_option(overrides: Sequence[str], *, multirun: bool) -> None:
    """Refuse the folder option that Hydra ignores in this mode: a resume would begin anew.

    Args:
        overrides: of Hydra's own settings on the command line.
        multirun: whether it starts several runs.

    Raises:
        GritError: it is there.
    """
    ignored, used = FOLDERS if multirun else FOLDERS[::-1]
    for override in overrides:
        if override.startswith(ignored):
            what = "several runs" if multirun else "a single run"
            raise GritError(f"{override} is not for {what}: say {used}FOLDER")


OWNERS: dict[str, tuple[Task, ...]] = {  # fields that only some tasks take
    "input": ("score", "infer"),
    "output": ("score", "export"),
    "predictions": ("evaluate",),
    "checkpoint": ("evaluate", "infer", "demo", "export"),
    "push": ("export",),
    "image": ("infer",),
    "question": ("infer",),
}
OF_RUNS = ("tables", "report", "correlation", "attention", "faithfulness")


def _check_task(config: Config) -> None:
    for name, tasks in OWNERS.items():
        if getattr(config, name) is not None and config.task not in tasks:
            raise GritError(
                f"config: {name} is for task={' or '.join(tasks)}, and this is task={config.task}"
            )
    if config.samples > 1 and config.task != "infer":
        raise GritError(
            f"config: samples is for task=infer, and this is task={config.task}: pass@k is made of "
            "evaluation.samples"
        )
    if config.data.check_only and config.task != "data":
        raise GritError(f"config: data.check_only is for task=data, and this is task={config.task}")
    if config.runs and config.task not in OF_RUNS:
        known = ", ".join(OF_RUNS)
        raise GritError(f"config: runs is for task={known}, and this is task={config.task}")
    if config.task in OF_RUNS and not config.runs:
        raise GritError(
            f"config: task={config.task} needs runs=FOLDER or runs=[FOLDER,...]: finished runs"
        )
    if config.task == "score" and not (config.input and config.output):
        raise GritError("config: task=score needs input=FILE.jsonl and output=FILE.jsonl")
    if config.task == "export" and config.checkpoint is None:
        raise GritError("config: task=export needs checkpoint=RUN, the folder of a run")
    if config.predictions is not None and config.checkpoint is not None:
        raise GritError("config: evaluate either predictions=FILE or checkpoint=..., not both")


def _check_trainer(config: Config) -> None:
    processes = config.trainer.devices * config.trainer.num_nodes
    if processes > 1 and config.trainer.strategy == "auto":
        raise GritError(
            "config: trainer.devices and num_nodes above 1 need a trainer.strategy: trainer=ddp"
        )
    prompts = config.training.prompts_per_step
    if config.method.learns and prompts % processes:
        raise GritError(
            f"config: training.prompts_per_step={prompts} cannot be dealt evenly to {processes} "
            f"processes; use a multiple of {processes}, which is another training, or "
            f"{gcd(prompts, processes)} of them"
        )


def _check_model(config: Config) -> None:
    model = config.model
    for name, value in model.image.items():
        if value < 1:
            raise GritError(f"config: model.image.{name} must be at least 1, not {value}")
        if name not in IMAGE_SETTINGS:
            known = ", ".join(IMAGE_SETTINGS)
            raise GritError(f"config: model.image.{name} is no setting; there are {known}")
    if model.adaptation == "lora" and not model.lora.target_modules:
        raise GritError(
            "config: model.adaptation=lora needs model.lora.target_modules, "
            "for example [q_proj,k_proj,v_proj,o_proj]"
        )
    learns = config.method.learns
    flash = model.attention == "flash_attention_2"
    if flash and learns and config.training.share_prompt:
        raise GritError(
            "config: model.attention=flash_attention_2 needs training.share_prompt=false: it takes "
            "no mask for completions that share a prompt; sdpa does"
        )
    plain = config.rollout.decode in ("auto", "dynamic")
    if flash and not plain:
        raise GritError(
            f"config: rollout.decode={config.rollout.decode} needs model.attention=sdpa or "
            "eager: flash_attention_2 cannot leave slots of a static cache out"
        )
    if flash and model.dtype == "float32" and config.trainer.precision == "32-true":
        raise GritError(
            "config: model.attention=flash_attention_2 computes with 16 bits: "
            "trainer.precision=bf16-mixed, or model.dtype=bfloat16"
        )
    if model.adaptation == "full" and model.dtype == "bfloat16":
        raise GritError(
            "config: model.adaptation=full with model.dtype=bfloat16 loses small updates; "
            "use model.dtype=float32 (with trainer.precision=bf16-mixed on a GPU) or lora"
        )


def _check_training(config: Config) -> None:
    # Greedy completions of one prompt are identical, so that all advantages are 0.
    if config.rollout.sampling.greedy:
        raise GritError("config: rollout.sampling.temperature must be a positive number, not 0")
    for name in config.training.needs:
        if name not in NEEDS:
            raise GritError(
                f"config: training.needs.{name} asks for nothing; there are {', '.join(NEEDS)}"
            )


def _check_rollout(config: Config) -> None:
    rollout = config.rollout
    if rollout.name != "vllm":
        return
    if not (rollout.urls or rollout.launch):
        raise GritError(
            "config: rollout=vllm needs rollout.urls=[http://HOST:PORT,...], servers that run "
            "already, or rollout.launch=true, which starts one and logs its command"
        )
    if config.model.adaptation == "lora" and config.model.lora.rank > LARGEST_LORA:
        raise GritError(
            f"config: rollout=vllm serves LoRA up to rank {LARGEST_LORA}, and "
            f"model.lora.rank={config.model.lora.rank}: choose a smaller one, or rollout=native"
        )
    if config.trainer.num_nodes > 1 and not rollout.urls:
        raise GritError(
            "config: rollout.launch=true starts a server that one machine alone can ask, and "
            f"trainer.num_nodes={config.trainer.num_nodes}: start servers, and give rollout.urls="
            "[http://HOST:PORT,...] and rollout.weights_folder=FOLDER, which all machines see"
        )
    taken, drawn = config.training.logp_temperature, rollout.sampling.temperature
    corrected = config.method.training == "grpo_gr" and rollout.importance_cap is not None
    if corrected and taken not in (None, 1.0, drawn):
        raise GritError(
            "config: rollout=vllm gives log-probabilities at the sampling temperature or at 1: "
            f"training.logp_temperature={taken:g} has to be one of them, or null, or "
            "rollout.importance_cap=null"
        )
    for url in rollout.urls:
        if not is_address(url):
            raise GritError(f"config: rollout.urls: expected http://HOST:PORT, found {url}")


def _check_downloads(preparation: PreparationSettings) -> None:
    for name in ("coco", "visual_genome", "visual_genome_list", "tallyqa"):
        address = getattr(preparation, name)
        if not is_address(address):
            raise GritError(
                f"config: preparation.{name}: expected http://HOST or https://HOST/PATH, "
                f"found {address or 'empty text'}"
            )


def _check_logger(config: Config) -> None:
    """What W&B's client would refuse only when the model is loaded and the folder begun."""
    logger = config.logger
    if logger.name != "wandb":
        return
    if len(logger.project) > LONGEST_PROJECT or set(logger.project) & set(NOT_IN_A_PROJECT):
        raise GritError(
            f"config: logger.project: W&B's names have at most {LONGEST_PROJECT} characters and "
            f"none of {NOT_IN_A_PROJECT}, found {logger.project}; a team is logger.entity"
        )
    if "" in logger.tags:
        raise GritError("config: logger.tags: a tag of W&B has at least one character")


def _check_sampling(config: Config) -> None:
    if config.rollout.decode == "captured" and config.trainer.strategy == "fsdp":
        raise GritError(
            "config: rollout.decode=captured: a CUDA graph cannot hold the gathering of "
            "trainer=fsdp's shards; rollout.decode=auto"
        )
    if not config.rollout.merge_lora or not config.method.learns:
        return
    if config.model.adaptation != "lora":
        raise GritError(
            "config: rollout.merge_lora=true merges adapters, and model.adaptation="
            f"{config.model.adaptation} has none"
        )
    if config.trainer.strategy == "fsdp":
        raise GritError(
            "config: rollout.merge_lora=true needs whole weights on each device; trainer=fsdp "
            "shards them: trainer=ddp or zero1"
        )


def _check_method(config: Config) -> None:
    method = config.method
    if method.example and not method.suffix:
        raise GritError("config: method.example=true needs method.suffix=true")
    if method.learns and not method.tagged_answer:
        raise GritError(
            f"config: method.training={method.training} needs method.tagged_answer=true"
        )
    if method.suffix and not method.tagged_answer:
        raise GritError(
            "config: method.suffix=true needs method.tagged_answer=true: the suffix asks for "
            "<answer>, and a whole completion is judged only where there are no tags"
        )
