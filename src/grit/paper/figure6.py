"""Figure 6: ACC in-domain and out-of-domain against the number of training triplets."""

from collections.abc import Sequence
from itertools import combinations

from grit.paper.both_ways import acc_tables
from grit.paper.chart import Chart, Panel, Series
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.exhibit import Exhibit
from grit.paper.grouping import Part, Variant, by_variant, labels
from grit.paper.measures import Measures
from grit.paper.notes import INTERVALS, MINIATURE, judged, notes_of
from grit.paper.rows import (
    DIFFERENCES,
    Groups,
    model_title,
    models_of,
    parts_of,
    seeds_label,
)
from grit.paper.table import Column, Row, Section, Table
from grit.runs.metrics import definitions
from grit.runs.printed import IN_DOMAIN, OUT_OF_DOMAIN, POOLED, SCALES

DOMAINS = {"in-domain": IN_DOMAIN, "out-of-domain": OUT_OF_DOMAIN}
SHOWN = Measures(
    tuple(Column("ACC", name) for name in DOMAINS),
    tuple((sets, "acc") for sets in DOMAINS.values()),
)
SIZES = tuple(sorted(set(SCALES.values())))
PAPER = "The paper prints no numbers: both curves rise and flatten, out-of-domain rises less."


def figure6(evidence: Evidence) -> Exhibit:
    """A panel for each model, and its numbers as a table."""
    tables, charts = [], []
    for part in parts_of(evidence):
        groups, repeated = by_variant(
            run
            for run in part.runs
            if (run.results.method, run.results.reward) == ("grit", "grpo_gr")
            and run.results.data in SCALES
            and run.results.checkpoint is None
        )
        models = models_of(groups, evidence)
        rows = {model: _rows(model, groups) for model in models}
        meaning = (*judged(part.runs), PAPER, *definitions(part.results))
        common = (*meaning, INTERVALS, POOLED, MINIATURE)
        notes = (*common, *repeated, *notes_of(part.runs, evidence))
        sections = tuple(
            Section(model_title(model), tuple(row for _, row in rows[model])) for model in models
        )
        tables.append(Table(part.title, SHOWN.columns, sections, notes, "Triplets"))
        tables += _differences(part, groups, models)
        tables += acc_tables(f"ACC both ways; {part.title}", part, SHOWN, groups, models)
        tables += control_tables(part, groups, models)
        charts.append(
            Chart(
                part.title,
                "training triplets",
                "ACC",
                tuple(Panel(model_title(model), _series(rows[model])) for model in models),
            )
        )
    return Exhibit(
        "figure6", "Figure 6: how ACC scales with triplets", tuple(tables), tuple(charts)
    )


def _rows(model: str, groups: Groups) -> list[tuple[int, Row]]:
    """Rows with their numbers of triplets; several of one size differ in something else."""
    rows = []
    for size in SIZES:
        variants = [v for v in groups if v.model == model and SCALES[v.data or ""] == size]
        named = labels({variant: groups[variant] for variant in variants})
        for variant in variants:
            label = str(size) if len(variants) == 1 else f"{size}: {named[variant]}"
            runs = groups[variant]
            rows.append((size, Row(seeds_label(label, runs), SHOWN.of(runs))))
        if not variants:
            rows.append((size, Row(str(size), SHOWN.missing())))
    return rows


def _differences(part: Part, groups: Groups, models: Sequence[str]) -> list[Table]:
    """Each size minus every smaller one, question by question; of sizes with one kind of run."""
    sections = []
    for model in models:
        sizes: dict[int, list[Variant]] = {size: [] for size in SIZES}
        for variant in groups:
            if variant.model == model:
                sizes[SCALES[variant.data or ""]].append(variant)
        single = {size: groups[found[0]] for size, found in sizes.items() if len(found) == 1}
        rows = [
            Row(f"{more} − {fewer}", SHOWN.differences(single[fewer], single[more]))
            for fewer, more in combinations(single, 2)
        ]
        rows = [row for row in rows if any(cell.mean is not None for cell in row.cells)]
        if rows:
            sections.append(Section(model_title(model), tuple(rows)))
    title = f"More triplets minus fewer; {part.title}"
    notes = (*judged(part.runs), DIFFERENCES)
    return [Table(title, SHOWN.columns, tuple(sections), notes)] if sections else []


def _series(rows: list[tuple[int, Row]]) -> tuple[Series, ...]:
    found = []
    for place, name in enumerate(DOMAINS):
        means = [(size, row.cells[place].mean) for size, row in rows]
        found.append(Series(name, tuple((size, mean) for size, mean in means if mean is not None)))
    return tuple(found)
