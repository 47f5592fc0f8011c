"""``task=train``: evaluate, train by the method, evaluate again, print the table."""

import logging
from contextlib import nullcontext
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers.logger import Logger

from grit.config.schema import Config
from grit.core import interruption, processes
from grit.core.errors import GritError, Interrupted, Resumable
from grit.core.files import write_json
from grit.core.seeding import seed_for
from grit.data.datamodule import PromptModule
from grit.data.mixtures import drawn_rows
from grit.data.samples import Sample
from grit.data.suites import TestSet, check_overlap, pictures_of, test_sets
from grit.data.triplets import training_samples
from grit.evaluation.predictions import read_sets
from grit.judge.judge import Judge
from grit.judge.making import make_judge
from grit.models.adapter import Adapter
from grit.models.loading import save_trained
from grit.models.setup import make_adapter
from grit.pages.evaluated_run import show_run
from grit.rewards.reward import reward_from
from grit.runs.folder import RunFolder, hold_together
from grit.runs.inputs import inputs_of
from grit.runs.measured import Measured, check_judged, evaluate_model, measure, usage_before
from grit.runs.metrics_log import MetricsLog
from grit.runs.preflight import preflight
from grit.runs.results import write_results
from grit.tracking.tracker import Tracker, tracked
from grit.tracking.wandb_log import CompletionSamples
from grit.training.checkpoint_files import CheckpointFiles
from grit.training.checkpoints import Checkpoints, latest, steps_of
from grit.training.device import autocast, prepare_device
from grit.training.layouts.data_parallel import Unwrapped
from grit.training.layouts.named import layout_named
from grit.training.learner import Learner
from grit.training.methods import make_learner
from grit.training.sft import taught_rows

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the task.

    Everything that can be wrong with data and configuration is found before a model is loaded.
    """
    learns = config.method.learns
    samples = training_samples(config.data, config.suite.root) if learns else []
    counted = {}
    if config.method.training == "sft":
        taught = taught_rows(
            config.training.sft, samples, method=config.method.name, data=config.data.name
        )
        samples, counted = taught.samples, {"unannotated": taught.unannotated}
    judge, reward = make_judge(config.judge), reward_from(config.reward)
    if config.method.training == "grpo_gr":
        reward.check(samples)
    sets = test_sets(config.suite)
    check_overlap(config.suite, samples, sets)
    device = prepare_device(config.trainer, config.threads)
    layout = layout_named(config.trainer.strategy)
    folder = processes.gathered(folder)[0]  # each process has its own clock
    first = None
    if processes.rank() == 0:
        first = RunFolder.at(config, folder, overrides, inputs_of(samples, sets))
    run = processes.gathered(first)[0]
    assert run is not None
    rewarded = config.method.training == "grpo_gr"
    preflight(config, device, samples, sets, judge, reward if rewarded else None)
    torch.manual_seed(seed_for(config.seed, "weights"))  # new LoRA weights are drawn from it
    adapter = make_adapter(
        config.model, learning=learns, feature_cache_mib=config.training.feature_cache_mib
    )
    adapter.model.train(learns).to(device)
    if processes.rank() == 0:
        run.begin(config)
        if learns:
            write_json(folder / "drawn.json", drawn_rows(samples, config.data.seed) | counted)
    hold_together(folder)
    with tracked(config, folder, overrides) as tracker:
        before = None
        if learns:
            with autocast(config.trainer.precision, device):
                before = _evaluate_before(config, adapter, sets, judge, run, tracker)
            learner = make_learner(
                config.method,
                config.training,
                adapter,
                reward,
                judge,
                steps=config.trainer.max_steps,
                seed=config.seed,
                layout=layout,
            )
            _fit(config, learner, samples, run, tracker)
            adapter.model.to(device)
            _save(learner, folder / "model")
            if not (config.evaluation.before_training or config.evaluation.after_training):
                model = folder / "model"
                log.info("both evaluations are off: task=evaluate checkpoint=%s makes one", model)
        after = None
        if config.evaluation.after_training or not learns:
            trained_on = samples if learns else ()
            with (
                autocast(config.trainer.precision, device),
                layout.gathered() if learns else nullcontext(),
            ):
                after = evaluate_model(config, adapter, sets, judge, folder, trained_on=trained_on)
            if after is not None:
                picture_of = pictures_of(sets)
                show_run(config, folder, picture_of, after, before)
                tracker.findings(after, before, picture_of)
    if processes.rank() == 0:
        run.end()
    if after is not None:
        check_judged(judge, after)
    if config.method.training == "grpo_gr" and config.training.must_learn:
        _check_learnt(folder)


def _check_learnt(folder: Path) -> None:
    """Raise GritError for a run in which no step had anything to learn from: it is untrained.

    Everything is written by then.
    """
    metrics = MetricsLog(folder / "metrics.jsonl")
    steps = list(metrics.rows()) if metrics.path.exists() else []
    without = "train/groups_without_variance"
    if processes.rank() == 0 and steps and all(row.get(without, 1) == 1 for row in steps):
        raise GritError(
            f"no step of {len(steps)} learnt anything: the completions of each prompt all earned "
            f"the same ({metrics.path} has every part of the reward); the results are those of an "
            "untrained model. training.must_learn=false lets such a run end well"
        )


def _evaluate_before(
    config: Config,
    adapter: Adapter,
    sets: list[TestSet],
    judge: Judge,
    run: RunFolder,
    tracker: Tracker,
) -> Measured | None:
    """The evaluation before training; a resumed run scores again what was said then."""
    if not config.evaluation.before_training:
        return None
    said = run.folder / "predictions.before.jsonl"
    # Only the first process's folder counts: others may not see it.
    if not (run.resumed and processes.gathered(said.exists())[0]):
        before = evaluate_model(config, adapter, sets, judge, run.folder, "before")
        if before is not None:
            tracker.numbers(before, step=0)
    elif processes.rank() > 0:
        before = None
    else:
        before = measure(config, read_sets(said), judge, sets, usage_before(run.folder))
        results = run.folder / "results.before.json"
        if before.results.judge_usage is not None:  # a service that failed then may not fail now
            before.write(run.folder, "before")
        elif not results.exists():  # a kill came between the two files
            write_results(results, before.results)
    if before is not None:
        check_judged(judge, before, go_on=run.resume_command())
    return before


def _fit(
    config: Config, learner: Learner, samples: list[Sample], run: RunFolder, tracker: Tracker
) -> None:
    """Train; an interruption ends in a checkpoint and a message that says how to go on."""
    data = PromptModule(
        samples,
        prompts_per_step=config.training.prompts_per_step,
        max_steps=config.trainer.max_steps,
        seed=config.seed,
    )
    every, within = config.trainer.checkpoint_every, config.trainer.stop_within
    checkpoints = Checkpoints(run.checkpoints, every, within)
    if run.checkpoint and not all(processes.gathered(run.checkpoint.exists())):
        raise GritError(
            f"resume=true: not every process sees {run.checkpoint}: several nodes need a folder "
            "that they share, hydra.run.dir="
        )
    try:
        trainer = _trainer(config, learner.adapter.device, run, checkpoints, tracker)
        trainer.fit(learner, data, ckpt_path=run.checkpoint, weights_only=True)
    except (Interrupted, Resumable, interruption.Stop) as error:
        last = latest(run.checkpoints)
        steps = steps_of(last) if last else 0
        stopped = f"{error}; stopped after step {steps} of {config.trainer.max_steps}"
        if interruption.asked():
            raise Interrupted(stopped, run.resume_command()) from error
        raise Resumable(f"{stopped}; go on with: {run.resume_command()}") from error
    if checkpoints.interrupted:
        stopped = f"interrupted after step {checkpoints.steps} of {config.trainer.max_steps}"
        raise Interrupted(stopped, run.resume_command())


def _save(learner: Learner, folder: Path) -> None:
    """Write what was trained, whole, whatever part of it each process has."""
    state = learner.model.state_dict()
    if hasattr(learner.model, "disable_adapter"):  # LoRA, without the base
        state = {name: state[name] for name in learner.learning_names()}
    weights = learner.layout.weights(state)
    if processes.rank() == 0:
        save_trained(learner.adapter, folder, weights)


def _trainer(
    config: Config,
    device: torch.device,
    run: RunFolder,
    checkpoints: Checkpoints,
    tracker: Tracker,
) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        accelerator=device.type,  # "auto" would take a Mac's GPU, which has no float64
        devices=config.trainer.devices,
        num_nodes=config.trainer.num_nodes,
        strategy=Unwrapped() if processes.count() > 1 else "auto",
        precision=config.trainer.precision,
        max_epochs=1,  # all steps are one epoch of the prompt module
        logger=_loggers(run, tracker),
        callbacks=[checkpoints, CompletionSamples(config.logger.sample_every)],
        log_every_n_steps=1,
        enable_progress_bar=config.trainer.progress_bar,
        enable_checkpointing=False,  # Checkpoints does it
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=run.folder,
        plugins=[CheckpointFiles()],
    )


def _loggers(run: RunFolder, tracker: Tracker) -> list[Logger]:
    metrics = MetricsLog(run.folder / "metrics.jsonl")
    if run.resumed and processes.rank() == 0:
        metrics.rewind(steps_of(run.checkpoint) if run.checkpoint else 0)
    return [metrics] if tracker.logger is None else [metrics, tracker.logger]
