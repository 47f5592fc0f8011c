"""``results.json`` and ``predictions.jsonl``, from which tables and reports are built."""

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
from grit.evaluation.pass_at_k import NAMES, sampled_estimates
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Box

SCHEMA_VERSION = 1
ANSWERS, ANSWERS_AND_BOXES = "answers", "answers+boxes"
"""What training has made use of: the answers of its rows alone, or their annotated boxes too."""

# Metrics that were always written; earlier versions with this schema lack the others.
_FIRST = ("acc", "exact_match", "giou", "format_rate")
_TEXTS = ("method", "model", "data", "reward", "judge", "config_hash")
_OPTIONAL_TEXTS = (
    *("git", "code", "suite", "settings_hash", "triplets_hash"),
    *("checkpoint", "checkpoint_commit", "objective", "annotation"),
)


class OtherSchema(GritError):
    """A ``results.json`` of another schema version."""


@dataclass(frozen=True)
class SetResult:
    """The metrics and counts of one test set."""

    n: int  # rows evaluated
    judge_failures: int  # rows that the judge failed on, left out of `acc`
    metrics: Mapping[str, Estimate]  # by the names of METRICS, and of pass@k if it was sampled
    images_missing: int = 0  # rows not evaluated because their image is missing
    questions: str | None = None  # fingerprint of the questions, true answers and boxes
    samples_unjudged: int = 0  # sampled answers that the judge failed on, left out of pass@k


@dataclass(frozen=True)
class Results:
    """The content of a ``results.json``: what a run was made of, and its metrics by set."""

    method: str
    model: str
    data: str
    reward: str
    judge: str
    seed: int
    config_hash: str
    sets: Mapping[str, SetResult]
    git: str | None = None  # the commit of the code
    code: str | None = None  # fingerprint of the code that can change results
    suite: str | None = None
    settings_hash: str | None = None  # equal: repetitions that differ in seed and data.seed alone
    checkpoint: str | None = None  # weights that were evaluated: a path or a Hub id; None: own ones
    checkpoint_commit: str | None = None  # of the Hub
    triplets: int | None = None  # rows trained on; None: there was no training
    triplets_hash: str | None = None  # fingerprint of these rows
    data_seed: int | None = None  # that drew them
    objective: str | None = None  # of training by reinforcement learning
    annotation: str | None = None  # what training used, as above; None: there was none
    skipped: Mapping[str, str] = field(default_factory=dict)  # set without a row -> why
    judge_usage: Mapping[str, Any] | None = None  # of the run so far; None: the judge is free
    schema_version: int = SCHEMA_VERSION


def set_result(
    rows: Sequence[ScoredPrediction],
    sampled: Sequence[ScoredPrediction] = (),
    *,
    images_missing: int = 0,
) -> SetResult:
    """The metrics and counts of one test set.

    Args:
        rows: greedy; of equal ones the first counts.
        sampled: rows beside them, several of each question, for pass@k and mean@k.
        images_missing: questions that were not asked.
    """
    unique = unique_rows(rows)
    failures = sum(row.judge_failed for row in unique)
    metrics = estimates(unique) | sampled_estimates(sampled)
    unjudged = sum(row.judge_failed for row in sampled)
    return SetResult(len(unique), failures, metrics, images_missing, _questions(unique), unjudged)


def _questions(rows: Sequence[ScoredPrediction]) -> str:
    return fingerprint(
        [
            (said.id, said.question, said.truth, [_rounded(box) for box in said.true_boxes or ()])
            for said in sorted((row.prediction for row in rows), key=lambda said: said.id)
        ]
    )


def _rounded(box: Box) -> list[float]:
    # As read back from predictions.jsonl: floats, since JSON writes 2 and 2.0 differently.
    return [float(round(corner, 2)) for corner in box.corners]


def write_predictions(path: Path, sets: Mapping[str, Sequence[ScoredPrediction]]) -> None:
    """Write ``predictions.jsonl``: the unique rows of each set, in order."""
    rows = chain.from_iterable(unique_rows(rows) for rows in sets.values())
    write_jsonl(path, (row.to_row() for row in rows))


def write_results(path: Path, results: Results) -> None:
    """Write ``results.json`` atomically."""
    row: dict[str, Any] = {"schema_version": results.schema_version}  # first, for human readers
    row |= {key: value for key, value in asdict(results).items() if key != "sets"}
    row["sets"] = {name: _set_row(found) for name, found in results.sets.items()}
    write_json(path, row)


def read_results(path: Path) -> Results:
    """Read and validate a ``results.json``; raises GritError that names what is wrong."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GritError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise GritError(f"{path}: is not valid JSON: {error}") from error
    return parse_results(str(path), fields)


def parse_results(source: str, fields: Any) -> Results:
    """Validate the fields of a ``results.json``; ``source`` names it in messages.

    Raises:
        OtherSchema: it is of another schema version.
        GritError: a field is missing or has the wrong type.
    """
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if version != SCHEMA_VERSION:
        kind = OtherSchema if isinstance(version, int) else GritError
        raise kind(
            f"{source}: expected results of schema_version {SCHEMA_VERSION}, found {version!r:.60}"
        )
    # Earlier results do not say what training used: no reward saw boxes then.
    return _results(_Object(source, {"annotation": ANSWERS} | fields))


def git_commit(source: Path = Path(__file__)) -> str | None:
    """The commit of the git repository that tracks ``source``; None if there is none."""
    git = ["git", "-C", str(source.parent)]
    try:
        # An installed package may be inside another repository, which does not track it.
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
    if found.samples_unjudged:
        counts["samples_unjudged"] = found.samples_unjudged
    return counts | {name: value._asdict() for name, value in found.metrics.items()}


@dataclass(frozen=True)
class _Object:
    """An object in a results.json; a field that is not as expected raises GritError."""

    source: str
    fields: dict[str, Any]
    where: str = ""  # the object's path, with a dot at its end

    def get(self, name: str, *kinds: type) -> Any:
        """A field that has one of these types."""
        value = self.fields.get(name, ...)
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join(_JSON_NAMES[kind] for kind in kinds)
            found = "nothing" if value is ... else f"{value!r:.60}"
            raise GritError(
                f'{self.source}: field "{self.where}{name}": expected {expected}, found {found}'
            )
        return value

    def optional(self, name: str, kind: type) -> Any:
        """As ``get``; None where results of other programs or earlier versions lack the field."""
        return self.get(name, kind, type(None)) if name in self.fields else None

    def below(self, name: str) -> "_Object":
        """The object in a field."""
        return _Object(self.source, self.get(name, dict), f"{self.where}{name}.")


def _results(found: _Object) -> Results:
    sets, skipped = found.below("sets"), found.below("skipped")
    return Results(
        **{name: found.get(name, str) for name in _TEXTS},
        seed=found.get("seed", int),
        **{name: found.optional(name, str) for name in _OPTIONAL_TEXTS},
        **{name: found.optional(name, int) for name in ("triplets", "data_seed")},
        skipped={name: skipped.get(name, str) for name in skipped.fields},
        judge_usage=found.get("judge_usage", dict) if found.fields.get("judge_usage") else None,
        sets={name: _set(sets.below(name)) for name in sets.fields},
    )


def _set(found: _Object) -> SetResult:
    metrics = [*METRICS, *(key for key in found.fields if NAMES.fullmatch(key))]
    return SetResult(
        n=found.get("n", int),
        judge_failures=found.get("judge_failures", int),
        images_missing=found.get("images_missing", int),
        questions=found.optional("questions", str),
        samples_unjudged=found.optional("samples_unjudged", int) or 0,
        metrics={metric: _estimate(found, metric) for metric in metrics},
    )


def _estimate(found: _Object, metric: str) -> Estimate:
    if metric not in _FIRST and metric not in found.fields:
        return Estimate(None, None, None, 0)
    values = found.below(metric)
    mean, low, high = (values.get(key, int, float, type(None)) for key in ("mean", "low", "high"))
    return Estimate(mean, low, high, values.get("n", int))


_JSON_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a number",
    dict: "an object",
    type(None): "null",
}
