"""Figures 4 and 5 and faithfulness as exhibits: of the records that were found, or of nothing."""

from pathlib import Path
from typing import Any, TypeVar

from grit.figures.exhibit import Exhibit
from grit.figures.table import Table
from grit.paper.evidence import Evidence
from grit.runs.results import OtherSchema
from grit.studies.figure_runs import Group, OfRun, RunName
from grit.studies.record import Figure, Study, sections

F = TypeVar("F", bound=Figure[Any])


def studied(study: Study[F], evidence: Evidence) -> Exhibit:
    """The figure of each record that was found.

    Without one all is missing, of every model that there are runs of: results cannot stand in, for
    the runs themselves never measured what the figure shows.
    """
    figures: list[tuple[Path, F]] = []
    notes = []
    for path in evidence.figures:
        if path.name != f"{study.name}.json":
            continue
        try:
            figures.append((path.parent, study.read(path)))
        except OtherSchema as error:
            notes.append(f"left out: {error}")
    notes += evidence.notes
    if figures:
        return study.exhibit(figures, notes)
    models = dict.fromkeys((run.results.model, run.results.data) for run in evidence.runs)
    groups: list[Group[OfRun]] = [
        Group(RunName("", model, data, method, 0, ""), ())
        for model, data in models
        for method in study.methods
    ]
    how = (
        f"no {study.name}.json was found: experiment={study.name} or task={study.task} measures "
        "what it holds"
    )
    rows = sections(groups, study.columns)
    table = Table("nothing was measured", study.columns, rows, (how, *notes), "Method")
    return Exhibit(study.name, study.title, (table,))
