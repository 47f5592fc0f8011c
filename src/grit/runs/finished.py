"""Finished runs: finding them in folders, and reading what they wrote."""

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grit.config.identity import made_of
from grit.config.schema import Config
from grit.config.stored import stored_config, stored_configuration
from grit.core.errors import GritError
from grit.core.memory import moved
from grit.data.samples import Sample
from grit.data.suites import has_test_files, test_sets
from grit.evaluation.controls import Controls, controls
from grit.evaluation.metrics import METRICS
from grit.evaluation.predictions import (
    Prediction,
    ScoredPrediction,
    read_predictions,
    read_scored,
)
from grit.runs.results import OtherSchema, Results, read_results
from grit.runs.run_record import CONFIG, PREDICTIONS, RECORD, RESULTS, check_run, read_record

if TYPE_CHECKING:
    from grit.models.adapter import Adapter  # imports transformers

log = logging.getLogger(__name__)
_WANDB_RUN = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-(\w+)")  # when, and its id


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder and its results; other files are read lazily."""

    folder: Path
    results: Results
    differs: str = ""  # settings that differ from those of runs with the same names
    suite_root: str | None = None  # where its test files are, if they are not where they were

    @classmethod
    def read(cls, folder: Path) -> "FinishedRun":
        """The run of a folder; raises GritError if its results are missing or invalid."""
        return cls(folder, read_results(folder / RESULTS))

    @classmethod
    def with_predictions(cls, folder: Path) -> "FinishedRun":
        """A run with predictions, for the studies of its chains and its model.

        It may lack ``results.json``, as with predictions made by hand: its results then have no
        test sets.

        Raises:
            GritError: the folder holds no run, or one without predictions.
        """
        check_run(folder)
        try:
            config, record = stored_config(folder / CONFIG), read_record(folder / RECORD)
            if (folder / RESULTS).exists():
                return cls.read(folder)
            made: dict[str, Any] = {"suite": config.suite.name, "checkpoint": config.checkpoint}
            made |= made_of(config) | {"config_hash": record["config_hash"]}
            return cls(folder, Results(**made, sets={}))
        except GritError as error:
            where = f"its {CONFIG}, {RECORD} or {RESULTS}"
            raise GritError(f"runs: {folder}: {where}: {error}") from error

    @property
    def name(self) -> str:
        """Its name in notes: the folder."""
        return str(self.folder)

    @property
    def page(self) -> Path | None:
        """The path of ``report.html``, or None."""
        path = self.folder / "report.html"
        return path if path.exists() else None

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """Its resolved configuration in plain values; empty if the folder has none.

        Raises:
            GritError: the file is not YAML of an object with plain values.
        """
        path = self.folder / CONFIG
        return stored_configuration(path) if path.exists() else {}

    @cached_property
    def settings(self) -> Config:
        """Its configuration, validated against the schema.

        Raises:
            GritError: it does not fit this version's schema.
        """
        return stored_config(self.folder / CONFIG)

    @property
    def seconds(self) -> float | None:
        """Seconds from its start to its end; None if its record lacks one of them.

        Also of a run that was resumed, since nothing says how long it lay idle.
        """
        try:
            record = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
            begun, ended = (datetime.fromisoformat(record[key]) for key in ("started", "finished"))
            resumed = record.get("resumed", False)  # earlier records do not say it
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if resumed else (ended - begun).total_seconds()

    def metrics(self) -> list[dict[str, Any]]:
        """The logged metrics of each training step; empty if it was not trained.

        Raises:
            GritError: a line is damaged.
        """
        path = self.folder / "metrics.jsonl"
        if not path.exists():
            return []
        from grit.runs.metrics_log import MetricsLog  # imports Lightning

        return MetricsLog(path).rows()

    @property
    def wandb_ids(self) -> tuple[str, ...]:
        """The ids of its W&B runs, the latest last."""
        places = (self.folder / "wandb").glob("*run-*-*")
        found = (_WANDB_RUN.fullmatch(path.name) for path in places)
        return tuple(name for _, name in sorted(match.groups() for match in found if match))

    def rows(self, stem: str = "") -> dict[str, list[ScoredPrediction]]:
        """The scored rows of ``predictions[.stem].jsonl`` by set; empty without that file."""
        path = self.folder / f"predictions{f'.{stem}' if stem else ''}.jsonl"
        return read_scored(path) if path.exists() else {}

    def scores(self, name: str, metric: str) -> Mapping[str, float] | None:
        """A metric's value for each question id of a set; None without predictions."""
        return self._of_predictions[0].get((name, metric))

    def pictures(self, name: str) -> Mapping[str, str]:
        """The picture of each question of a set, as far as the predictions name it."""
        return self._of_predictions[2].get(name, {})

    @property
    def controls(self) -> Mapping[str, Controls]:
        """The controls of each set; empty without predictions."""
        return self._of_predictions[1]

    @cached_property
    def _of_predictions(
        self,
    ) -> tuple[
        dict[tuple[str, str], dict[str, float]], dict[str, Controls], dict[str, dict[str, str]]
    ]:
        # Instead of the predictions, which are many where many runs share a table.
        sets = self.rows()
        scores = {
            (name, key): {
                row.prediction.id: value * metric.scale
                for row in rows
                if (value := metric.value(row)) is not None
            }
            for name, rows in sets.items()
            for key, metric in METRICS.items()
        }
        pictures = {
            name: {row.prediction.id: image for row in rows if (image := row.prediction.image)}
            for name, rows in sets.items()
        }
        return scores, {name: controls(rows) for name, rows in sets.items()}, pictures

    @cached_property
    def predictions(self) -> list[Prediction]:
        """The predictions of its last evaluation."""
        return read_predictions(self.folder / PREDICTIONS)

    def sample(self, prediction: Prediction) -> Sample:
        """The sample of a prediction; only that one is loaded or drawn.

        Raises:
            GritError: the test sets differ from those that the run was evaluated on.
        """
        asked = self._asked.get(prediction.set, [])
        place = self._places[prediction.set, prediction.id]
        if place < len(asked) and self._is_of(prediction, sample := asked[place]):
            return sample
        raise GritError(
            f"runs: {self.folder}: the test set {prediction.set} has no question {prediction.id} "
            f"at its place {place}: it is not the one that this run was asked"
        )

    def _is_of(self, prediction: Prediction, sample: Sample) -> bool:
        """Whether a question is still the one that was answered; predictions of others name ids."""
        if self.settings.predictions is not None:
            return sample.id == prediction.id
        now = sample.id, sample.question, sample.answer
        was = prediction.id, prediction.question, prediction.truth
        return now == was and prediction.image in (None, sample.picture.key)

    @cached_property
    def _asked(self) -> dict[str, Sequence[Sample]]:
        suite = self.settings.suite
        if self.suite_root is not None and not has_test_files(suite):
            suite = replace(suite, root=self.suite_root)
        return {test_set.name: test_set.samples for test_set in test_sets(suite)}

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        """The index of each prediction in its set, by set and id."""
        sizes: dict[str, int] = {}
        places = {}
        for prediction in self.predictions:
            places[prediction.set, prediction.id] = sizes.setdefault(prediction.set, 0)
            sizes[prediction.set] += 1
        return places

    def adapter(self) -> "Adapter":
        """The evaluated model, on the device of its settings.

        Raises:
            GritError: it is not there any more.
        """
        from grit.models.loading import find_checkpoint  # imports transformers
        from grit.models.setup import make_adapter
        from grit.training.device import prepare_device

        settings = self.settings
        name = trained_weights(settings, self.folder)
        adapter = make_adapter(
            settings.model,
            learning=False,
            feature_cache_mib=settings.training.feature_cache_mib,
            checkpoint=None if name is None else find_checkpoint(name),
        )
        here = replace(settings.trainer, devices=1, num_nodes=1)  # one process, as it is here
        moved(adapter.model.eval(), prepare_device(here, settings.threads))
        return adapter


def trained_weights(settings: Config, folder: Path) -> str | None:
    """What ``checkpoint=`` would be for the model that a run evaluated; None for the base."""
    if settings.checkpoint is None and settings.method.learns and settings.task == "train":
        return str(folder)
    return settings.checkpoint


def find_runs(roots: Sequence[Path]) -> list[FinishedRun]:
    """The finished runs in and below ``roots``, without duplicates, root by root in path order.

    Those whose results are of another schema version are left out, with a warning.

    Raises:
        GritError: a folder is missing or holds no finished run, or a run's results are broken; or
            all are of another schema version.
    """
    folders = (folder.resolve() for root in roots for folder in run_folders(root))
    runs, others = [], []
    for folder in dict.fromkeys(folders):
        try:
            runs.append(FinishedRun.read(folder))
        except OtherSchema as error:
            others.append(error)
    if others and not runs:
        raise others[0]
    for other in others:
        log.warning("left out: %s", other)
    return runs


def run_folders(root: Path, records: Sequence[str] = (RESULTS,)) -> list[Path]:
    """The folders in and below ``root`` that have one of the files ``records``, sorted by path.

    Raises:
        GritError: ``root`` is no folder, or there is none.
    """
    if not root.is_dir():
        raise GritError(f"runs: {root} is not a folder; name folders of finished runs")
    found = []
    for folder, below, files in os.walk(root):
        if RESULTS in files:
            below.clear()  # a run holds no other runs
        if not set(records).isdisjoint(files):
            found.append(Path(folder))
    if not found:
        names = " or ".join(filter(None, (", ".join(records[:-1]), records[-1])))
        raise GritError(f"runs: no {names} in or below {root}; has a run finished there?")
    return sorted(found)
