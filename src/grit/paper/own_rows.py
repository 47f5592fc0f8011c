"""Rows of our own runs alone, and GRIT's differences in them."""

from collections.abc import Sequence
from itertools import chain

from grit.paper.control_rows import place
from grit.paper.grouping import labels
from grit.paper.measures import Measures
from grit.paper.notes import judged
from grit.paper.rows import DIFFERENCES, Groups, model_title, seeds_label
from grit.paper.table import Row, Section, Table, best_in_bold


def own_sections(shown: Measures, groups: Groups, models: Sequence[str]) -> tuple[Section, ...]:
    """A section for each model that has a number, methods in the paper's order."""
    named = labels(groups)
    sections = []
    for model in models:
        own = sorted((v for v in groups if v.model == model), key=place)
        rows = [Row(seeds_label(named[each], groups[each]), shown.of(groups[each])) for each in own]
        if any(cell.mean is not None for row in rows for cell in row.cells):
            best = tuple(best_in_bold(rows, shown.columns))
            sections.append(Section(model_title(model), best))
    return tuple(sections)


def difference_tables(
    title: str, shown: Measures, groups: Groups, models: Sequence[str]
) -> list[Table]:
    """GRIT minus each baseline, question by question; nothing where there are no predictions."""
    named = labels(groups)
    sections = []
    for model in models:
        ours = [v for v in groups if (v.model, v.method) == (model, "grit")]
        others = (v for v in groups if v.model == model and v.method != "grit")
        baselines = sorted(others, key=place)
        rows = [
            Row(f"{named[our]} − {named[base]}", shown.differences(groups[base], groups[our]))
            for our in ours
            for base in baselines
        ]
        rows = [row for row in rows if any(cell.mean is not None for cell in row.cells)]
        if rows:
            sections.append(Section(model_title(model), tuple(rows)))
    notes = (*judged(chain.from_iterable(groups.values())), DIFFERENCES)
    return [Table(title, shown.columns, tuple(sections), notes)] if sections else []
