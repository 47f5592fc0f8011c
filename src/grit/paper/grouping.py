"""Which runs may stand in one table, and which are repetitions of each other."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from grit.config.identity import OF_TRAINING, REPEATED
from grit.paper.evidence import Evidence, Run
from grit.runs.draws import draw_of, repetitions_of
from grit.runs.evaluated import method_label
from grit.runs.printed import (
    METHODS,
    MINIATURES,
    MODELS,
    OTHER_METHODS,
    PAPER_OBJECTIVE,
    PAPER_REWARD,
    UNTRAINED,
)
from grit.runs.results import Results
from grit.runs.twins import differing, distinctions

_IMPLIED = dict.fromkeys(("triplets", "settings"), ("data", "reward"))  # fingerprints of these


@dataclass
class Part:
    """Runs that were asked the same questions and judged alike."""

    title: str
    runs: list[Run] = field(default_factory=list)
    # Set -> fingerprint of its rows; None where the runs do not say, which is a version of its own.
    questions: dict[str, str | None] = field(default_factory=dict)

    @property
    def results(self) -> list[Results]:
        """What the runs found."""
        return [run.results for run in self.runs]

    def takes(self, run: Run) -> bool:
        """Whether a run was asked the same, as far as both were asked."""
        return all(
            self.questions.get(name, result.questions) == result.questions
            for name, result in run.results.sets.items()
        )

    def add(self, run: Run) -> None:
        """Take a run in."""
        self.runs.append(run)
        for name, result in run.results.sets.items():
            self.questions.setdefault(name, result.questions)


def parts_of(evidence: Evidence) -> list[Part]:
    """A part for each table; one without runs where none has finished.

    Runs are split by suite, judge and the questions themselves: nothing else may share a table.
    """
    parts: dict[tuple[str | None, str], list[Part]] = {}
    for run in evidence.runs:
        suite, judge = run.results.suite, _judge_of(run)
        versions = parts.setdefault((suite, judge), [])
        part = next((version for version in versions if version.takes(run)), None)
        if part is None:
            part = Part(f"suite={suite or 'unknown'}, judge={judge}")
            versions.append(part)
        part.add(run)
    for versions in parts.values():
        if len(versions) > 1:
            for number, part in enumerate(versions, 1):
                part.title += f", version {number} of the questions"
    found = [part for versions in parts.values() for part in versions]
    return found or [Part("no run has finished")]


def _judge_of(run: Run) -> str:
    """The judge's name, and the model that it asked where it is a service."""
    usage = run.results.judge_usage
    model = usage.get("model") if usage else None
    return f"{run.results.judge} ({model})" if model else run.results.judge


_KIND = ("model", "method", "checkpoint")  # of a variant; what has a name in every label


class Variant(NamedTuple):
    """The key of a row: runs with equal keys differ in seeds alone. None: not applicable."""

    model: str
    method: str
    data: str | None
    triplets: str | None  # fingerprint of the rows, one of all draws where there are several
    reward: str | None
    settings: str | None
    code: str | None
    checkpoint: str | None = None  # weights from elsewhere: nothing was trained then
    commit: str | None = None  # of them, where they are on the Hub


Groups = Mapping[Variant, Sequence[Run]]


def place(variant: Variant) -> int:
    """Where a variant's method stands in the paper's order."""
    return [*METHODS, variant.method].index(variant.method)


def models_of(groups: Groups, evidence: Evidence) -> list[str]:
    """Models that finished or failed: known ones in their order, then others as they come."""
    there = [*(variant.model for variant in groups), *(job.model for job in evidence.failed)]
    known = [model for model in MODELS | MINIATURES if model in there]
    return list(dict.fromkeys([*known, *there]))


def variant_of(run: Run) -> Variant:
    """The variant that a run is a repetition of, whatever triplets were drawn."""
    results = run.results
    learns = results.method not in UNTRAINED and results.checkpoint is None
    return Variant(
        results.model,
        results.method,
        results.data if learns else None,
        None,
        results.reward if learns else None,
        results.settings_hash,
        results.code or results.git,
        results.checkpoint,
        (results.checkpoint_commit or "")[:8] or None,
    )


def by_variant(runs: Iterable[Run]) -> tuple[dict[Variant, list[Run]], list[str]]:
    """Repetitions together, by draw and seed; and a note on each run that came twice."""
    rows = []
    for run in runs:
        variant = variant_of(run)
        results = run.results if variant.data is not None else replace(run.results, seed=0)
        rows.append((variant, results, run))
    groups = repetitions_of(rows)
    notes = [
        f"{run.name} repeats {first.name} and does not count"
        for _, group in groups
        for run, first in group.repeats
    ]
    return {key._replace(triplets=group.rows): group.runs for key, group in groups}, notes


def draws_of(runs: Iterable[Run]) -> list[Hashable]:
    """Of each run, the triplets that it was trained on."""
    return [draw_of(run.results) for run in runs]


def labels(groups: Groups) -> dict[Variant, str]:
    """Variants of one method of one model by the method's name, and by what tells them apart.

    GRIT with another reward or objective than the paper's says so also where it stands alone. What
    has no name of its own is told by the settings that differ, or where these are not known by a
    fingerprint.
    """
    told = {}
    for variant in groups:
        label = method_label(
            (METHODS | OTHER_METHODS).get(variant.method, variant.method), variant.checkpoint
        )
        twins = [other for other in groups if _same_kind(other, variant)]
        parts = _parts(variant, twins, groups)
        if variant.method == "grit" and variant.reward is not None:
            objective = groups[variant][0].results.objective
            if objective not in (PAPER_OBJECTIVE, None):
                parts.insert(0, f"objective={objective}")
            is_said = any(part.startswith("reward=") for part in parts)
            if variant.reward != PAPER_REWARD and not is_said:
                parts.insert(0, f"reward={variant.reward}")
        if parts:
            label += f" ({', '.join(parts)})"
        told[variant] = label
    often = Counter((variant.model, label) for variant, label in told.items())
    return {  # paths of checkpoints are shortened, and may be the same then
        variant: f"{label}, {variant.checkpoint}"
        if variant.checkpoint is not None and often[variant.model, label] > 1
        else label
        for variant, label in told.items()
    }


def _same_kind(variant: Variant, other: Variant) -> bool:
    return all(getattr(variant, name) == getattr(other, name) for name in _KIND)


def _parts(variant: Variant, twins: Sequence[Variant], groups: Groups) -> list[str]:
    """What tells a variant from its twins: names, settings, and fingerprints where these fail."""
    several = len({twin.settings for twin in twins}) > 1
    settings = _settings(twins, groups) if several else {}
    said = {twin: (twin.data, twin.reward, settings.get(twin)) for twin in twins}
    parts: list[str] = []
    for name in differing(twins, Variant._fields, _IMPLIED):
        if name == "settings":
            parts += settings.get(variant, ())
        if name not in _IMPLIED or not settings or _tells_more(twins, said, name):
            parts.append(f"{name}={getattr(variant, name)}")
    return parts


def _settings(twins: Sequence[Variant], groups: Groups) -> dict[Variant, tuple[str, ...]]:
    """The settings in which each twin differs; none where some configuration is not known."""
    configs = [groups[twin][0].config for twin in twins]
    if not all(configs):
        return {}
    drawn = [run.results.data_seed for twin in twins for run in groups[twin]]
    # Earlier results do not say which draw they are of, and those of another are another variant.
    repeated = ("seed",) if None in drawn else REPEATED
    ignored = OF_TRAINING if twins[0].method in UNTRAINED else repeated
    told = distinctions(configs, [(twin.data, twin.reward) for twin in twins], ignored)
    return dict(zip(twins, told, strict=True)) if any(told) else {}


def _tells_more(twins: Sequence[Variant], said: Mapping[Variant, object], name: str) -> bool:
    """Whether a fingerprint tells twins apart of which the same is said."""
    both = {(said[twin], getattr(twin, name)) for twin in twins}
    return len(both) > len({said[twin] for twin in twins})
