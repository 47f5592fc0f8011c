"""Table 1: five methods, models and six test sets, beside the paper's numbers."""

from collections.abc import Sequence

from grit.reporting.exhibits.control_rows import CONTROLS, blind_row, control_rows
from grit.reporting.exhibits.evidence import Evidence, Run
from grit.reporting.exhibits.exhibit import Exhibit
from grit.reporting.exhibits.grouping import Part, Variant, by_variant, labels
from grit.reporting.exhibits.notes import INTERVALS, MINIATURE, notes_of
from grit.reporting.exhibits.paper import METHODS, MODELS, TABLE1, TABLE1_COLUMNS
from grit.reporting.exhibits.rows import (
    DIFFERENCES,
    DIGITS,
    HEADINGS,
    Groups,
    difference_cell,
    model_title,
    models_of,
    parts_of,
    seeds_label,
    sets_cell,
)
from grit.reporting.exhibits.table import (
    MISSING,
    Cell,
    Column,
    Row,
    Section,
    Table,
    best_in_bold,
    printed,
)

COLUMNS = tuple(
    Column(test_set.title, HEADINGS[metric], DIGITS[metric]) for test_set, metric in TABLE1_COLUMNS
)


def table1(evidence: Evidence) -> Exhibit:
    """The table; below it GRIT's paired differences from every baseline, and the controls."""
    tables = []
    for part in parts_of(evidence):
        groups, repeated = by_variant(part.runs)
        models = models_of(groups, evidence)
        sections = [
            Section(model_title(model), tuple(best_in_bold(_rows(model, groups), COLUMNS)))
            for model in models
        ]
        notes = (INTERVALS, MINIATURE, *repeated, *notes_of(part.runs, evidence))
        tables.append(Table(part.title, COLUMNS, tuple(sections), notes, "Method"))
        tables += _differences(part, groups, models)
        tables += _controls(part, groups, models)
    return Exhibit("table1", "Table 1: methods, models and test sets", tuple(tables))


def _rows(model: str, groups: Groups) -> list[Row]:
    named = labels(list(groups))
    rows = []
    others = [v.method for v in groups if v.model == model and v.method not in METHODS]
    for method in [*METHODS, *dict.fromkeys(others)]:
        variants = [v for v in groups if (v.model, v.method) == (model, method)]
        rows += [
            Row(seeds_label(named[variant], groups[variant]), _cells(groups[variant]))
            for variant in variants
        ]
        if not variants:
            rows.append(Row(METHODS[method], tuple(Cell(MISSING) for _ in COLUMNS)))
        rows += _paper_rows(model, method)
    return rows


def _cells(runs: Sequence[Run]) -> tuple[Cell, ...]:
    return tuple(sets_cell(runs, [test_set], metric) for test_set, metric in TABLE1_COLUMNS)


def _paper_rows(model: str, method: str) -> list[Row]:
    numbers = TABLE1.get((MODELS.get(model, ""), method))
    if numbers is None:
        return []
    cells = [printed(value, one.digits) for value, one in zip(numbers, COLUMNS, strict=True)]
    return [Row("paper", tuple(cells), paper=True)]


def _differences(part: Part, groups: Groups, models: Sequence[str]) -> list[Table]:
    """GRIT minus each baseline, question by question; nothing where there are no predictions."""
    named = labels(list(groups))
    sections = []
    for model in models:
        ours = [v for v in groups if (v.model, v.method) == (model, "grit")]
        baselines = [v for v in groups if v.model == model and v.method != "grit"]
        rows = [
            Row(
                f"{named[our]} − {named[base]}",
                tuple(
                    difference_cell(groups[base], groups[our], [test_set], metric)
                    for test_set, metric in TABLE1_COLUMNS
                ),
            )
            for our in ours
            for base in baselines
        ]
        rows = [row for row in rows if any(cell.mean is not None for cell in row.cells)]
        if rows:
            sections.append(Section(model_title(model), tuple(rows)))
    title = f"GRIT minus the baselines; {part.title}"
    return [Table(title, COLUMNS, tuple(sections), (DIFFERENCES,))] if sections else []


def _controls(part: Part, groups: Groups, models: Sequence[str]) -> list[Table]:
    """The controls of every row; nothing where there are no predictions."""
    named = labels(list(groups))
    sections = []
    for model in models:
        own = [variant for variant in groups if variant.model == model]
        runs = [run for variant in own for run in groups[variant]]
        if any(run.controls for run in runs):
            rows = [blind_row(runs)]
            for variant in sorted(own, key=_place):
                rows += control_rows(named[variant], groups[variant])
            sections.append(Section(model_title(model), tuple(rows)))
    title = f"Controls; {part.title}"
    return [Table(title, COLUMNS, tuple(sections), (CONTROLS,))] if sections else []


def _place(variant: Variant) -> int:
    return [*METHODS, variant.method].index(variant.method)
