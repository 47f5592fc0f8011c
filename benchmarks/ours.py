"""A step of the suite: GRPO-GR's own LightningModule under the real Trainer."""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from benchmarks.shape import Shape, make_adapter, reward_of, samples
from grit.data.datamodule import PromptModule
from grit.judge.rules import RulesJudge
from grit.models.adapter import Adapter
from grit.models.features import MEBIBYTE, FeatureCache
from grit.models.loading import freeze_vision
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.models.settings import LoraSettings, ModelSettings
from grit.rewards.response import Response
from grit.rewards.reward import Reward
from grit.rollout.engine import Engine
from grit.rollout.engines import engine_of
from grit.rollout.settings import RolloutSettings, Sampling
from grit.rollout.vllm_command import Served
from grit.runs.metrics_log import MetricsLog
from grit.training.module import GRPOGR
from grit.training.settings import SFTSettings, TrainingSettings

LORA = LoraSettings(
    target_modules=[f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down")]
)
# The suite's speed parts under the names of their settings, and what turns each of them off.
OFF = {
    "share_prompt": False,
    "share_prefill": False,
    "tokens_per_chunk": 0,
    "feature_cache_mib": 0,
}


def make_learn(adapter: Adapter, shape: Shape) -> None:
    """Choose what learns; the same for every program that is measured."""
    freeze_vision(adapter)
    if shape.checkpointing:
        adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
    if shape.lora:
        add_lora(adapter, LORA, with_vision=False)
    adapter.model.train()


def measure(shape: Shape, parts: dict[str, Any]) -> list[dict[str, float]]:
    """Seconds of each measured step; ``parts`` are settings of ``training`` that differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter = make_adapter(shape)
        served = Served(ModelSettings(name="bench", path=str(folder / "model"), dtype=shape.dtype))
        if "vllm_python" in parts:
            adapter.model.save_pretrained(folder / "model")
            adapter.processor.save_pretrained(folder / "model")
        make_learn(adapter, shape)
        adapter.plain.set_attn_implementation(parts.get("attention", "sdpa"))
        # Completions of a fixed length: nothing that ends one is ever sampled.
        closing = adapter.tokenizer.convert_tokens_to_ids("</answer>")
        ends = torch.tensor([*adapter.end_ids, closing])
        adapter.forbidden_ids = torch.cat([adapter.forbidden_ids, ends])
        rollout, metrics = rollout_settings(shape, parts), MetricsLog(folder / "metrics.jsonl")
        with engine_of(adapter, rollout, served, folder) as engine:
            learner = make_learner(adapter, engine, rollout, shape, parts)
            fit(learner, shape, metrics, parts.get("precision", usual_precision(shape)))
        steps = [json.loads(line) for line in metrics.path.read_text().splitlines()]
    return [
        {
            "rollout": step["train/seconds/rollout"],
            "reference": step["train/seconds/reference"],
            "update": step["train/seconds/update"],
            "step": step["train/seconds/step"],
            "tokens": step["train/completion_tokens"] * shape.prompts * shape.group_size,
        }
        for step in steps[shape.warmup :]
    ]


def rollout_settings(shape: Shape, parts: dict[str, Any]) -> RolloutSettings:
    """The engine and how it samples; with ``vllm_python``, a vLLM server beside the training."""
    vllm = {"name": "vllm", "launch": True, "python": parts.get("vllm_python")}
    return RolloutSettings(
        sampling=Sampling(max_new_tokens=shape.completion),
        tokens_per_batch=parts.get("rollout_batch", shape.tokens_per_rollout_batch),
        share_prefill=parts.get("share_prefill", True),
        decode=parts.get("decode", "auto"),
        merge_lora=parts.get("merge_lora", False),
        **(vllm if "vllm_python" in parts else {}),
    )


def make_learner(
    adapter: Adapter,
    engine: Engine,
    rollout: RolloutSettings,
    shape: Shape,
    parts: dict[str, Any],
) -> GRPOGR:
    """The module of a model that learns."""
    limit = parts.get("feature_cache_mib", 1024)
    if limit:
        adapter.feature_cache = FeatureCache(limit * MEBIBYTE)

    def reward(response: Response) -> float:
        return reward_of(response.token_ids or ())

    return GRPOGR(
        adapter,
        engine,
        Prompting(),
        Reward({"cheap": (reward, 1.0)}, []),
        RulesJudge(),
        TrainingSettings(
            steps=shape.warmup + shape.steps,
            learning_rate=1e-6,
            sft=SFTSettings(steps=1, learning_rate=1e-6),
            group_size=shape.group_size,
            beta=shape.beta,
            share_prompt=parts.get("share_prompt", True),
            tokens_per_pass=shape.tokens_per_pass,
            tokens_per_chunk=parts.get("tokens_per_chunk", shape.tokens_per_chunk),
        ),
        rollout,
    )


def usual_precision(shape: Shape) -> str:
    """What the README names for such training."""
    return "bf16-mixed" if shape.device == "cuda" and not shape.lora else "32-true"


def fit(learner: GRPOGR, shape: Shape, metrics: MetricsLog, precision: Any) -> None:
    """Train for the steps of ``shape``."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    trainer = pl.Trainer(
        accelerator="gpu" if shape.device == "cuda" else "cpu",
        devices=1,
        precision=precision,
        max_epochs=1,
        logger=metrics,
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    steps = shape.warmup + shape.steps
    prompts = PromptModule(samples(shape), prompts_per_step=shape.prompts, max_steps=steps, seed=0)
    trainer.fit(learner, prompts)
