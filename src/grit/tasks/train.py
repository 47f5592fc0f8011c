"""``task=train``: evaluate, train by the method, evaluate again, print the table."""

import logging
from pathlib import Path

import pytorch_lightning as pl
import torch
import wandb
from pytorch_lightning.loggers.logger import Logger

from grit.configuration import plain
from grit.data.datamodule import PromptModule
from grit.data.samples import Sample
from grit.errors import GritError
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.loading import save_trained
from grit.reporting.comparison import print_comparison
from grit.reporting.metrics_log import MetricsLog
from grit.reporting.results import Results, read_results
from grit.reporting.wandb_log import CompletionSamples, wandb_logger, wandb_mode
from grit.schema import Config, Training
from grit.seeding import seed_for
from grit.tasks.device import prepare_device
from grit.tasks.folder import RunFolder
from grit.tasks.measuring import evaluate_model
from grit.tasks.parts import (
    TestSet,
    check_overlap,
    make_adapter,
    make_judge,
    make_learner,
    make_reward,
    test_sets,
    training_samples,
)
from grit.training.checkpoints import Checkpoints
from grit.training.learner import Learner

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the task.

    Everything that can be wrong with data and configuration is found before a model is loaded.
    """
    learns = config.method.training is not Training.none
    samples = training_samples(config) if learns else []
    judge, reward = make_judge(config), make_reward(config)
    if config.method.training is Training.grpo_gr:
        reward.check(samples)
    sets = test_sets(config)
    check_overlap(config, samples, sets)
    run = RunFolder.begin(config, folder, overrides)

    device = prepare_device(config)
    torch.manual_seed(seed_for(config.seed, "weights"))  # new LoRA weights are drawn from it
    adapter = make_adapter(config, learning=learns)
    adapter.model.train(learns).to(device)
    if not learns:
        print_comparison(evaluate_model(config, adapter, sets, judge, folder))
        log.info("%s", folder / "results.json")
        return
    before = _evaluate_before(config, adapter, sets, judge, run)
    _fit(config, make_learner(config, adapter, reward, judge), samples, run)
    adapter.model.to(device)
    save_trained(adapter, folder / "model")
    if config.evaluation.after_training:
        after = evaluate_model(config, adapter, sets, judge, folder)
        print_comparison(before or after, after if before else None)
        log.info("%s", folder / "results.json")


def _evaluate_before(
    config: Config, adapter: Adapter, sets: list[TestSet], judge: Judge, run: RunFolder
) -> Results | None:
    if not config.evaluation.before_training:
        return None
    done = run.folder / "results.before.json"
    if run.resumed and done.exists():
        return read_results(done)
    return evaluate_model(config, adapter, sets, judge, run.folder, "before")


def _fit(config: Config, learner: Learner, samples: list[Sample], run: RunFolder) -> None:
    """Train; an interruption ends in a checkpoint and a message that says how to go on."""
    data = PromptModule(
        samples,
        prompts_per_step=config.training.prompts_per_step,
        max_steps=config.trainer.max_steps,
        seed=config.seed,
    )
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_every)
    try:
        trainer = _trainer(config, run, checkpoints)
        trainer.fit(learner, data, ckpt_path=run.checkpoint, weights_only=True)
    finally:
        wandb.finish()
    if checkpoints.interrupted:
        raise GritError(
            f"interrupted after step {run.steps_done()} of {config.trainer.max_steps}; "
            f"go on with: {run.resume_command()}"
        )


def _trainer(config: Config, run: RunFolder, checkpoints: Checkpoints) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        accelerator=config.trainer.accelerator,
        devices=config.trainer.devices,
        num_nodes=config.trainer.num_nodes,
        strategy=config.trainer.strategy,
        precision=config.trainer.precision,  # type: ignore[arg-type]  # Lightning checks it
        max_epochs=1,  # all steps are one epoch of the prompt module
        logger=_loggers(config, run),
        callbacks=[checkpoints, CompletionSamples(config.logger.sample_every)],
        log_every_n_steps=1,
        enable_progress_bar=config.trainer.progress_bar,
        enable_checkpointing=False,  # Checkpoints does it
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=run.folder,
    )


def _loggers(config: Config, run: RunFolder) -> list[Logger]:
    metrics = MetricsLog(run.folder / "metrics.jsonl")
    if run.checkpoint is not None:
        metrics.rewind(run.steps_done())
    if config.logger.name == "none":
        return [metrics]
    if config.logger.name != "wandb":
        raise GritError(f"config: logger.name={config.logger.name} is neither wandb nor none")
    online = wandb_logger(
        run.folder,
        plain(config),
        project=config.logger.project,
        entity=config.logger.entity,
        name=run.name(config),
        mode=wandb_mode(config.logger.mode),
        tags=config.logger.tags,
    )
    return [metrics, online]
