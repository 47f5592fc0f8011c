"""Runs that are over: what their folders tell, for figures that look at chains and models again."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from grit.config.configuration import checked
from grit.config.identity import config_hash, plain, settings_hash
from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint
from grit.data.samples import Sample
from grit.data.suites import test_sets
from grit.evaluation.predictions import Prediction, read_predictions
from grit.models.adapter import Adapter
from grit.models.loading import Checkpoint, find_checkpoint
from grit.models.setup import make_adapter
from grit.paper.evidence import has_ended
from grit.runs.evaluated import method_label
from grit.runs.finished import RESULTS
from grit.runs.job_log import Job
from grit.runs.results import Results, read_results
from grit.runs.stored import stored_configuration
from grit.runs.twins import distinctions
from grit.studies.figure_runs import RunName, Unfinished
from grit.tasks.early import check_run
from grit.training.device import prepare_device

T = TypeVar("T")


@dataclass(frozen=True)
class MeasuredRun:
    """A finished run that is asked again: its chains, its questions and its model."""

    folder: Path
    config: Config
    config_hash: str  # as it was begun
    results: Results | None = None  # None: its predictions were made by hand
    differs: str = ""  # in which settings, from runs of the same names

    @property
    def name(self) -> RunName:
        """What the run was made of."""
        return self.name_for()

    def name_for(self, sets: Sequence[str] | None = None) -> RunName:
        """The same where only the questions of ``sets`` play a part."""
        config, results = self.config, self.results
        questions = "" if results is None else _questions(results, sets)
        return RunName(
            folder=str(self.folder),
            model=config.model.name,
            data=config.data.name,
            method=method_label(config.method.name, config.checkpoint),
            seed=config.seed,
            config_hash=self.config_hash,
            reward=config.reward.name if config.method.training == "grpo_gr" else "",
            suite=config.suite.name,
            settings=settings_hash(config),
            code="" if results is None else results.code or results.git or "",
            questions=questions,
            differs=self.differs,
        )

    def unfinished(self, reason: str) -> Unfinished:
        """The run as one that has nothing to show."""
        name = self.name
        return Unfinished(name.folder, reason, name.model, name.data, name.method, name.seed)

    @cached_property
    def predictions(self) -> list[Prediction]:
        """What the model said in its last evaluation."""
        return read_predictions(self.folder / "predictions.jsonl")

    def sample(self, prediction: Prediction) -> Sample:
        """The question behind a prediction; only it is read, or drawn.

        Raises:
            GritError: the test sets are not those that the run was asked.
        """
        asked = self._sets.get(prediction.set, [])
        place = self._places[prediction.set, prediction.id]
        if place < len(asked) and (sample := asked[place]).id == prediction.id:
            return sample
        raise GritError(
            f"runs: {self.folder}: the test set {prediction.set} has no question {prediction.id} "
            f"at its place {place}: it is not the one that this run was asked"
        )

    @cached_property
    def _sets(self) -> dict[str, Sequence[Sample]]:
        return {found.name: found.samples for found in test_sets(self.config.suite)}

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        """Where each prediction stands in its set."""
        count: Counter[str] = Counter()
        places = {}
        for prediction in self.predictions:
            places[prediction.set, prediction.id] = count[prediction.set]
            count[prediction.set] += 1
        return places

    def adapter(self) -> Adapter:
        """Its trained model, with eager attention, which keeps the weights to look at."""
        adapter = make_adapter(
            replace(self.config.model, attention="eager"),
            learning=False,
            feature_cache_mib=self.config.training.feature_cache_mib,
            checkpoint=self._checkpoint(),
        )
        here = replace(self.config.trainer, devices=1, num_nodes=1)  # whoever trained it
        adapter.model.eval().to(prepare_device(here, self.config.threads))
        return adapter

    def _checkpoint(self) -> Checkpoint | None:
        """The weights that answered: those that the run evaluated, or those that it trained."""
        if self.config.checkpoint is not None:
            return find_checkpoint(self.config.checkpoint)
        if not self.config.method.learns or self.config.task != "train":
            return None
        return find_checkpoint(str(self.folder))


def _questions(results: Results, sets: Sequence[str] | None) -> str:
    asked = {name: found.questions for name, found in results.sets.items()}
    return fingerprint({name: asked.get(name) for name in (asked if sets is None else sets)})


def finished_run(folder: Path) -> MeasuredRun:
    """The run of a folder.

    Raises:
        GritError: the folder holds no run, or one without predictions.
    """
    check_run(folder)
    try:
        config = checked(OmegaConf.create(stored_configuration(folder / "config.yaml")))
        begun = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        path = folder / RESULTS
        results = read_results(path) if path.exists() else None
        return MeasuredRun(folder, config, begun["config_hash"], results)
    except (GritError, OmegaConfBaseException, ValueError, KeyError) as error:
        raise GritError(
            f"runs: {folder}: its config.yaml, run.json or {RESULTS}: {error}"
        ) from error


def distinct(runs: Sequence[MeasuredRun]) -> list[MeasuredRun]:
    """The runs without those that say again what another does, by the same code.

    A method without training says the same for every seed: as several runs it would have an
    interval of no width. Those of the same names say what sets them apart.
    """
    kept: dict[tuple[str, str, str], MeasuredRun] = {}
    for run in runs:
        learns = run.config.method.learns
        key = config_hash(run.config if learns else replace(run.config, seed=0))
        kept.setdefault((key, run.name.code, run.name.questions), run)
    return _told_apart(list(kept.values()))


def _told_apart(runs: Sequence[MeasuredRun]) -> list[MeasuredRun]:
    def of_same_names(run: MeasuredRun) -> list[MeasuredRun]:
        return [each for each in runs if each.name.of_names() == run.name.of_names()]

    def differs(run: MeasuredRun) -> str:
        twins = of_same_names(run)
        named = [(twin.name.reward, twin.name.suite) for twin in twins]
        said = distinctions([plain(twin.config) for twin in twins], named)
        return ", ".join(said[twins.index(run)])

    return [replace(run, differs=differs(run)) for run in runs]


def runs_of_jobs(sweep: Path, jobs: Sequence[Job]) -> tuple[list[MeasuredRun], list[Unfinished]]:
    """The distinct runs that an experiment's jobs have left below ``sweep``, and what has none."""
    ended = {job.folder: job for job in jobs if has_ended(sweep, job)}
    # A method without training has one run for all seeds: it counts if one attempt ended well.
    unfinished = [_without_run(job, job.error) for job in jobs if job.folder not in ended]
    runs = []
    for name, job in ended.items():
        try:
            runs.append(finished_run(sweep / name))
        except GritError as error:
            unfinished.append(_without_run(job, str(error)))
    return distinct(runs), unfinished


def _without_run(job: Job, reason: str | None) -> Unfinished:
    reason = reason or "another process works at it"
    return Unfinished(job.folder, reason, job.model, job.data, job.method, job.seed)


def measured(
    runs: Sequence[MeasuredRun], measure: Callable[[MeasuredRun], T]
) -> tuple[list[tuple[MeasuredRun, T]], list[Unfinished]]:
    """What was measured of runs, and of which it could not be."""
    found, unmeasured = [], []
    for run in runs:
        try:
            found.append((run, measure(run)))
        except GritError as error:
            unmeasured.append(run.unfinished(str(error)))
    return found, unmeasured
