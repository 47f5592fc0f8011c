"""``task=train``: evaluates, trains by the method, evaluates again, and prints the table."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.loggers.logger import Logger

from grit.config.schema import Config
from grit.core import processes
from grit.core.errors import GritError
from grit.core.files import write_json
from grit.core.memory import moved
from grit.core.seeding import seed_for
from grit.data.mixtures import drawn_rows
from grit.data.samples import Sample
from grit.data.suites import TestSet, check_overlap, pictures_of, test_sets
from grit.data.triplets import training_samples
from grit.evaluation.predictions import read_sets
from grit.evaluation.sampled import read_sampled
from grit.judge.judge import Judge
from grit.judge.making import make_judge
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.models.setup import make_adapter
from grit.pages.evaluated_run import show_run
from grit.rewards.reward import Reward, reward_from
from grit.rollout.engine import Engine
from grit.rollout.engines import engine_of
from grit.rollout.vllm_command import Served
from grit.runs.estimate import sizes_of, step_load
from grit.runs.folder import RunFolder, hold_together
from grit.runs.inputs import inputs_of
from grit.runs.measured import Measured, check_judged, evaluate_model, measure, usage_before
from grit.runs.metrics_log import MetricsLog
from grit.runs.opening import opening
from grit.runs.preflight import dev_sets, preflight
from grit.runs.recomputing import set_checkpointing
from grit.runs.results import write_results
from grit.runs.run_record import BEFORE_PREDICTIONS, code_of
from grit.runs.used_annotation import annotation_of
from grit.runs.validation import Validation, keep_best, release_best
from grit.tracking.tracker import Tracker, tracked
from grit.training.checkpoints import finished_steps
from grit.training.device import autocast, prepare_device
from grit.training.fitting import fit, save_learnt
from grit.training.layouts.data_parallel import DataParallel
from grit.training.layouts.named import layout_named
from grit.training.learner import Learner
from grit.training.module import GRPOGR
from grit.training.settings import TrainingSettings
from grit.training.sft import FewShotSFT, taught_rows
from grit.training.step_lines import StepLines

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the task.

    Data and configuration are checked before a model is loaded.

    Raises:
        GritError: a check failed, training diverged, or no step learnt anything.
        Interrupted: stopped by a signal; the message has the command to resume.
        JudgeFailed: the judge failed on too many answers.
    """
    learns, rewarded = config.method.learns, config.method.training == "grpo_gr"
    samples, counted = _training_rows(config)
    judge, reward = make_judge(config.judge), reward_from(config.reward)
    if rewarded:
        reward.check(samples)
    sets = test_sets(config.suite)
    check_overlap(config.suite, samples, sets)
    dev = dev_sets(config, samples, sets)
    device = prepare_device(config.trainer, config.threads)
    layout = layout_named(config.trainer.strategy)
    run = RunFolder.shared(config, folder, overrides, lambda: inputs_of(config, samples, sets, dev))
    preflight(config, device, samples, [*sets, *dev], judge, reward if rewarded else None)
    torch.manual_seed(seed_for(config.seed, "weights"))  # initialises new LoRA weights
    features = config.training.feature_cache_mib
    adapter = make_adapter(config.model, learning=learns, feature_cache_mib=features)
    moved(adapter.model.train(learns), device)
    _set_checkpointing(config, adapter, samples, device)
    if processes.rank() == 0:
        run.begin(config, annotation=annotation_of(config, samples))
        if learns:
            drawn = drawn_rows(samples, config.data.seed, config.reward.counting_datasets)
            write_json(run.folder / "drawn.json", drawn | counted)
    hold_together(run.folder)
    before, after, end = None, None, 0
    if processes.rank() == 0:
        log.info("%s", opening(config, run.folder, len(samples)))
    temperature = config.training.logp_temperature or config.rollout.sampling.temperature
    with (
        tracked(config, run) as tracker,
        engine_of(adapter, config.rollout, Served(config.model, temperature), run.folder) as engine,
    ):
        if learns:
            with autocast(config.trainer.precision, device):
                before = _evaluate_before(config, adapter, engine, sets, judge, run, tracker)
            end = _train(config, adapter, engine, reward, judge, layout, samples, dev, run, tracker)
        if config.evaluation.after_training or not learns:
            whole = layout.gathered() if learns and engine.samples_from_model else nullcontext()
            with autocast(config.trainer.precision, device), whole:
                after = evaluate_model(
                    *(config, adapter, engine, sets, judge, run.folder),
                    trained_on=samples if learns else (),
                )
            _show(config, run, tracker, sets, after, before, end)
    if processes.rank() == 0:
        run.end()
    if after is not None:
        check_judged(judge, after)
    if rewarded and config.training.must_learn:
        _check_learnt(run.folder, config.training)


def _set_checkpointing(
    config: Config, adapter: Adapter, samples: Sequence[Sample], device: torch.device
) -> None:
    """Recompute activations in as many layers as the settings or the device's memory ask for."""
    if config.method.learns:
        load = step_load(config, adapter, samples)
        set_checkpointing(config, adapter, sizes_of(config, adapter), load, device)


def _show(
    config: Config,
    run: RunFolder,
    tracker: Tracker,
    sets: Sequence[TestSet],
    after: Measured | None,
    before: Measured | None,
    steps: int,
) -> None:
    """Print and log what the run came to; other ranks than 0 have no ``after``."""
    if after is not None:
        picture_of = pictures_of(sets)
        show_run(config, run.folder, picture_of, after, before)
        tracker.findings(after, before, picture_of, steps)


def _training_rows(config: Config) -> tuple[list[Sample], dict[str, int]]:
    """The training samples, and counts for ``drawn.json``; both empty without training."""
    if not config.method.learns:
        return [], {}
    samples = training_samples(config.data, config.suite)
    if config.method.training != "sft":
        return samples, {}
    names = config.method.name, config.data.name
    taught, unannotated = taught_rows(samples, config.training.sft, *names)
    return taught, {"unannotated": unannotated}


def _evaluate_before(
    config: Config,
    adapter: Adapter,
    engine: Engine,
    sets: list[TestSet],
    judge: Judge,
    run: RunFolder,
    tracker: Tracker,
) -> Measured | None:
    """The evaluation before training; a resumed run scores the existing predictions again.

    Returns:
        The evaluation on rank 0; None on other ranks, or if it is switched off.
    """
    if not config.evaluation.before_training:
        return None
    said = run.folder / BEFORE_PREDICTIONS
    # Only rank 0 decides: other nodes may not see its folder.
    if not (run.resumed and processes.all_gather(said.exists())[0]):
        before = evaluate_model(config, adapter, engine, sets, judge, run.folder, "before")
    elif processes.rank() > 0:
        before = None
    else:
        asked, former = read_sets(said), usage_before(run.folder)
        sampled, code = read_sampled(said, asked), code_of(run.folder)
        before = measure(config, asked, judge, sets, former, (), sampled, code)
        results = run.folder / "results.before.json"
        if before.results.judge_usage is not None:  # a retry may have scored rows that failed then
            before.write(run.folder, "before")
        elif not results.exists():  # killed between writing the two files
            write_results(results, before.results)
    if before is not None:
        tracker.numbers(before, step=0)
        check_judged(judge, before, go_on=run.resume_command())
    return before


def _train(
    config: Config,
    adapter: Adapter,
    engine: Engine,
    reward: Reward,
    judge: Judge,
    layout: DataParallel,
    samples: list[Sample],
    dev: list[TestSet],
    run: RunFolder,
    tracker: Tracker,
) -> int:
    """Train, write the trained model into the run's folder, and return the finished steps."""
    method, settings = config.method, config.training
    shared: dict[str, Any] = {"steps": config.trainer.max_steps, "seed": config.seed}
    prompting, shared["layout"] = Prompting(method.suffix, method.example), layout
    learner: Learner
    if method.training == "sft":
        learner = FewShotSFT(adapter, prompting, settings, **shared)
    else:
        learner = GRPOGR(
            adapter, engine, prompting, reward, judge, settings, config.rollout, **shared
        )
    validation = Validation(config, engine, dev, judge, run.folder, run.steps_done) if dev else None
    fit(
        learner,
        samples,
        config.trainer,
        seed=config.seed,
        folder=run.folder,
        checkpoint=run.checkpoint,
        resume_command=run.resume_command(),
        loggers=_loggers(run, tracker),
        callbacks=[
            *tracker.callbacks,
            *_step_lines(config),
            *([validation] if validation else []),
        ],
    )
    if validation:
        validation.make_up(learner)
    model = run.folder / "model"
    if processes.rank() == 0:
        release_best(run.folder)
    save_learnt(learner, model)
    steps = finished_steps(learner.trainer)
    engine.update(steps, learner.learnt_weights)
    if processes.rank() == 0:
        keep_best(run.folder)
    if not (config.evaluation.before_training or config.evaluation.after_training):
        log.info("both evaluations are off: task=evaluate checkpoint=%s makes one", model)
    return steps


def _step_lines(config: Config) -> list[StepLines]:
    if not config.trainer.progress_bar:
        return []
    weights = {name: term.weight for name, term in config.reward.terms.items()}
    return [StepLines(config.trainer.max_steps, weights)]


def _loggers(run: RunFolder, tracker: Tracker) -> list[Logger]:
    metrics = MetricsLog(run.folder / "metrics.jsonl")
    if run.resumed and processes.rank() == 0:
        metrics.rewind(run.steps_done)
    return [metrics, *tracker.loggers]


def _check_learnt(folder: Path, training: TrainingSettings) -> None:
    """Raise GritError if no step had a loss, or a group whose rewards differ: nothing was learnt.

    Called after everything is written.
    """
    metrics = MetricsLog(folder / "metrics.jsonl")
    steps = list(metrics.rows()) if metrics.path.exists() else []
    without, norm = "train/groups_without_variance", "train/grad_norm"
    # PAPO's term needs no rewards.
    alike = not training.perception.gamma and all(row.get(without, 1) == 1 for row in steps)
    if processes.rank() or not steps or not (alike or all(not row.get(norm) for row in steps)):
        return
    why = f"the completions of each prompt all earned the same ({metrics.path} has every part)"
    if not alike:
        why = "no completion had a share in the loss"
        if training.objective.mask_truncated:
            why += ": rollout.sampling.max_new_tokens cut all off, which mask_truncated leaves out"
    raise GritError(
        f"no step of {len(steps)} learnt anything: {why}; the results are those of an untrained "
        "model. training.must_learn=false lets such a run end well"
    )
