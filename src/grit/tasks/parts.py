"""From a checked configuration to the model and the learner of a run."""

import logging
from typing import Any

import torch

from grit.config.schema import Config
from grit.core import processes
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.features import MEBIBYTE, FeatureCache
from grit.models.loading import (
    Checkpoint,
    add_lora,
    freeze_vision,
    load_base,
    load_trained,
)
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.training.layouts.data_parallel import DataParallel
from grit.training.layouts.deepspeed import SharedGradients
from grit.training.layouts.fsdp import ShardedLayers
from grit.training.learner import Learner
from grit.training.module import GRPOGR
from grit.training.sft import FewShotSFT

log = logging.getLogger(__name__)


def make_prompting(config: Config) -> Prompting:
    """How the method asks."""
    return Prompting(suffix=config.method.suffix, example=config.method.example)


def make_adapter(
    config: Config, *, learning: bool, checkpoint: Checkpoint | None = None
) -> Adapter:
    """The base model; with ``learning``, what does not learn is frozen and LoRA is in place.

    With a ``checkpoint``, which is not for ``learning``, its weights are in place of the base's.
    """
    model = config.model
    whole = checkpoint if checkpoint is not None and checkpoint.is_whole else None
    adapter = load_base(
        model.path,
        seed=model.seed,
        revision=model.revision,
        dtype=getattr(torch, model.dtype),
        attention=model.attention,
        image=model.image,
        trained=None if whole is None else whole.path,
    )
    adapter.prompt_form = model.prompt
    if checkpoint is not None and whole is None:
        if checkpoint.path.is_file() and model.adaptation == "lora":
            make_learn(adapter, config)  # puts in what the file has weights for
        load_trained(adapter, checkpoint.path)
    if learning:
        make_learn(adapter, config)
    if (model.freeze_vision or not learning) and config.training.feature_cache_mib:
        adapter.feature_cache = FeatureCache(config.training.feature_cache_mib * MEBIBYTE)
    return adapter


def make_learn(adapter: Adapter, config: Config) -> None:
    """Freeze what does not learn, put LoRA in, switch gradient checkpointing on."""
    model = config.model
    if model.freeze_vision:
        freeze_vision(adapter)
    if model.gradient_checkpointing:
        adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
    if model.adaptation == "lora":
        add_lora(adapter, model.lora, with_vision=not model.freeze_vision)


def layout_named(strategy: str) -> DataParallel:
    """How weights, gradients and optimiser states lie on the processes, which have met by now.

    Raises:
        GritError: it needs a package that is not installed.
    """
    if processes.count() > 1 and strategy == "fsdp":
        return ShardedLayers()
    if processes.count() > 1 and strategy == "deepspeed_zero2":
        return SharedGradients()
    return DataParallel(share_optimizer=strategy == "zero1")


def make_learner(
    config: Config, adapter: Adapter, reward: Reward, judge: Judge, layout: DataParallel
) -> Learner:
    """The LightningModule of the method's training."""
    prompting, settings = make_prompting(config), config.training
    shared: dict[str, Any] = {
        "steps": config.trainer.max_steps,
        "seed": config.seed,
        "layout": layout,
    }
    if config.method.training == "sft":
        return FewShotSFT(adapter, prompting, settings, **shared)
    return GRPOGR(adapter, prompting, reward, judge, settings, **shared)
