"""Two steps of GRPO-GR as a script, for any number of processes; run by test_data_parallel.py."""

import json
import sys
from pathlib import Path

import pytorch_lightning as pl
import torch

from grit import processes
from grit.data.datamodule import PromptModule
from grit.data.shapes.source import ShapesSource
from grit.judge.rules import RulesJudge
from grit.models.loading import freeze_vision, load_base
from grit.models.prompting import Prompting
from grit.reporting.metrics_log import MetricsLog
from grit.rewards.reward import Reward
from grit.rollout.choice import Sampling
from grit.training.learner import Optimization
from grit.training.module import GRPOGR, GRPOSettings


def letters(response):
    text = response.trace.text
    return sum(c.isalpha() for c in text) / max(len(text), 1)


class KeepsGradients(GRPOGR):
    """Remembers the gradient that its first step is taken with."""

    gradients = None

    def optimizer_step_with_clipping(self):
        norm = super().optimizer_step_with_clipping()
        if self.gradients is None:
            named = self.model.named_parameters()
            self.gradients = {n: p.grad.clone() for n, p in named if p.grad is not None}
        return norm


def main(folder: Path, devices: int, strategy: str) -> None:
    adapter = load_base("tiny:qwen-random", seed=0)
    freeze_vision(adapter)
    adapter.model.train()
    learner = KeepsGradients(
        adapter,
        Prompting(),
        Reward({"letters": (letters, 1.0)}, []),
        RulesJudge(),
        GRPOSettings(group_size=2, sampling=Sampling(max_new_tokens=8)),
        # A pass a group: with different images, processes have different numbers of tokens.
        Optimization(
            max_steps=2,
            learning_rate=1e-3,
            tokens_per_pass=1,
            clip_norm=1e9,
            shard_optimizer=strategy == "zero1",
        ),
    )
    samples = [*ShapesSource("vsr", "train", 3), *ShapesSource("tallyqa", "train", 2)]
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        max_epochs=1,
        logger=MetricsLog(folder / "metrics.jsonl"),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
    )
    trainer.fit(learner, PromptModule(samples, prompts_per_step=4, max_steps=2, seed=0))
    mine = [[r.sample.id, r.completion.text] for r in learner.last_rollouts]
    everybodys = processes.gathered(mine)
    trainer.save_checkpoint(folder / "last.ckpt")
    optimizer = trainer.optimizers[0]
    local = getattr(optimizer, "optim", optimizer)  # of a ZeroRedundancyOptimizer
    states = sum(len(state) for state in local.state.values())
    everybodys_states = processes.gathered(states)
    if trainer.is_global_zero:
        torch.save(learner.gradients, folder / "gradients.pt")
        (folder / "rollouts.json").write_text(json.dumps(everybodys))
        (folder / "states.json").write_text(json.dumps(everybodys_states))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
