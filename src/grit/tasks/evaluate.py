"""``task=evaluate``: evaluates a model, trained or not, or scores existing predictions."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from grit.config.identity import code_hash, rescored_hash
from grit.config.schema import Config
from grit.core import processes
from grit.core.errors import GritError
from grit.core.files import file_hash
from grit.core.fingerprints import fingerprint
from grit.core.memory import moved
from grit.data.suites import pictures_of, test_sets
from grit.evaluation.predictions import read_sets
from grit.evaluation.sampled import read_sampled
from grit.judge.making import make_judge
from grit.models.loading import find_checkpoint
from grit.models.setup import make_adapter
from grit.pages.evaluated_run import print_evaluation, show_run
from grit.paper.beside_paper import print_beside_paper
from grit.rollout.engines import engine_of
from grit.rollout.vllm_command import Served
from grit.runs.evaluated import BEFORE_TRAINING
from grit.runs.folder import RunFolder, hold_together
from grit.runs.inputs import inputs_of
from grit.runs.measured import check_judged, evaluate_model, measure
from grit.runs.opening import opening
from grit.runs.preflight import preflight
from grit.runs.results import Results, read_results
from grit.runs.run_record import BEFORE_PREDICTIONS
from grit.runs.used_annotation import annotation_of_weights
from grit.tracking.tracker import tracked
from grit.training.device import autocast, prepare_device

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Evaluate, print the tables, write ``results.json`` and ``predictions.jsonl``."""
    if config.predictions is not None:
        _score(config, Path(config.predictions), folder, overrides)
        return
    judge, sets = make_judge(config.judge), test_sets(config.suite)
    device = prepare_device(config.trainer, config.threads)
    run = RunFolder.shared(config, folder, overrides, lambda: inputs_of(config, (), sets))
    preflight(config, device, (), sets, judge)
    checkpoint = None if config.checkpoint is None else find_checkpoint(config.checkpoint)
    adapter = make_adapter(
        config.model,
        learning=False,
        feature_cache_mib=config.training.feature_cache_mib,
        checkpoint=checkpoint,
    )
    moved(adapter.model, device)
    if processes.rank() == 0:
        trained_on = None if checkpoint is None else annotation_of_weights(checkpoint.path)
        run.begin(config, checkpoint, trained_on)
        log.info("%s", opening(config, run.folder, 0))
    hold_together(run.folder)
    with (
        tracked(config, run) as tracker,
        engine_of(adapter, config.rollout, Served(config.model), run.folder) as engine,
    ):
        with autocast(config.trainer.precision, device):
            measured = evaluate_model(
                config, adapter, engine, sets, judge, run.folder, checkpoint=checkpoint
            )
        if measured is not None:
            picture_of = pictures_of(sets)
            show_run(config, run.folder, picture_of, measured, None)
            tracker.findings(measured, None, picture_of, step=0)
            if checkpoint is not None:
                print_beside_paper(measured.results)
            check_judged(judge, measured)
    if processes.rank() == 0:
        run.end()


def _score(config: Config, predictions: Path, folder: Path, overrides: list[str]) -> None:
    """Score existing predictions, without a model."""
    judge = make_judge(config.judge)
    sets, beside = read_sets(predictions), predictions.parent / "results.json"
    run = read_results(beside) if beside.exists() else None  # that the predictions are of
    origin = _origin(run, predictions, config, overrides)
    RunFolder.at(config, folder, overrides).begin(config)
    measured = measure(config, sets, judge, sampled=read_sampled(predictions, sets))
    if run is None:  # a file's name says nothing of what is in it
        made = fingerprint([measured.results.settings_hash, file_hash(predictions)])
        origin["settings_hash"] = made
    results = replace(measured.results, **origin)
    measured = replace(measured, results=results if run is None else _counted(results, run))
    measured.write(folder)
    measured.write_for_harnesses(config, folder)
    print_evaluation(measured)
    log.info("%s", folder / "results.json")
    check_judged(judge, measured)


UNKNOWN = "unknown"
PARTS = ("model", "data", "suite")  # fields of results that predictions do not have
TRAINED = (  # what a run's last predictions were made by, whoever judges them
    *("data_seed", "triplets", "triplets_hash", "objective", "annotation"),
    *("checkpoint", "checkpoint_commit"),
)


def _counted(results: Results, run: Results) -> Results:
    """Results with the counts of what the run of the predictions had left out."""
    sets = {
        name: replace(found, images_missing=run.sets[name].images_missing)
        if name in run.sets
        else found
        for name, found in results.sets.items()
    }
    return replace(results, sets=sets, skipped=run.skipped)


def _origin(
    run: Results | None, predictions: Path, config: Config, overrides: Sequence[str]
) -> dict[str, Any]:
    """What results say of predictions' making: from the command line, else from their run.

    A run's predictions, or some of them, have ``results.json`` in the same folder. For others
    model, data and suite are ``UNKNOWN``, since the configuration's defaults need not be true of
    them, and ``annotation`` is None. Predictions of before a run's training are of weights that it
    evaluated and had not trained.

    Raises:
        GritError: the predictions' run has another method than the configuration, and the command
            line names none.
    """
    chosen = {override.lstrip("+").split("=")[0].removesuffix(".name") for override in overrides}
    if run is not None and "method" not in chosen and run.method != config.method.name:
        raise GritError(
            f"predictions={predictions}: results.json beside it says method={run.method}, and "
            f"the configuration has {config.method.name}: name one by method="
        )

    def name_of(part: str) -> str:
        if part in chosen:
            return str(getattr(config, part).name)
        return UNKNOWN if run is None else getattr(run, part) or UNKNOWN

    origin: dict[str, Any] = {part: name_of(part) for part in PARTS} | {"annotation": None}
    if run is not None and predictions.name != BEFORE_PREDICTIONS:
        origin |= _trained(run, config)
        origin |= {part: getattr(run, part) for part in ("reward", "seed") if part not in chosen}
    elif run is not None and run.triplets:
        origin["checkpoint"] = BEFORE_TRAINING
    return origin


def _trained(run: Results, config: Config) -> dict[str, Any]:
    """The fields that say how the run was trained; fingerprints also of how it is scored now.

    Tables tell repetitions by them: runs of other settings or of other code stay apart, and so do
    scores of other judges, while the seeds of one run stay together.
    """
    trained: dict[str, Any] = {name: getattr(run, name) for name in TRAINED}
    settings, code = run.settings_hash, run.code or run.git
    return trained | {
        "settings_hash": None if settings is None else rescored_hash(settings, config),
        "code": None if code is None else fingerprint([code, code_hash(config)]),
    }
