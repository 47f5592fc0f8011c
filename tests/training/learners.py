"""Real tiny models that learn under the real Trainer, for the tests of training."""

from dataclasses import fields

import pytorch_lightning as pl
from settings_of import lora as lora_of
from settings_of import training

from grit.data.datamodule import PromptModule
from grit.data.shapes.source import ShapesSource
from grit.judge.judge import Judge
from grit.judge.rules import RulesJudge
from grit.judge.usage import Usage
from grit.models.loading import freeze_vision, load_base
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.rollout.engines import make_sampler
from grit.rollout.settings import RolloutSettings, Sampling
from grit.runs.metrics_log import MetricsLog
from grit.training.layouts.data_parallel import OneDevice
from grit.training.module import GRPOGR

ROLLOUT = {field.name for field in fields(RolloutSettings)}
SAMPLES = [*ShapesSource("vsr", "train", 3), *ShapesSource("tallyqa", "train", 3)]


def likes_letters(response):
    """Share of letters: something a random model says already and can learn to say more often."""
    text = response.trace.text
    return sum(c.isalpha() for c in text) / max(len(text), 1)


def unjudged(response):
    return None


class Service(Judge):
    """A judge that costs something, and may give up."""

    name = model = "service"
    trouble = None
    max_failure_rate = 0.5

    def score(self, queries):
        return [None] * len(queries)

    def take_usage(self):
        return Usage(calls=3, cache_hits=1, seconds=1.5, prompt_tokens=30, cost=None)


def module(term=likes_letters, lora=False, judge=None, **changes):
    adapter = load_base("tiny:qwen-random", seed=0)
    if lora:
        add_lora(adapter, lora_of(8, 16, ["q_proj", "v_proj"]), with_vision=False)
    else:
        freeze_vision(adapter)
    adapter.model.train()
    reward = Reward({"term": (term, 1.0)}, [])
    seed, steps = changes.pop("seed", 0), changes.pop("max_steps", 4)
    named = {name: changes.pop(name) for name in ROLLOUT & set(changes)}
    rollout = RolloutSettings(**{"sampling": Sampling(max_new_tokens=8)} | named)
    return GRPOGR(
        *(adapter, make_sampler(adapter, rollout), Prompting(), reward, judge or RulesJudge()),
        *(training(**changes), rollout),
        steps=steps,
        seed=seed,
    )


def fit(one, folder, *, steps=None, resume=None, callbacks=(), prompts=4, plugins=None):
    steps = steps or one.steps
    metrics = MetricsLog(folder / "metrics.jsonl")
    trainer = pl.Trainer(
        accelerator="cpu",
        strategy=OneDevice("cpu"),
        max_epochs=1,
        logger=metrics,
        callbacks=list(callbacks),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        plugins=plugins,
    )
    data = PromptModule(SAMPLES, prompts_per_step=prompts, max_steps=steps, seed=0)
    trainer.fit(one, data, ckpt_path=resume, weights_only=True)
    return metrics.rows()


def gradients(one, folder):
    """Of the first step, not its weights: Adam would blow rounding up to its step size."""
    found = {}

    def instead_of_a_step():
        named = one.model.named_parameters()
        found.update({n: p.grad.clone() for n, p in named if p.grad is not None})
        one.optimizers().step()
        return 0.0

    one.optimizer_step_with_clipping = instead_of_a_step
    fit(one, folder)
    return found


def learnt(one):
    return {n: p.detach().clone() for n, p in one.model.named_parameters() if p.requires_grad}


def without_times(rows):
    return [
        {k: v for k, v in row.items() if "seconds" not in k and "per_second" not in k}
        for row in rows
    ]
