"""``results.json`` and ``predictions.jsonl``: all that tables and reports are built from."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from grit.core.errors import GritError
from grit.core.files import write_json, write_jsonl
from grit.core.fingerprints import fingerprint
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.metrics import METRICS, estimates, unique_rows
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Box

SCHEMA_VERSION = 1

# Metrics that results of this schema need not have, because earlier versions did not write them.
_ADDED = ("acc_binary",)
_TEXTS = ("method", "model", "data", "reward", "judge", "config_hash")
_OPTIONAL_TEXTS = (
    *("git", "code", "suite", "settings_hash", "triplets_hash"),
    *("checkpoint", "checkpoint_commit"),
)


class OtherSchema(GritError):
    """Results that an earlier or later version has written."""


@dataclass(frozen=True)
class SetResult:
    """One test set's numbers."""

    n: int  # rows evaluated
    judge_failures: int  # of them, rows that the judge could not score: not in `acc`
    metrics: Mapping[str, Estimate]  # by the names of METRICS
    images_missing: int = 0  # rows not evaluated because their image is not there
    questions: str | None = None  # fingerprint of the rows: equal ones were asked the same


@dataclass(frozen=True)
class Results:
    """What a run found, and what it was made of; one ``results.json``."""

    method: str
    model: str
    data: str
    reward: str
    judge: str
    seed: int
    config_hash: str
    sets: Mapping[str, SetResult]
    git: str | None = None  # the commit of the code
    code: str | None = None  # fingerprint of the code, which a commit may leave as it is
    suite: str | None = None
    settings_hash: str | None = None  # equal: repetitions that differ in seed and data.seed alone
    checkpoint: str | None = None  # weights that were evaluated: a path or a Hub id; None: own ones
    checkpoint_commit: str | None = None  # of the Hub
    triplets: int | None = None  # rows trained on; None: there was no training
    triplets_hash: str | None = None  # fingerprint of these rows
    data_seed: int | None = None  # that drew them
    skipped: Mapping[str, str] = field(default_factory=dict)  # set without a row -> why
    judge_usage: Mapping[str, Any] | None = None  # of the run so far; None: the judge is free
    schema_version: int = SCHEMA_VERSION


def set_result(rows: Sequence[ScoredPrediction], *, images_missing: int = 0) -> SetResult:
    """The numbers of one test set, over its unique rows."""
    unique = unique_rows(rows)
    failures = sum(row.judge_failed for row in unique)
    return SetResult(len(unique), failures, estimates(unique), images_missing, _questions(unique))


def _questions(rows: Sequence[ScoredPrediction]) -> str:
    return fingerprint(
        [
            (said.id, said.question, said.truth, [_rounded(box) for box in said.true_boxes or ()])
            for said in sorted((row.prediction for row in rows), key=lambda said: said.id)
        ]
    )


def _rounded(box: Box) -> list[float]:
    # As predictions.jsonl has them, once they are read again: JSON tells 2 from 2.0, Python not.
    return [float(round(corner, 2)) for corner in box.corners]


def write_predictions(path: Path, sets: Mapping[str, Sequence[ScoredPrediction]]) -> None:
    """Write ``predictions.jsonl``: the sets in their order, unique rows in theirs."""
    rows = chain.from_iterable(unique_rows(rows) for rows in sets.values())
    write_jsonl(path, (row.to_row() for row in rows))


def write_results(path: Path, results: Results) -> None:
    """Write ``results.json`` whole or not at all."""
    row: dict[str, Any] = {"schema_version": results.schema_version}  # first, for human readers
    row |= {key: value for key, value in asdict(results).items() if key != "sets"}
    row["sets"] = {name: _set_row(found) for name, found in results.sets.items()}
    write_json(path, row)


def read_results(path: Path) -> Results:
    """Read and check a ``results.json``; GritError says what is wrong with it."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GritError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise GritError(f"{path}: is not valid JSON: {error}") from error
    return parse_results(str(path), fields)


def parse_results(source: str, fields: Any) -> Results:
    """Check the fields of a ``results.json`` that lies, or lay, at ``source``."""
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        kind = OtherSchema if isinstance(version, int) else GritError
        raise kind(
            f"{source}: expected results of schema_version {SCHEMA_VERSION}, found {version!r:.60}"
        )
    return _Reader(source).results(fields)


def git_commit(source: Path = Path(__file__)) -> str | None:
    """The commit of the repository that tracks ``source``; None where there is none to name."""
    git = ["git", "-C", str(source.parent)]
    try:
        # An installed package may lie inside somebody else's repository, which does not track it.
        for command in (["ls-files", "--error-unmatch", source.name], ["rev-parse", "HEAD"]):
            done = subprocess.run(
                [*git, *command], capture_output=True, text=True, timeout=10, check=True
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _set_row(found: SetResult) -> dict[str, Any]:
    counts = {
        "n": found.n,
        "judge_failures": found.judge_failures,
        "images_missing": found.images_missing,
        "questions": found.questions,
    }
    return counts | {name: value._asdict() for name, value in found.metrics.items()}


@dataclass(frozen=True)
class _Reader:
    """Turns the fields of a results.json into Results, naming the field that is wrong."""

    source: str

    def results(self, fields: dict[str, Any]) -> Results:
        sets = self._object(fields, "sets")
        skipped = self._object(fields, "skipped")
        return Results(
            **{name: self._get(fields, name, str) for name in _TEXTS},
            seed=self._get(fields, "seed", int),
            **{name: self._optional(fields, name, str) for name in _OPTIONAL_TEXTS},
            triplets=self._optional(fields, "triplets", int),
            data_seed=self._optional(fields, "data_seed", int),
            skipped={name: self._get(skipped, name, str, "skipped.") for name in skipped},
            judge_usage=self._object(fields, "judge_usage") if fields.get("judge_usage") else None,
            sets={name: self._set(sets, name) for name in sets},
        )

    def _set(self, sets: dict[str, Any], name: str) -> SetResult:
        found = self._object(sets, name, "sets.")
        where = f"sets.{name}."
        return SetResult(
            n=self._get(found, "n", int, where),
            judge_failures=self._get(found, "judge_failures", int, where),
            images_missing=self._get(found, "images_missing", int, where),
            questions=self._optional(found, "questions", str, where),
            metrics={metric: self._estimate(found, metric, where) for metric in METRICS},
        )

    def _estimate(self, found: dict[str, Any], metric: str, where: str) -> Estimate:
        if metric in _ADDED and metric not in found:
            return Estimate(None, None, None, 0)
        values = self._object(found, metric, where)
        where = f"{where}{metric}."
        number = (int, float, type(None))
        mean, low, high = (self._get(values, key, number, where) for key in ("mean", "low", "high"))
        return Estimate(mean, low, high, self._get(values, "n", int, where))

    def _object(self, fields: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
        return self._get(fields, name, dict, where)

    def _optional(self, fields: dict[str, Any], name: str, kind: Any, where: str = "") -> Any:
        """A field that results made elsewhere or earlier need not have."""
        return self._get({name: None} | fields, name, (kind, type(None)), where)

    def _get(self, fields: dict[str, Any], name: str, kind: Any, where: str = "") -> Any:
        value = fields.get(name, ...)
        if not isinstance(value, kind) or isinstance(value, bool):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            expected = " or ".join(_JSON_NAMES[one] for one in kinds)
            found = "nothing" if value is ... else f"{value!r:.60}"
            raise GritError(
                f'{self.source}: field "{where}{name}": expected {expected}, found {found}'
            )
        return value


_JSON_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    dict: "an object",
    type(None): "null",
}
