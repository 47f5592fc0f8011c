"""Test sets that the paper does not have, such as those of ``data=own``: a table with them."""

from collections.abc import Sequence

from grit.figures.table import Table
from grit.paper.companions import Shown, acc_tables, difference_tables, own_sections
from grit.paper.control_rows import control_tables
from grit.paper.grouping import Part
from grit.paper.measures import Measures, Sets, measures
from grit.runs.printed import SETS, TestSet

PAPERS = tuple(name for test_set in SETS for name in test_set.names)
ALL = "all sets"


def has_papers_sets(part: Part) -> bool:
    """Whether a table of the paper's sets has anything to show, or nothing is known to show."""
    return not part.questions or any(name in PAPERS for name in part.questions)


def other_tables(shown: Shown, notes: Sequence[str]) -> list[Table]:
    """The sets' numbers, GRIT's differences in them and their controls; none without such sets."""
    part = shown.part
    sets = [TestSet(name, (name,)) for name in part.questions if name not in PAPERS]
    if not sets:
        return []
    title = f"other sets; {part.title}" if has_papers_sets(part) else part.title
    separate = shown._replace(title=title, measures=_measures(part, sets))
    together: Sets = tuple(sets)
    title_of = {together: ALL if len(sets) > 1 else sets[0].title}
    formats = measures([(together, "format_rate")], title_of)
    own = separate.measures
    every = Measures(own.columns + formats.columns, own.numbers + formats.numbers)
    shown = separate._replace(measures=every)
    return [
        Table(title, every.columns, own_sections(shown), tuple(notes), "Method"),
        *acc_tables(separate),
        *difference_tables(shown),
        *control_tables(separate),
    ]


def _measures(part: Part, sets: Sequence[TestSet]) -> Measures:
    """ACC and GIoU of each set, as far as any run has them."""
    numbers: list[tuple[Sets, str]] = [
        ((test_set,), metric)
        for test_set in sets
        for metric in ("acc", "giou")
        if any(
            results.sets[test_set.title].metrics[metric].n
            for results in part.results
            if test_set.title in results.sets
        )
    ]
    return measures(numbers, {(test_set,): test_set.title for test_set in sets})
