"""Figure 6: ACC in-domain and out-of-domain against the number of training triplets."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from grit.figures.chart import Chart, Panel, Point, Series
from grit.figures.exhibit import Exhibit
from grit.figures.table import Column, Row, Section, Table
from grit.paper.companions import Shown, acc_tables, paired_tables
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.grouping import Groups, Variant, by_variant, labels, models_of, parts_of
from grit.paper.measures import EACH, Measures
from grit.paper.notes import INTERVALS, MINIATURE, judged, notes_of
from grit.runs.printed import IN_DOMAIN, OUT_OF_DOMAIN, POOLED, SCALES, model_title
from grit.runs.repetitions import seeds_label
from grit.runs.shown_metrics import definitions

TITLE = "Figure 6: how ACC scales with triplets"
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
        shown = Shown(part.title, part, groups, models, SHOWN)
        tables += _differences(shown)
        tables += [*acc_tables(shown), *control_tables(shown._replace(measures=EACH))]
        charts.append(_chart(part.title, rows))
    return Exhibit("figure6", TITLE, tuple(tables), tuple(charts))


def _by_size(model: str, groups: Groups) -> dict[int, list[Variant]]:
    """The variants of a model by their numbers of triplets."""
    own = [variant for variant in groups if variant.model == model]
    return {size: [v for v in own if SCALES[v.data or ""] == size] for size in SIZES}


def _rows(model: str, groups: Groups) -> list[tuple[int, Row]]:
    """Rows with their numbers of triplets; several of one size differ in something else."""
    rows = []
    for size, variants in _by_size(model, groups).items():
        named = labels({variant: groups[variant] for variant in variants})
        for variant in variants:
            label = str(size) if len(variants) == 1 else f"{size}: {named[variant]}"
            runs = groups[variant]
            rows.append((size, Row(seeds_label(label, runs), SHOWN.of(runs))))
        if not variants:
            rows.append((size, Row(str(size), SHOWN.missing())))
    return rows


def _differences(shown: Shown) -> list[Table]:
    """Each size minus every smaller one, question by question; of sizes with one kind of run."""
    pairs = {}
    for model in shown.models:
        sizes = _by_size(model, shown.groups)
        single = {size: shown.groups[v[0]] for size, v in sizes.items() if len(v) == 1}
        pairs[model] = [
            (f"{more} − {fewer}", single[fewer], single[more])
            for fewer, more in combinations(single, 2)
        ]
    return paired_tables(f"More triplets minus fewer; {shown.title}", shown, pairs)


def _chart(title: str, rows: Mapping[str, Sequence[tuple[int, Row]]]) -> Chart:
    panels = []
    for model, sizes in rows.items():
        series = []
        for place, name in enumerate(DOMAINS):
            means = ((size, row.cells[place].mean) for size, row in sizes)
            points = tuple(Point(size, *mean[:3]) for size, mean in means if mean is not None)
            series.append(Series(name, points))
        panel = Panel(model_title(model), tuple(series))
        panels.append(panel if panel.points else Panel(f"{panel.title}: missing", panel.series))
    return Chart(
        title="How ACC scales with training triplets",
        note=f"{title}; 95% intervals",
        panels=tuple(panels),
        y_label="ACC",
        x_label="training triplets",
        across=True,
        log_x=True,
    )
