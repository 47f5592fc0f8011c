"""Evaluating a model or predictions, and writing what was found."""

import json
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from grit import processes
from grit.configuration import config_hash, plain, settings_hash
from grit.data.samples import Sample, samples_fingerprint
from grit.evaluation.loop import answer
from grit.evaluation.predictions import Prediction, read_predictions
from grit.evaluation.scoring import score_predictions
from grit.fingerprints import code_fingerprint
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.reporting.comparison import print_comparison
from grit.reporting.controls import controls, print_controls
from grit.reporting.metrics_log import MetricsLog
from grit.reporting.report import Measured, ReportData, write_report
from grit.reporting.results import (
    Results,
    git_commit,
    set_result,
    write_predictions,
    write_results,
)
from grit.rollout.sampler import Sampler
from grit.schema import Config
from grit.tasks.folder import run_name
from grit.tasks.parts import TestSet, make_prompting

log = logging.getLogger(__name__)


def evaluate_model(
    config: Config,
    adapter: Adapter,
    sets: Sequence[TestSet],
    judge: Judge,
    folder: Path,
    stem: str = "",
    trained_on: Sequence[Sample] = (),
) -> Measured | None:
    """Ask the model every question and write ``predictions`` and ``results`` into ``folder``.

    Several processes share the questions; the first scores the answers and writes, and the others
    get None.

    Args:
        config: of the run.
        adapter: the model.
        sets: what to ask.
        judge: who scores the answers.
        folder: of the run.
        stem: put into the files' names, ``results.before.json``.
        trained_on: the triplets that the model has learned from in this run.
    """
    sampler = Sampler(adapter, config.training.tokens_per_rollout_batch)
    predictions = {
        found.name: answer(
            adapter,
            sampler,
            make_prompting(config),
            found.name,
            found.samples,
            max_new_tokens=config.evaluation.max_new_tokens,
            progress=config.trainer.progress_bar and processes.rank() == 0,
        )
        for found in sets
        if found.samples
    }
    if processes.rank() > 0:
        return None
    measured = measure(config, predictions, judge, sets, trained_on)
    write_measured(measured, folder, stem)
    return measured


def measure(
    config: Config,
    predictions: Mapping[str, Sequence[Prediction]],
    judge: Judge,
    sets: Sequence[TestSet] = (),
    trained_on: Sequence[Sample] = (),
) -> Measured:
    """Score predictions; ``sets`` knows what could not be asked."""
    tagged = config.method.tagged_answer
    scored = {
        name: score_predictions(rows, judge, tagged_answers=tagged)
        for name, rows in predictions.items()
    }
    missing = {found.name: found.images_missing for found in sets}
    results = Results(
        method=config.method.name,
        model=config.model.name,
        data=config.data.name,
        reward=config.reward.name,
        judge=config.judge.name,
        seed=config.seed,
        config_hash=config_hash(config),
        git=git_commit(),
        code=code_fingerprint(config.model.path),
        suite=config.suite.name if sets else None,
        settings_hash=settings_hash(config),
        triplets=len(trained_on) or None,
        triplets_hash=samples_fingerprint(trained_on) if trained_on else None,
        sets={
            name: set_result(rows, images_missing=missing.get(name, 0))
            for name, rows in scored.items()
        },
        skipped={found.name: found.skipped for found in sets if found.skipped},
    )
    return Measured(results, scored)


def write_measured(measured: Measured, folder: Path, stem: str = "") -> None:
    """Write ``predictions[.stem].jsonl`` and ``results[.stem].json``."""
    middle = f".{stem}" if stem else ""
    write_predictions(folder / f"predictions{middle}.jsonl", measured.rows)
    write_results(folder / f"results{middle}.json", measured.results)


def read_sets(path: Path) -> dict[str, list[Prediction]]:
    """Predictions of a file, by their set."""
    sets: dict[str, list[Prediction]] = {}
    for prediction in read_predictions(path):
        sets.setdefault(prediction.set, []).append(prediction)
    return sets


def show(
    config: Config,
    folder: Path,
    sets: Sequence[TestSet],
    after: Measured,
    before: Measured | None = None,
) -> None:
    """Print the tables and write ``report.html``."""
    first = before or after
    print_comparison(first.results, after.results if before else None)
    print_controls({name: controls(rows) for name, rows in after.rows.items()})
    pictures = {(found.name, s.id): s.picture for found in sets for s in found.samples}
    metrics = MetricsLog(folder / "metrics.jsonl")
    begun = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    write_report(
        folder / "report.html",
        ReportData(
            title=run_name(config),
            after=after,
            before=before,
            picture_of=lambda name, row: pictures[name, row].load(),
            metrics=metrics.rows() if metrics.path.exists() else [],
            config=yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True),
            meta={
                "command": shlex.join(["python", "-m", "grit", *begun["overrides"]]),
                "commit": begun["git"] or "not in a repository",
                "started": begun["started"],
                "configuration": begun["config_hash"],
            },
        ),
    )
    log.info("%s", folder / "results.json")
    log.info("%s", folder / "report.html")
