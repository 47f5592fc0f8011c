"""From a checked configuration to the model and the learner of a run."""

import logging

import torch

from grit.config.schema import Adaptation, Config, Training
from grit.config.training_settings import Traces
from grit.core import processes
from grit.data.traces import Hand
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.features import MEBIBYTE, FeatureCache
from grit.models.loading import (
    Checkpoint,
    Lora,
    add_lora,
    freeze_vision,
    load_base,
    load_trained,
)
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.rollout.choice import Sampling
from grit.training.grpo_settings import GRPOSettings
from grit.training.layouts.deepspeed import SharedGradients
from grit.training.layouts.fsdp import ShardedLayers
from grit.training.layouts.replicas import Replicas
from grit.training.learner import Learner, Optimization
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
        dtype=getattr(torch, model.dtype.value),
        attention=model.attention,
        image=model.image,
        trained=None if whole is None else whole.path,
    )
    adapter.prompt_form = model.prompt.value
    if checkpoint is not None and whole is None:
        if checkpoint.path.is_file() and model.adaptation is Adaptation.lora:
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
    if model.adaptation is Adaptation.lora:
        lora = Lora(
            model.lora.rank, model.lora.alpha, model.lora.dropout, model.lora.target_modules
        )
        add_lora(adapter, lora, with_vision=not model.freeze_vision)


def make_optimization(config: Config) -> Optimization:
    """Optimiser, schedule and passes of the method's training."""
    training = config.training
    supervised = config.method.training is Training.sft
    return Optimization(
        max_steps=config.trainer.max_steps,
        learning_rate=training.sft.learning_rate if supervised else training.learning_rate,
        warmup_steps=training.warmup_steps,
        weight_decay=training.weight_decay,
        clip_norm=training.clip_norm,
        share_prompt=training.share_prompt,
        tokens_per_pass=training.tokens_per_pass,
        tokens_per_chunk=training.tokens_per_chunk,
        seed=config.seed,
    )


def layout_named(strategy: str) -> Replicas:
    """How weights, gradients and optimiser states lie on the processes, which have met by now.

    Raises:
        GritError: it needs a package that is not installed.
    """
    if processes.count() > 1 and strategy == "fsdp":
        return ShardedLayers()
    if processes.count() > 1 and strategy == "deepspeed_zero2":
        return SharedGradients()
    return Replicas(share_optimizer=strategy == "zero1")


def make_learner(
    config: Config, adapter: Adapter, reward: Reward, judge: Judge, layout: Replicas
) -> Learner:
    """The LightningModule of the method's training."""
    prompting, optimization = make_prompting(config), make_optimization(config)
    if config.method.training is Training.sft:
        plain = config.training.sft.traces is Traces.plain
        hand: Hand = "plain" if plain else adapter.example_style
        return FewShotSFT(adapter, prompting, optimization, layout, hand)
    return GRPOGR(adapter, prompting, reward, judge, make_settings(config), optimization, layout)


def make_settings(config: Config) -> GRPOSettings:
    """The settings of GRPO-GR."""
    training = config.training
    sampling = training.sampling
    return GRPOSettings(
        group_size=training.group_size,
        beta=training.beta,
        epsilon=training.epsilon,
        ratio=training.ratio.value,
        delta=training.advantage.delta,
        sample_std=training.advantage.sample_std,
        updates_per_rollout=training.updates_per_rollout,
        sampling=Sampling(
            sampling.temperature, sampling.top_p, sampling.top_k, sampling.max_new_tokens
        ),
        logp_temperature=training.logp_temperature,
        append_eos=training.append_eos,
        tokens_per_rollout_batch=training.tokens_per_rollout_batch,
        share_prefill=training.share_prefill,
        compact_rollout=training.compact_rollout,
        decode=training.decode.value,
        seed=config.seed,
    )
