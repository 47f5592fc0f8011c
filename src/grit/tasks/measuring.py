"""Evaluating a model or predictions, and writing what was found."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from grit.configuration import config_hash
from grit.evaluation.loop import answer
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.reporting.results import (
    Results,
    SetResult,
    git_commit,
    set_result,
    write_predictions,
    write_results,
)
from grit.rollout.sampler import Sampler
from grit.schema import Config
from grit.tasks.parts import TestSet, make_prompting

log = logging.getLogger(__name__)


def evaluate_model(
    config: Config,
    adapter: Adapter,
    sets: Sequence[TestSet],
    judge: Judge,
    folder: Path,
    stem: str = "",
) -> Results:
    """Ask the model every question and write ``predictions`` and ``results`` into ``folder``.

    Args:
        config: of the run.
        adapter: the model.
        sets: what to ask.
        judge: who scores the answers.
        folder: of the run.
        stem: put into the files' names, ``results.before.json``.
    """
    sampler = Sampler(adapter, config.training.tokens_per_rollout_batch)
    scored: dict[str, list[ScoredPrediction]] = {}
    for found in sets:
        if not found.samples:
            continue
        predictions = answer(
            adapter,
            sampler,
            make_prompting(config),
            found.name,
            found.samples,
            max_new_tokens=config.evaluation.max_new_tokens,
            progress=config.trainer.progress_bar,
        )
        scored[found.name] = _scored(config, predictions, judge)
    results = {
        found.name: set_result(scored[found.name], images_missing=found.images_missing)
        for found in sets
        if found.name in scored
    }
    skipped = {found.name: found.skipped for found in sets if found.skipped}
    return _written(config, scored, results, skipped, folder, stem)


def evaluate_predictions(
    config: Config, sets: Mapping[str, Sequence[Prediction]], judge: Judge, folder: Path
) -> Results:
    """Score predictions made anywhere and write the same files."""
    scored = {name: _scored(config, predictions, judge) for name, predictions in sets.items()}
    return _written(config, scored, {n: set_result(r) for n, r in scored.items()}, {}, folder)


def _scored(
    config: Config, predictions: Sequence[Prediction], judge: Judge
) -> list[ScoredPrediction]:
    return score_predictions(predictions, judge, tagged_answers=config.method.tagged_answer)


def _written(
    config: Config,
    scored: Mapping[str, Sequence[ScoredPrediction]],
    sets: Mapping[str, SetResult],
    skipped: Mapping[str, str],
    folder: Path,
    stem: str = "",
) -> Results:
    results = Results(
        method=config.method.name,
        model=config.model.name,
        data=config.data.name,
        reward=config.reward.name,
        judge=config.judge.name,
        seed=config.seed,
        config_hash=config_hash(config),
        git=git_commit(),
        sets=sets,
        skipped=skipped,
    )
    middle = f".{stem}" if stem else ""
    write_predictions(folder / f"predictions{middle}.jsonl", scored)
    write_results(folder / f"results{middle}.json", results)
    return results
