"""Two steps of GRPO-GR as a script, for any number of processes: SETTINGS_AS_JSON.

It is run by the tests beside it, which read what it leaves in the folder.
"""

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from settings_of import lora, training
from torch.distributed.tensor import DTensor

from grit.core import processes
from grit.data.datamodule import PromptModule
from grit.data.shapes.source import ShapesSource
from grit.judge.rules import RulesJudge
from grit.models.loading import freeze_vision, load_base
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.rollout.engines import make_sampler
from grit.rollout.sampler import in_one_piece
from grit.rollout.settings import RolloutSettings, Sampling
from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_server import VLLMServer
from grit.runs.metrics_log import MetricsLog
from grit.training.checkpoints import Checkpoints
from grit.training.layouts.data_parallel import Unwrapped
from grit.training.layouts.named import layout_named
from grit.training.module import GRPOGR


@dataclass(frozen=True)
class Settings:
    folder: str
    processes: int = 1
    strategy: str = "auto"
    model: str = "tiny:qwen-random"
    lora: bool = False  # with dropout and gradient checkpointing, on a frozen base
    base: str = "bfloat16"  # its type of numbers
    tokens_per_pass: int = 1  # a pass a group
    clip_norm: float = 1.0  # less than there is
    updates_per_rollout: int = 1
    stop_after: int | None = None  # steps
    resume: bool = False
    url: str | None = None  # of a server that completes prompts


def letters(response):
    text = response.trace.text
    return sum(c.isalpha() for c in text) / max(len(text), 1)


class KeepsGradients(GRPOGR):
    """Remembers the gradient that its first step is taken with, and its micro-batches."""

    gradients = None

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.seen_passes = []

    def micro_batches(self, groups):
        found = super().micro_batches(groups)
        self.seen_passes.append([[list(one.groups), not one.is_dummy] for one in found])
        return found

    def optimizer_step_with_clipping(self):
        norm = super().optimizer_step_with_clipping()
        if self.gradients is None:
            self.gradients = {
                n: whole(p.grad) for n, p in self.model.named_parameters() if learns(p)
            }
        return norm


def learns(parameter):
    return parameter.grad is not None


def whole(tensor):
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).clone()


class StopsAfter(pl.Callback):
    """Sends itself the signal that a cluster sends before a job's time is up."""

    def __init__(self, steps):
        self.steps = steps

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx + 1 == self.steps and trainer.is_global_zero:
            signal.raise_signal(signal.SIGTERM)


def engine_of(adapter, rollout, url):
    return make_sampler(adapter, rollout) if url is None else VLLM(adapter, [VLLMServer(url, 60.0)])


def learner_of(settings: Settings) -> KeepsGradients:
    adapter = load_base(settings.model, seed=0)
    if settings.lora:
        torch.manual_seed(3)
        adapter.model.to(getattr(torch, settings.base))
        adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
        modules = ["q_proj", "v_proj", "gate_proj", "down_proj"]
        add_lora(adapter, lora(3, 6, modules, 0.1), with_vision=False)
    else:
        freeze_vision(adapter)
    adapter.model.train()
    rollout = RolloutSettings(sampling=Sampling(max_new_tokens=8))
    return KeepsGradients(
        adapter,
        engine_of(adapter, rollout, settings.url),
        Prompting(),
        Reward({"letters": (letters, 1.0)}, []),
        RulesJudge(),
        training(
            steps=2,
            group_size=2,
            updates_per_rollout=settings.updates_per_rollout,
            learning_rate=1e-3,
            tokens_per_pass=settings.tokens_per_pass,
            clip_norm=settings.clip_norm,
        ),
        rollout,
        layout=layout_named(settings.strategy),
    )


class States(pl.Callback):
    """How many elements of optimiser states this rank has at the end of training."""

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.elements = elements_of_states(trainer.optimizers[0])


def main(settings: Settings) -> None:
    if settings.processes > 1:  # as the command's do, before there is a model
        dist.init_process_group("gloo")
    two_steps(settings)
    processes.leave()


def two_steps(settings: Settings) -> None:
    folder = Path(settings.folder)
    learner = learner_of(settings)
    checkpoints = Checkpoints(folder, every=2)
    states = States()
    stopping = [StopsAfter(settings.stop_after)] if settings.stop_after else []
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=settings.processes,
        strategy=Unwrapped() if settings.processes > 1 else "auto",
        max_epochs=1,
        logger=MetricsLog(folder / "metrics.jsonl"),
        callbacks=[checkpoints, *stopping, states],
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    samples = [*ShapesSource("vsr", "train", 3), *ShapesSource("tallyqa", "train", 2)]
    data = PromptModule(samples, prompts_per_step=4, max_steps=2, seed=0)
    whence = folder / "step-000001.ckpt" if settings.resume else None
    with learner.engine:
        trainer.fit(learner, data, ckpt_path=whence, weights_only=True)
    mine = {
        "rollouts": [[r.sample.id, r.completion.text] for r in learner.last_rollouts],
        "passes": learner.seen_passes,
        "states": states.elements,
    }
    with learner.layout.gathered():  # as rollouts are
        mine["in_one_piece"] = in_one_piece(learner.adapter)
    everybodys = processes.all_gather(mine)
    if trainer.is_global_zero:
        torch.save(learner.gradients, folder / "gradients.pt")
        (folder / "processes.json").write_text(json.dumps(everybodys))


def elements_of_states(optimizer):
    """Numbers that this process keeps for its optimiser."""
    local = getattr(optimizer, "optim", optimizer)  # of a ZeroRedundancyOptimizer
    return sum(value.numel() for state in local.state.values() for value in state.values())


if __name__ == "__main__":
    main(Settings(**json.loads(sys.argv[1])))
