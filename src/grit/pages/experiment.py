"""``report.html`` of an experiment: many runs in one file, with their tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from grit.core.files import written_whole
from grit.pages.gallery import Gallery
from grit.pages.grids import grids
from grit.pages.pages import page
from grit.pages.training_curves import Curves
from grit.runs.judging import judging_note
from grit.runs.results import Results
from grit.runs.shown_metrics import definitions

FACTS = ("method", "model", "data", "reward", "judge", "seed")  # fields of Results


@dataclass(frozen=True)
class Section:
    """A table or figure: markup made by the suite, which goes into the page as it is."""

    title: str
    body: str  # HTML or SVG, without scripts and without addresses of anything outside


@dataclass(frozen=True)
class RunSummary:
    """One run of the experiment."""

    name: str
    results: Results | None = None  # None: it has not finished
    link: str | None = None  # of its own page, relative to this one
    note: str = ""  # for a run without results: why


@dataclass(frozen=True)
class ExperimentData:
    """All that the page of an experiment shows."""

    title: str
    runs: Sequence[RunSummary]
    sections: Sequence[Section] = ()
    curves: Sequence[Curves] = ()  # of each group of repetitions
    galleries: Mapping[str, Gallery] = field(default_factory=dict)  # by the run's name
    chains_notes: Sequence[str] = ()  # plain text above them
    config: str = ""  # YAML: what all runs share
    meta: Mapping[str, str] = field(default_factory=dict)  # label -> text; "command" is set apart


def experiment_report(path: Path, data: ExperimentData) -> None:
    """Write the page, whole or not at all."""
    text = render_experiment(data)
    with written_whole(path) as stream:
        stream.write(text)


def render_experiment(data: ExperimentData) -> str:
    """The page as text."""
    finished = [run for run in data.runs if run.results is not None]
    galleries = {name: found for name, found in data.galleries.items() if found.sets}
    results = [run.results for run in finished if run.results is not None]
    alike, _ = _facts(results)
    return page(
        "experiment.html.jinja",
        data=data,
        bodies=[Markup(section.body) for section in data.sections],
        alike=alike,
        definitions=definitions(results),
        judging=judging_note(results),
        grids=grids(results),
        finished=finished,
        unfinished=[run for run in data.runs if run.results is None],
        curves=[curves for curves in data.curves if curves.panels],
        galleries=galleries,
        not_shown=[run for run in finished if run.name not in galleries] if galleries else [],
    )


def labels(runs: Sequence[Results]) -> list[str]:
    """The choices in which runs differ, in words; nothing where they do not."""
    _, different = _facts(runs)
    return [" · ".join(_fact(run, name) for name in different) for run in runs]


def _facts(runs: Sequence[Results]) -> tuple[dict[str, str], list[str]]:
    """What all runs share, and the names of the facts in which they differ."""
    values = {name: list(dict.fromkeys(_value(run, name) for run in runs)) for name in FACTS}
    alike = {name: found[0] for name, found in values.items() if len(found) == 1}
    return alike, [name for name, found in values.items() if len(found) > 1]


def _value(run: Results, name: str) -> str:
    return str(getattr(run, name))


def _fact(run: Results, name: str) -> str:
    """A fact that says by itself what it is about."""
    return f"seed {run.seed}" if name == "seed" else _value(run, name)
