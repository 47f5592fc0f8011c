"""Test sets that the paper does not have, such as those of ``data=own``: a table with them."""

from collections.abc import Sequence
from dataclasses import replace

from grit.paper.both_ways import acc_tables
from grit.paper.control_rows import control_tables
from grit.paper.grouping import Part
from grit.paper.measures import Measures, Sets, measures
from grit.paper.own_rows import difference_tables, own_sections
from grit.paper.rows import Groups
from grit.paper.table import Table
from grit.runs.printed import SETS, TestSet

PAPERS = tuple(name for test_set in SETS for name in test_set.names)
ALL = "all sets"


def has_papers_sets(part: Part) -> bool:
    """Whether a table of the paper's sets has anything to show, or nothing is known to show."""
    return not part.questions or any(name in PAPERS for name in part.questions)


def other_tables(
    part: Part, groups: Groups, models: Sequence[str], notes: Sequence[str]
) -> list[Table]:
    """The sets' numbers, GRIT's differences in them and their controls; none without such sets.

    Args:
        part: the runs.
        groups: the table's rows.
        models: its sections.
        notes: what stands below it.
    """
    sets = [TestSet(name, (name,)) for name in part.questions if name not in PAPERS]
    if not sets:
        return []
    each = _measures(part, sets)
    together: Sets = tuple(sets)
    title_of = {together: ALL if len(sets) > 1 else sets[0].title}
    formats = measures([(together, "format_rate")], title_of)
    shown = Measures(each.columns + formats.columns, each.numbers + formats.numbers)
    title = f"other sets; {part.title}" if has_papers_sets(part) else part.title
    sections = own_sections(shown, groups, models)
    return [
        Table(title, shown.columns, sections, tuple(notes), "Method"),
        *acc_tables(f"ACC both ways; {title}", part, each, groups, models),
        *difference_tables(f"GRIT minus the baselines; {title}", shown, groups, models),
        *control_tables(replace(part, title=title), groups, models, each),
    ]


def _measures(part: Part, sets: Sequence[TestSet]) -> Measures:
    """ACC and GIoU of each set, as far as any run has them."""
    numbers: list[tuple[Sets, str]] = [
        ((test_set,), metric)
        for test_set in sets
        for metric in ("acc", "giou")
        if any(
            found.sets[test_set.title].metrics[metric].n
            for found in part.results
            if test_set.title in found.sets
        )
    ]
    return measures(numbers, {(test_set,): test_set.title for test_set in sets})
