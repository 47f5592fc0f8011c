"""Runs that are over: what their folders tell, for figures that look at chains and models again."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from grit.configuration import checked, config_hash, settings_hash
from grit.data.samples import Sample
from grit.errors import GritError
from grit.evaluation.predictions import Prediction, read_predictions
from grit.models.adapter import Adapter
from grit.reporting.figure_runs import RunName, Unfinished
from grit.schema import Config, Training
from grit.tasks.device import prepare_device
from grit.tasks.parts import load_checkpoint, make_adapter
from grit.tasks.questions import test_sets


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder with its resolved configuration and its predictions."""

    folder: Path
    config: Config
    config_hash: str  # as it was begun

    @property
    def name(self) -> RunName:
        """What the run was made of."""
        config = self.config
        return RunName(
            folder=str(self.folder),
            model=config.model.name,
            data=config.data.name,
            method=config.method.name,
            seed=config.seed,
            config_hash=self.config_hash,
            reward=config.reward.name if config.method.training is Training.grpo_gr else "",
            suite=config.suite.name,
            settings=settings_hash(config),
        )

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
        return {found.name: found.samples for found in test_sets(self.config)}

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
        config = replace(
            self.config,
            model=replace(self.config.model, attention="eager"),
            trainer=replace(self.config.trainer, devices=1, num_nodes=1),  # whoever trained it
        )
        adapter = make_adapter(config, learning=False)
        if config.method.training is not Training.none:
            load_checkpoint(adapter, config, self.folder)
        adapter.model.eval().to(prepare_device(config))
        return adapter


def finished_run(folder: Path) -> FinishedRun:
    """The run of a folder.

    Raises:
        GritError: the folder holds no run, or one without predictions.
    """
    for name in ("config.yaml", "run.json", "predictions.jsonl"):
        if not (folder / name).is_file():
            raise GritError(f"runs: {folder}: {name} is missing: expected the folder of a run")
    try:
        config = checked(cast(DictConfig, OmegaConf.load(folder / "config.yaml")))
        begun = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return FinishedRun(folder, config, begun["config_hash"])
    except (GritError, OmegaConfBaseException, YAMLError, ValueError, KeyError) as error:
        raise GritError(f"runs: {folder}: its config.yaml or run.json: {error}") from error


def distinct(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs without those that say again what another does.

    A method without training says the same for every seed: as several runs it would have an
    interval of no width.
    """
    kept: dict[str, FinishedRun] = {}
    for run in runs:
        learns = run.config.method.training is not Training.none
        key = config_hash(run.config if learns else replace(run.config, seed=0))
        kept.setdefault(key, run)
    return list(kept.values())


def finished_runs(folders: Sequence[Path]) -> tuple[list[FinishedRun], list[Unfinished]]:
    """The distinct runs that are finished, and what is wrong with the others.

    Raises:
        GritError: none is finished.
    """
    runs, unfinished = [], []
    for folder in folders:
        try:
            runs.append(finished_run(folder))
        except GritError as error:
            unfinished.append(Unfinished(str(folder), str(error)))
    if not runs:
        raise GritError(unfinished[0].reason if unfinished else "runs: expected run folders")
    return distinct(runs), unfinished


def folders_of(runs: object) -> list[Path]:
    """The folders that ``runs=FOLDER`` or ``runs=[FOLDER,...]`` names."""
    named = runs if isinstance(runs, list) else [runs]
    return [Path(str(folder)) for folder in named if folder is not None]
