"""``task=train``: evaluate, train by the method, evaluate again, print the table."""

import logging
from pathlib import Path

import pytorch_lightning as pl
import torch
import wandb
from pytorch_lightning.loggers.logger import Logger

from grit import processes
from grit.configuration import plain
from grit.data.datamodule import PromptModule
from grit.data.samples import Sample
from grit.errors import GritError, Interrupted
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.loading import save_trained
from grit.reporting.metrics_log import MetricsLog
from grit.reporting.report import Measured
from grit.reporting.wandb_log import CompletionSamples, wandb_logger, wandb_mode
from grit.schema import Config, Training
from grit.seeding import seed_for
from grit.tasks.device import prepare_device
from grit.tasks.folder import RunFolder, run_name
from grit.tasks.measuring import evaluate_model, measure, read_sets, show
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
    device = prepare_device(config)
    folder = processes.gathered(folder)[0]  # each process has its own clock
    first = RunFolder.begin(config, folder, overrides) if processes.rank() == 0 else None
    run = processes.gathered(first)[0]
    assert run is not None

    torch.manual_seed(seed_for(config.seed, "weights"))  # new LoRA weights are drawn from it
    adapter = make_adapter(config, learning=learns)
    adapter.model.train(learns).to(device)
    if not learns:
        found = evaluate_model(config, adapter, sets, judge, folder)
        if found is not None:
            show(config, folder, sets, found)
        return
    before = _evaluate_before(config, adapter, sets, judge, run)
    _fit(config, make_learner(config, adapter, reward, judge), samples, run)
    adapter.model.to(device)
    if processes.rank() == 0:
        save_trained(adapter, folder / "model")
    if config.evaluation.after_training:
        after = evaluate_model(config, adapter, sets, judge, folder, trained_on=samples)
        if after is not None:
            show(config, folder, sets, after, before)


def _evaluate_before(
    config: Config, adapter: Adapter, sets: list[TestSet], judge: Judge, run: RunFolder
) -> Measured | None:
    """The evaluation before training; a resumed run scores again what was said then."""
    if not config.evaluation.before_training:
        return None
    said = run.folder / "predictions.before.jsonl"
    if run.resumed and said.exists():
        return measure(config, read_sets(said), judge, sets)
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
        raise Interrupted(
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
    if run.checkpoint is not None and processes.rank() == 0:
        metrics.rewind(run.steps_done())
    if config.logger.name == "none" or processes.rank() > 0:
        return [metrics]
    if config.logger.name != "wandb":
        raise GritError(f"config: logger.name={config.logger.name} is neither wandb nor none")
    online = wandb_logger(
        run.folder,
        plain(config),
        project=config.logger.project,
        entity=config.logger.entity,
        name=run_name(config),
        mode=wandb_mode(config.logger.mode),
        tags=config.logger.tags,
    )
    return [metrics, online]
