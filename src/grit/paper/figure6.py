"""Figure 6: ACC in-domain and out-of-domain against the number of training triplets."""

from collections.abc import Iterator
from itertools import combinations

from grit.figures.chart import Chart, Panel, Point, Series
from grit.figures.exhibit import Exhibit
from grit.figures.table import Column, Row, Table
from grit.paper.budgets import alike
from grit.paper.companions import Shown, acc_tables, comparable, paired_tables
from grit.paper.control_rows import control_tables
from grit.paper.evidence import Evidence
from grit.paper.grouping import Groups, Variant, labels
from grit.paper.measures import EACH, Measures
from grit.paper.notes import INTERVALS, MINIATURE
from grit.runs.printed import (
    IN_DOMAIN,
    OUT_OF_DOMAIN,
    PAPER_OBJECTIVE,
    PAPER_REWARD,
    POOLED,
    SCALES,
    model_title,
)
from grit.runs.results import Results

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
    for shown, meaning, notes in comparable(evidence, SHOWN, _is_scaled):
        about = (*meaning, PAPER, INTERVALS, POOLED, MINIATURE, *_left_out(shown), *notes)
        sections = shown.sections(lambda model, groups: [row for _, row in _rows(model, groups)])
        tables.append(Table(shown.title, SHOWN.columns, sections, about, "Triplets"))
        tables += _differences(shown)
        tables += [*acc_tables(shown), *control_tables(shown._replace(measures=EACH))]
        charts.append(_chart(shown))
    return Exhibit("figure6", TITLE, tuple(tables), tuple(charts))


def _is_scaled(run: Results) -> bool:
    objective = run.objective or PAPER_OBJECTIVE  # earlier results do not say it
    is_papers = (run.method, run.reward, objective) == ("grit", PAPER_REWARD, PAPER_OBJECTIVE)
    return is_papers and run.data in SCALES and run.checkpoint is None


def _by_size(model: str, groups: Groups) -> dict[int, list[Variant]]:
    """The variants of a model by their numbers of triplets; the paper's sizes also without one."""
    sizes: dict[int, list[Variant]] = {}
    missing = set(SIZES)
    for variant in groups:
        if variant.model == model:
            named = SCALES[variant.data or ""]
            missing.discard(named)
            # Rows may be set, and some have no picture: the name is of what was asked for.
            sizes.setdefault(groups[variant][0].results.triplets or named, []).append(variant)
    return dict(sorted((sizes | {size: [] for size in missing - {*sizes}}).items()))


def _rows(model: str, groups: Groups) -> list[tuple[int, Row]]:
    """Rows with their numbers of triplets; several of one size differ in something else."""
    rows = []
    for size, variants in _by_size(model, groups).items():
        named = labels({variant: groups[variant] for variant in variants})
        for variant in variants:
            label = str(size) if len(variants) == 1 else f"{size}: {named[variant]}"
            rows.append((size, SHOWN.row(label, groups[variant])))
        if not variants:
            rows.append((size, SHOWN.row(str(size), ())))
    return rows


def _left_out(shown: Shown) -> Iterator[str]:
    """Which rows the curve and the differences leave out."""
    for model in shown.models:
        every = [variant for variant in shown.groups if variant.model == model]
        used = alike(shown.groups, _by_size(model, shown.groups)).values()
        if rest := len(every) - len(used):
            yield (
                f"{model_title(model)}: curve and differences are of the rows with one budget of "
                f"training, one of each size, and leave out {rest}: name the runs by runs="
            )


def _differences(shown: Shown) -> list[Table]:
    """Each size minus every smaller one, question by question; of runs with one budget."""
    pairs = {}
    for model in shown.models:
        sizes = alike(shown.groups, _by_size(model, shown.groups))
        single = {size: shown.groups[variant] for size, variant in sizes.items()}
        pairs[model] = [
            (f"{more} − {fewer}", single[fewer], single[more])
            for fewer, more in combinations(single, 2)
        ]
    return paired_tables(f"More triplets minus fewer; {shown.title}", shown, pairs)


def _chart(shown: Shown) -> Chart:
    panels = []
    for model in shown.models:
        sizes = alike(shown.groups, _by_size(model, shown.groups))
        rows = {s: SHOWN.row(str(s), shown.groups[variant]) for s, variant in sizes.items()}
        series = []
        for place, name in enumerate(DOMAINS):
            means = ((size, row.cells[place].mean) for size, row in rows.items())
            points = tuple(Point(size, *mean[:3]) for size, mean in means if mean is not None)
            series.append(Series(name, points))
        panel = Panel(model_title(model), tuple(series))
        panels.append(panel if panel.points else Panel(f"{panel.title}: missing", panel.series))
    return Chart(
        title="How ACC scales with training triplets",
        note=f"{shown.title}; 95% intervals",
        panels=tuple(panels),
        y_label="ACC",
        x_label="training triplets",
        across=True,
        log_x=True,
    )
