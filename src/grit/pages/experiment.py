"""``report.html`` of an experiment: many runs in one file, with their tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from grit.pages.differences import facts
from grit.pages.gallery import Gallery
from grit.pages.grids import grids
from grit.pages.pages import page
from grit.pages.training_curves import Curves
from grit.runs.judging import judging_note
from grit.runs.results import Results
from grit.runs.shown_metrics import definitions


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


def render_experiment(data: ExperimentData) -> str:
    """The page as text."""
    finished = [run for run in data.runs if run.results is not None]
    galleries = {name: shown for name, shown in data.galleries.items() if shown.sets}
    results = [run.results for run in finished if run.results is not None]
    return page(
        "experiment.html.jinja",
        data=data,
        bodies=[Markup(section.body) for section in data.sections],
        alike={name: values[0] for name, values in facts(results).items() if len(values) == 1},
        definitions=definitions(results),
        judging=judging_note(results),
        grids=grids(results),
        finished=finished,
        unfinished=[run for run in data.runs if run.results is None],
        curves=[curves for curves in data.curves if curves.panels],
        galleries=galleries,
        not_shown=[run for run in finished if run.name not in galleries] if galleries else [],
    )
