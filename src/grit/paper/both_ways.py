"""ACC both ways beside a table: the judge's mean score, and the share of scores above 0.5."""

from collections.abc import Sequence

from grit.paper.grouping import Part
from grit.paper.measures import Measures
from grit.paper.notes import judged
from grit.paper.own_rows import own_sections
from grit.paper.rows import DIGITS, HEADINGS, Groups
from grit.paper.table import Column, Table
from grit.runs.metrics import BINARY, DIFFERENT, has_two_accs

ACC = "acc"


def acc_tables(
    title: str, part: Part, shown: Measures, groups: Groups, models: Sequence[str]
) -> list[Table]:
    """Every ACC of a table both ways; none where the two are the same, as its notes say then.

    Args:
        title: of the table.
        part: the runs of the page.
        shown: what the table has.
        groups: its rows.
        models: its sections.
    """
    if not has_two_accs(part.results):
        return []
    both = _both_ways(shown)
    sections = own_sections(both, groups, models)
    notes = (*judged(part.runs), DIFFERENT)
    return [Table(title, both.columns, sections, notes, "Method")] if sections else []


def _both_ways(shown: Measures) -> Measures:
    columns, numbers = [], []
    for column, (sets, metric) in zip(shown.columns, shown.numbers, strict=True):
        if metric != ACC:
            continue
        of_what = column.name if column.group == HEADINGS[ACC] else column.group
        for key in (ACC, BINARY.key):
            columns.append(Column(of_what, HEADINGS[key], DIGITS[key]))
            numbers.append((sets, key))
    return Measures(tuple(columns), tuple(numbers))
