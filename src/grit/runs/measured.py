"""An evaluation of a model or of predictions: its results and scored rows."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from tqdm import tqdm

from grit.config.identity import code_hash, config_hash, made_of
from grit.config.schema import Config
from grit.core import processes
from grit.core.fingerprints import fingerprint
from grit.data.samples import Sample, samples_fingerprint
from grit.data.suites import TestSet
from grit.evaluation.harness_files import write_harness_files
from grit.evaluation.loop import answer
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.sampled import write_sampled
from grit.evaluation.scoring import judge_again, score_predictions
from grit.judge.judge import Judge, JudgeFailed, check_failures, check_trouble
from grit.judge.usage import NOTHING, Usage
from grit.models.adapter import Adapter
from grit.models.loading import Checkpoint
from grit.models.prompting import Prompting
from grit.rollout.engine import Engine
from grit.runs.metrics_log import MetricsLog
from grit.runs.results import (
    Results,
    git_commit,
    read_results,
    set_result,
    write_predictions,
    write_results,
)
from grit.runs.run_record import VALIDATION, code_of
from grit.runs.used_annotation import annotation_of, annotation_of_weights
from grit.training.diagnostics import JUDGE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measured:
    """One evaluation: its results, and its scored rows by set."""

    results: Results
    rows: Mapping[str, Sequence[ScoredPrediction]]
    sampled: Mapping[str, Sequence[ScoredPrediction]] = field(default_factory=dict)  # beside them

    def write(self, folder: Path, stem: str = "") -> None:
        """Write ``predictions[.stem].jsonl`` and ``results[.stem].json``.

        Before them ``samples[.stem].jsonl``, if there are any: who finds predictions finds all.
        """
        middle = f".{stem}" if stem else ""
        if self.sampled:
            write_sampled(folder / f"samples{middle}.jsonl", self.sampled)
        write_predictions(folder / f"predictions{middle}.jsonl", self.rows)
        write_results(folder / f"results{middle}.json", self.results)

    def write_for_harnesses(self, config: Config, folder: Path) -> None:
        """Write the files of ``evaluation.harnesses``."""
        model = self.results.model
        for path in write_harness_files(config.evaluation.harnesses, self.rows, folder, model):
            log.info("%s", path)


def evaluate_model(
    config: Config,
    adapter: Adapter,
    engine: Engine,
    sets: Sequence[TestSet],
    judge: Judge,
    folder: Path,
    stem: str = "",
    trained_on: Sequence[Sample] = (),
    checkpoint: Checkpoint | None = None,
) -> Measured | None:
    """Ask the model every question and write ``predictions`` and ``results`` into ``folder``.

    Questions are sharded over the ranks; rank 0 scores the answers and writes the files. Other
    ranks return None.

    Args:
        config: of the run.
        adapter: of the model.
        engine: that completes prompts with its weights.
        sets: the test sets.
        judge: of the answers.
        folder: of the run.
        stem: added to the files' names: "before" gives ``results.before.json``.
        trained_on: the triplets that the model was trained on in this run.
        checkpoint: the trained weights that were loaded into the model, if any.
    """
    phase = "evaluation"
    if config.task == "train" and config.method.learns:
        phase += f" {stem or 'after'} training"
    predictions, sampled = ask(config, adapter, engine, sets, phase=phase), {}
    if count := config.evaluation.samples:
        asked = [replace(each, samples=_answered_in_words(each.samples)) for each in sets]
        temperature = config.evaluation.temperature
        phase += f", {count} answers each"
        sampled = ask(config, adapter, engine, asked, count, temperature, phase=phase)
    if processes.rank() > 0:
        return None
    former = NOTHING if stem else _usage_so_far(folder)
    code = code_of(folder)
    measured = measure(config, predictions, judge, sets, former, trained_on, sampled, code)
    if checkpoint is not None:
        settings = measured.results.settings_hash
        if checkpoint.files is not None:  # other weights may lie there another time
            settings = fingerprint([settings, checkpoint.files])
        named = replace(
            measured.results,
            settings_hash=settings,
            checkpoint=checkpoint.name,
            checkpoint_commit=checkpoint.commit,
            annotation=annotation_of_weights(checkpoint.path),
        )
        measured = replace(measured, results=named)
    measured.write(folder, stem)
    if not stem:
        measured.write_for_harnesses(config, folder)
    return measured


def _answered_in_words(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if not sample.answer_is_box]


def ask(
    config: Config,
    adapter: Adapter,
    engine: Engine,
    sets: Sequence[TestSet],
    count: int = 1,
    temperature: float = 0.0,
    *,
    phase: str,
) -> dict[str, list[Prediction]]:
    """The model's answers to each question of the sets, by set; every rank has to call it.

    Args:
        config: of the run.
        adapter: of the model.
        engine: that completes prompts with its weights.
        sets: the test sets; those without a question are left out.
        count: answers to each question.
        temperature: 0 for greedy answers.
        phase: what this is, for its one progress bar.
    """
    prompting = Prompting(config.method.suffix, config.method.example)
    found = {}
    with _bar(config, phase, sets) as bar:
        for each in filter(lambda each: each.samples, sets):
            bar.set_postfix_str(each.name)
            found[each.name] = answer(
                adapter,
                engine,
                prompting,
                each.name,
                each.samples,
                max_new_tokens=config.evaluation.max_new_tokens,
                temperature=temperature,
                count=count,
                progress=bar.update,
            )
    return found


def _bar(config: Config, phase: str, sets: Sequence[TestSet]) -> "tqdm[NoReturn]":
    """A bar of this rank's questions of all sets; shown by rank 0, at a terminal alone."""
    ranks, rank = processes.world_size(), processes.rank()
    questions = sum(len(range(rank, len(each.samples), ranks)) for each in sets)
    shown = config.trainer.progress_bar and rank == 0
    if shown:
        log.info("%s: %d questions", phase, sum(len(each.samples) for each in sets))
    hidden = None if shown else True  # None: where nobody sits at a terminal
    return tqdm(total=questions, desc=phase, unit="question", leave=False, disable=hidden)


def measure(
    config: Config,
    predictions: Mapping[str, Sequence[Prediction]],
    judge: Judge,
    sets: Sequence[TestSet] = (),
    former: Usage = NOTHING,
    trained_on: Sequence[Sample] = (),
    sampled: Mapping[str, Sequence[Prediction]] = MappingProxyType({}),
    code: str | None = None,
) -> Measured:
    """Score predictions; rows that the judge failed on are retried at the end.

    Args:
        config: of the run.
        predictions: by set.
        judge: of the answers.
        sets: the test sets, for their numbers of missing images and reasons of skipping.
        former: the judge's use by the run before this.
        trained_on: the triplets that the model was trained on in this run.
        sampled: completions beside the predictions, several of each question, by set.
        code: fingerprint of what has made them; None: this code alone.
    """
    tagged = config.method.tagged_answer
    reinforced = config.method.training == "grpo_gr"
    once = [
        {name: score_predictions(rows, judge, tagged_answers=tagged) for name, rows in said.items()}
        for said in (predictions, sampled)
    ]
    scored, beside = (
        {name: judge_again(rows, judge) for name, rows in said.items()} for said in once
    )
    missing = {test_set.name: test_set.images_missing for test_set in sets}
    results = Results(
        **made_of(config),
        config_hash=config_hash(config),
        git=git_commit(),
        code=code or code_hash(config),
        suite=config.suite.name if sets else None,
        triplets=len(trained_on) or None,
        triplets_hash=samples_fingerprint(trained_on) if trained_on else None,
        data_seed=config.data.seed if trained_on else None,
        objective=config.training.objective_label if reinforced and trained_on else None,
        annotation=annotation_of(config, trained_on),
        sets={
            name: set_result(rows, beside.get(name, ()), images_missing=missing.get(name, 0))
            for name, rows in scored.items()
        },
        skipped={test_set.name: test_set.skipped for test_set in sets if test_set.skipped},
        judge_usage=_judge_usage(judge, former),
    )
    return Measured(results, scored, beside)


def usage_before(folder: Path) -> Usage:
    """The judge's use by a run's evaluation before training."""
    path = folder / "results.before.json"
    summary = read_results(path).judge_usage if path.exists() else None
    return NOTHING if summary is None else Usage.from_summary(summary)


def check_judged(judge: Judge, measured: Measured, *, go_on: str | None = None) -> None:
    """Raise JudgeFailed if too many answers could not be judged for ACC to be meaningful.

    Called after predictions and results are written. The message says how to continue: by the
    command ``go_on``, which resumes the run, or else by scoring the predictions again.
    """
    try:
        check_failed(judge, measured)
    except JudgeFailed as error:
        how = f"go on with: {go_on}" if go_on else "score predictions.jsonl again: task=evaluate"
        raise JudgeFailed(f"{error}; the predictions are kept; {how}") from error


def check_failed(judge: Judge, measured: Measured) -> None:
    """Raise JudgeFailed if too many answers could not be judged for ACC or pass@k."""
    check_trouble(judge.trouble)
    for sets in (measured.rows, measured.sampled):
        rows = [row for rows in sets.values() for row in rows]
        failed = sum(row.judge_failed for row in rows)
        asked = failed + sum(row.acc is not None and row.answer is not None for row in rows)
        check_failures(judge, failed, asked)


def _judge_usage(judge: Judge, former: Usage) -> dict[str, Any] | None:
    used = judge.take_usage()
    if used is None:
        return None
    log.info("judge: %s", used)
    return {"model": judge.model, **(former + used).summary()}


def _usage_so_far(folder: Path) -> Usage:
    """The judge's use by a run's evaluation before training, its steps and its validations."""
    used = usage_before(folder)
    for name, prefix in (("metrics.jsonl", f"train/{JUDGE}"), (VALIDATION, JUDGE)):
        rows = MetricsLog(folder / name)
        for row in rows.rows() if rows.path.exists() else ():
            found = {k.removeprefix(prefix): v for k, v in row.items() if k.startswith(prefix)}
            used += Usage.from_summary(found) if found else NOTHING
    return used
