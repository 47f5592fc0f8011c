"""Evaluating a model or predictions, and writing what was found."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from grit.config.identity import code_hash, config_hash, plain, settings_hash
from grit.config.schema import Config
from grit.core import processes
from grit.data.samples import Sample, samples_fingerprint
from grit.data.suites import TestSet, pictures_of
from grit.evaluation.controls import controls, print_controls
from grit.evaluation.loop import answer
from grit.evaluation.predictions import Prediction, read_predictions
from grit.evaluation.scoring import judge_again, score_predictions
from grit.judge.judge import (
    Judge,
    JudgeFailed,
    MeteredJudge,
    check_failures,
    check_trouble,
    trouble_of,
    usage_of,
)
from grit.judge.usage import NOTHING, Usage
from grit.models.adapter import Adapter
from grit.models.loading import Checkpoint
from grit.pages.comparison import print_comparison
from grit.pages.run_page import Measured, ReportData, write_report
from grit.pages.summary import duration
from grit.rollout.sampler import Sampler
from grit.runs.metrics_log import MetricsLog
from grit.runs.results import (
    Results,
    git_commit,
    read_results,
    set_result,
    write_predictions,
    write_results,
)
from grit.tasks.folder import run_name
from grit.tasks.tracking import Tracker
from grit.training.diagnostics import JUDGE
from grit.training.methods import prompting_of

log = logging.getLogger(__name__)


def evaluate_model(
    config: Config,
    adapter: Adapter,
    sets: Sequence[TestSet],
    judge: Judge,
    folder: Path,
    stem: str = "",
    trained_on: Sequence[Sample] = (),
    checkpoint: Checkpoint | None = None,
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
        checkpoint: the trained weights that the model has from elsewhere.
    """
    sampler = Sampler(
        adapter,
        config.training.tokens_per_rollout_batch,
        share_prefill=config.training.share_prefill,
        compact=config.training.compact_rollout,
        decode=config.training.decode,
    )
    predictions = {
        found.name: answer(
            adapter,
            sampler,
            prompting_of(config.method),
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
    former = NOTHING if stem else _usage_so_far(folder)
    measured = measure(config, predictions, judge, sets, former, trained_on)
    if checkpoint is not None:
        named = replace(
            measured.results, checkpoint=checkpoint.name, checkpoint_commit=checkpoint.commit
        )
        measured = replace(measured, results=named)
    write_measured(measured, folder, stem)
    return measured


def measure(
    config: Config,
    predictions: Mapping[str, Sequence[Prediction]],
    judge: Judge,
    sets: Sequence[TestSet] = (),
    former: Usage = NOTHING,
    trained_on: Sequence[Sample] = (),
) -> Measured:
    """Score predictions; ``sets`` knows what could not be asked, ``former`` what the run has used.

    Whatever the judge failed on is asked again at the end: by then a service may be back.
    """
    tagged = config.method.tagged_answer
    scored = {
        name: score_predictions(rows, judge, tagged_answers=tagged)
        for name, rows in predictions.items()
    }
    scored = {name: judge_again(rows, judge) for name, rows in scored.items()}
    missing = {found.name: found.images_missing for found in sets}
    results = Results(
        method=config.method.name,
        model=config.model.name,
        data=config.data.name,
        reward=config.reward.name,
        judge=config.judge.label,
        seed=config.seed,
        config_hash=config_hash(config),
        git=git_commit(),
        code=code_hash(config),
        suite=config.suite.name if sets else None,
        settings_hash=settings_hash(config),
        triplets=len(trained_on) or None,
        triplets_hash=samples_fingerprint(trained_on) if trained_on else None,
        sets={
            name: set_result(rows, images_missing=missing.get(name, 0))
            for name, rows in scored.items()
        },
        skipped={found.name: found.skipped for found in sets if found.skipped},
        judge_usage=_judge_usage(judge, former),
    )
    return Measured(results, scored)


def _judge_usage(judge: Judge, former: Usage) -> dict[str, Any] | None:
    used = usage_of(judge)
    if used is None or not isinstance(judge, MeteredJudge):
        return None
    log.info("judge: %s", used)
    return {"model": judge.model, **(former + used).summary()}


def usage_before(folder: Path) -> Usage:
    """What the judge was used for by a run's evaluation before training."""
    path = folder / "results.before.json"
    summary = read_results(path).judge_usage if path.exists() else None
    return NOTHING if summary is None else Usage.from_summary(summary)


def _usage_so_far(folder: Path) -> Usage:
    """What the judge was used for by a run's former evaluation and by its training steps."""
    used = usage_before(folder)
    metrics = MetricsLog(folder / "metrics.jsonl")
    prefix = f"train/{JUDGE}"
    for row in metrics.rows() if metrics.path.exists() else ():
        step = {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}
        used += Usage.from_summary(step) if step else NOTHING
    return used


def check_judged(judge: Judge, measured: Measured, *, go_on: str | None = None) -> None:
    """Raise JudgeFailed where too many answers could not be judged for ACC to mean anything.

    What was found is written by then. ``go_on`` is the command that goes on with the run; without,
    the predictions can be scored again.
    """
    rows = [row for rows in measured.rows.values() for row in rows]
    failed = sum(row.judge_failed for row in rows)
    asked = failed + sum(row.acc is not None and row.answer is not None for row in rows)
    try:
        check_trouble(trouble_of(judge))
        check_failures(judge, failed, asked)
    except JudgeFailed as error:
        how = f"go on with: {go_on}" if go_on else "score predictions.jsonl again: task=evaluate"
        raise JudgeFailed(f"{error}; the predictions are kept; {how}") from error


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
    before: Measured | None,
    tracker: Tracker,
) -> None:
    """Print the tables, write ``report.html``, tell the tracker."""
    first = before or after
    print_comparison(first.results, after.results if before else None)
    if before:
        _print_controls(before, "Controls before training")
    _print_controls(after, "Controls after training" if before else None)
    metrics = MetricsLog(folder / "metrics.jsonl")
    picture_of = pictures_of(sets)
    write_report(
        folder / "report.html",
        ReportData(
            title=run_name(config),
            after=after,
            before=before,
            picture_of=picture_of,
            metrics=metrics.rows() if metrics.path.exists() else [],
            config=yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True),
            meta=_about(folder),
        ),
    )
    steps = config.trainer.max_steps if config.method.learns else 0
    tracker.numbers(after, steps)
    tracker.findings(after, before, picture_of)
    log.info("%s", folder / "results.json")
    log.info("%s", folder / "report.html")


def _print_controls(measured: Measured, title: str | None) -> None:
    print_controls({name: controls(rows) for name, rows in measured.rows.items()}, title)


def _about(folder: Path) -> dict[str, str]:
    """What the run's record says, in words."""
    begun = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    started, now = datetime.fromisoformat(begun["started"]), datetime.now(UTC)
    versions = ", ".join(f"{name} {version}" for name, version in begun["versions"].items())
    return {
        "command": begun["command"],
        "commit": begun["git"] or "not in a repository",
        "started": f"{started:%Y-%m-%d %H:%M} UTC",
        "took": duration((now - started).total_seconds()),
        "versions": versions,
        "folder": folder.name,
    }
