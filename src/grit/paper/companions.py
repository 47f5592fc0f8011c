"""Tables beside a table of runs: its own rows, GRIT's differences in them, ACC both ways."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from grit.figures.table import Column, Row, Section, Table, best_in_bold
from grit.paper.budgets import budget_notes
from grit.paper.evidence import Evidence, Run
from grit.paper.grouping import (
    Groups,
    Part,
    Variant,
    by_variant,
    labels,
    models_of,
    parts_of,
    place,
)
from grit.paper.measures import DIGITS, HEADINGS, Measures
from grit.paper.notes import DIFFERENCES, annotation_note, draw_notes, judged, notes_of
from grit.runs.printed import model_title
from grit.runs.results import Results
from grit.runs.shown_metrics import BINARY, DIFFERENT, definitions, has_two_accs

ACC = "acc"


class Shown(NamedTuple):
    """The runs of a part under the same columns: what a table and those beside it are made of."""

    title: str
    part: Part
    groups: Groups  # a table's rows
    models: Sequence[str]  # its sections
    measures: Measures  # its columns

    def variants(self, model: str) -> list[Variant]:
        """The rows of a model, methods in the paper's order."""
        return sorted((variant for variant in self.groups if variant.model == model), key=place)

    def sections(self, rows: Callable[[str, Groups], list[Row]]) -> tuple[Section, ...]:
        """A section of rows for each model."""
        titled = ((model_title(model), rows(model, self.groups)) for model in self.models)
        return tuple(Section(title, tuple(of_model)) for title, of_model in titled)

    def runs(self, model: str) -> list[Run]:
        """The runs of a model."""
        return list(chain(*(self.groups[variant] for variant in self.variants(model))))


class Comparable(NamedTuple):
    """Runs that may share a table, and what has to be said of them."""

    shown: Shown
    meaning: tuple[str, ...]  # who judged, and what the metrics are
    notes: tuple[str, ...]  # what is left out


def comparable(
    evidence: Evidence, columns: Measures, keep: Callable[[Results], bool] = lambda _: True
) -> Iterator[Comparable]:
    """The runs that ``keep`` wants, in parts that were asked the same and judged alike."""
    for part in parts_of(evidence):
        kept = [run for run in part.runs if keep(run.results)]
        groups, repeated = by_variant(kept)
        shown = Shown(part.title, part, groups, models_of(groups, evidence), columns)
        meaning = (*judged(kept), *definitions([run.results for run in kept]))
        known = (*annotation_note(groups), *budget_notes(groups), *draw_notes(groups), *repeated)
        yield Comparable(shown, meaning, (*known, *notes_of(kept, evidence)))


def own_sections(shown: Shown) -> tuple[Section, ...]:
    """A section for each model that has a number, of our own runs alone."""
    named = labels(shown.groups)
    sections = []
    for model in shown.models:
        rows = [
            shown.measures.row(named[variant], runs)
            for variant in shown.variants(model)
            if (runs := shown.groups[variant])
        ]
        if _numbers(rows):
            best = tuple(best_in_bold(rows, shown.measures.columns))
            sections.append(Section(model_title(model), best))
    return tuple(sections)


def difference_tables(shown: Shown) -> list[Table]:
    """GRIT minus each baseline, question by question; nothing where there are no predictions."""
    named = labels(shown.groups)
    pairs = {
        model: [
            (f"{named[ours]} − {named[base]}", shown.groups[base], shown.groups[ours])
            for ours in shown.variants(model)
            for base in shown.variants(model)
            if ours.method == "grit" != base.method
        ]
        for model in shown.models
    }
    return paired_tables(f"GRIT minus the baselines; {shown.title}", shown, pairs)


Pair = tuple[str, Sequence[Run], Sequence[Run]]  # label, baseline, ours


def paired_tables(title: str, shown: Shown, pairs: dict[str, list[Pair]]) -> list[Table]:
    """Differences of the same questions, by model; nothing where there is no number."""
    sections = []
    for model, compared in pairs.items():
        rows = [Row(label, shown.measures.differences(*runs)) for label, *runs in compared]
        rows = [row for row in rows if _numbers([row])]
        if rows:
            sections.append(Section(model_title(model), tuple(rows)))
    notes = (*judged(chain(*shown.groups.values())), DIFFERENCES)
    columns = shown.measures.columns
    return [Table(title, columns, tuple(sections), notes)] if sections else []


def acc_tables(shown: Shown) -> list[Table]:
    """Every ACC both ways: the judge's mean score, and the share of scores above 0.5.

    None where the two are the same, as the table's notes say then.
    """
    if not has_two_accs(shown.part.results):
        return []
    columns, numbers = [], []
    for column, (sets, metric) in zip(*shown.measures, strict=True):
        if metric != ACC:
            continue
        of_what = column.name if column.group == HEADINGS[ACC] else column.group
        for key in (ACC, BINARY.key):
            columns.append(Column(of_what, HEADINGS[key], DIGITS[key]))
            numbers.append((sets, key))
    both = shown._replace(measures=Measures(tuple(columns), tuple(numbers)))
    sections = own_sections(both)
    notes = (*judged(shown.part.runs), DIFFERENT)
    title = f"ACC both ways; {shown.title}"
    return [Table(title, tuple(columns), sections, notes, "Method")] if sections else []


def _numbers(rows: Sequence[Row]) -> bool:
    """Whether any cell has a number."""
    return any(cell.mean is not None for row in rows for cell in row.cells)
