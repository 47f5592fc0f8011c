"""The leaderboard: GRIT beside other rewards, other objectives and other methods.

One row for each: accuracy and boxes in and out of domain, right answers on right boxes, whether
answers rest on the boxes (``faithfulness.json``, where the experiment made it), the length of a
chain and the time of a run; and the differences from GRIT, paired by question, with Holm's
correction.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import fmean

from grit.core.errors import GritError
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds
from grit.evaluation.paired import holm
from grit.figures.chart import Chart, Panel, Point, Series
from grit.figures.exhibit import Exhibit
from grit.figures.table import NOTHING, Cell, Column, Row, Section, Table, best_in_bold, bracketed
from grit.paper.budgets import budget_notes
from grit.paper.companions import Shown, comparable
from grit.paper.evidence import Evidence, Run
from grit.paper.grouping import Groups, Variant, labels
from grit.paper.measures import (
    DIGITS,
    HEADINGS,
    Sets,
    comparison,
    mean_over_runs,
    measured,
    measures,
)
from grit.paper.notes import INTERVALS, annotation_note, judged
from grit.runs.draws import draw_of
from grit.runs.finished import FinishedRun
from grit.runs.printed import (
    IN_DOMAIN,
    METHODS,
    OTHER_METHODS,
    OUT_OF_DOMAIN,
    PAPER_OBJECTIVE,
    PAPER_REWARD,
    POOLED,
    model_title,
)
from grit.runs.results import Results

TITLE = "Methods: GRIT beside other rewards, objectives and methods"
PLACES: dict[Sets, str] = {IN_DOMAIN: "in-domain", OUT_OF_DOMAIN: "out-of-domain"}
BOTH_RIGHT = "right_with_right_boxes"
SHOWN = measures(
    [(sets, metric) for metric in ("acc", "giou") for sets in PLACES] + [(IN_DOMAIN, BOTH_RIGHT)],
    PLACES,
)
COMPARED = ((IN_DOMAIN, "acc"), (OUT_OF_DOMAIN, "acc"), (IN_DOMAIN, "giou"))
GRIT = "GRIT"
LAST = 5  # steps whose completions give the length of a chain
_COLUMNS = (
    *SHOWN.columns,
    Column("", "Faithfulness"),
    Column("", "Tokens", 0),
    Column("", "Minutes"),
    Column("", "Annotation", words=True),
)
MEANING = (
    "Faithfulness: by how many points ACC falls when what the chain's boxes show is taken away, "
    "beyond as much taken away elsewhere, asked anew. Tokens: of a completion in the last five "
    "steps of training. Minutes: of the whole run, with its evaluation, on this machine; runs that "
    "were stopped and resumed are left out. Annotation: what training was given beside questions "
    "and pictures."
)
HOLM = (
    "Differences of the same questions from GRIT with 95% t-intervals over questions and seeds; p "
    "is two-sided and corrected for all rows of a model's column (Holm). Bold: p below 0.05."
)


def methods(evidence: Evidence) -> Exhibit:
    """The leaderboard, the differences from GRIT, and ACC as a chart."""
    tables, charts = [], []
    for shown, meaning, notes in comparable(evidence, SHOWN, _trained_here):
        told = {*annotation_note(shown.groups)}  # by a column
        notes = tuple(note for note in notes if note not in told)
        notes = (*budget_notes(shown.groups, ("data.name",)), *notes)
        about = (*meaning, MEANING, INTERVALS, POOLED, *notes, *_without_differences(shown))
        sections = tuple(
            Section(model_title(model), tuple(_rows(model, shown.groups))) for model in shown.models
        )
        tables.append(Table(shown.title, _COLUMNS, sections, about, "Method"))
        tables += _differences(shown)
        charts.append(_chart(shown))
    return Exhibit("methods", TITLE, tuple(tables), tuple(charts))


def _trained_here(run: Results) -> bool:
    return run.checkpoint is None


def arm_of(run: Run) -> str:
    """What a run's row is called: its method, and the reward and objective that are not GRIT's."""
    results = run.results
    if results.method != "grit":
        return (METHODS | OTHER_METHODS).get(results.method, results.method)
    recorded = run.config.get("training", {}).get("objective", {}).get("name", PAPER_OBJECTIVE)
    objective = results.objective or recorded  # earlier results do not say it
    parts = [f"reward={results.reward}"] * (results.reward != PAPER_REWARD)
    parts += [f"objective={objective}"] * (objective != PAPER_OBJECTIVE)
    return ", ".join([GRIT, *parts])


def _arms(model: str, groups: Groups) -> dict[Variant, str]:
    """The name of each row of a model, GRIT first; those of one name by what else differs."""
    own = [variant for variant in groups if variant.model == model]
    named = {variant: arm_of(groups[variant][0]) for variant in own}
    told = labels({variant: groups[variant] for variant in own})
    several = {name for name in named.values() if [*named.values()].count(name) > 1}
    named = {v: _further(n, told[v]) if n in several else n for v, n in named.items()}
    return dict(sorted(named.items(), key=lambda pair: _place(pair[1])))


def _further(name: str, label: str) -> str:
    """A name with the label that tells its rows apart, which may begin with the name itself."""
    return label if label.startswith(f"{name} (") else f"{name}: {label}"


def _place(name: str) -> tuple[int, str]:
    """GRIT, with other rewards, with other objectives, then other methods in the paper's order."""
    kinds = [f"{GRIT}, reward", f"{GRIT}, objective", *METHODS.values()]
    kinds.remove(GRIT)
    fitting = (place for place, start in enumerate(kinds) if name.startswith(start))
    return next(fitting, -1 if name.startswith(GRIT) else len(kinds)), name


def _rows(model: str, groups: Groups) -> list[Row]:
    rows = []
    for variant, name in _arms(model, groups).items():
        runs = groups[variant]
        annotation = Cell(runs[0].results.annotation or NOTHING)
        row = SHOWN.row(name, runs)
        beside = (_faithful(runs), _tokens(runs), _minutes(runs), annotation)
        rows.append(replace(row, cells=(*row.cells, *beside)))
    return best_in_bold(rows, SHOWN.columns)


def _faithful(runs: Sequence[Run]) -> Cell:
    """The fall beyond the control's, of the runs that the experiment's study measured."""
    found = [(fall, draw_of(run.results)) for run in runs if (fall := _fall(run)) is not None]
    if not found:
        return Cell(NOTHING)
    falls, draws = zip(*found, strict=True)
    bounds = Bounds(-100.0, 100.0)
    return measured(mean_over_runs(falls, bounds, draws), 1, bounds)


def _fall(run: Run) -> Estimate | None:
    if not isinstance(run, FinishedRun):
        return None
    path = run.folder.parent / "faithfulness" / "faithfulness.json"
    if not path.exists():
        return None
    try:
        for found in json.loads(path.read_text(encoding="utf-8"))["runs"]:
            if Path(found["folder"]).name == run.folder.name:
                fall = found["overall"]["question"]["fall_beyond_control"]
                return Estimate(fall["mean"], fall["low"], fall["high"], fall["n"])
    except (ValueError, KeyError, TypeError) as error:
        said = f"{type(error).__name__}: {error}"
        raise GritError(f"{path}: is not as this version writes it: {said}") from error
    return None


def _tokens(runs: Sequence[Run]) -> Cell:
    lengths = [
        fmean(step["train/completion_tokens"] for step in steps[-LAST:])
        for run in runs
        if isinstance(run, FinishedRun)
        and (steps := [row for row in run.metrics() if "train/completion_tokens" in row])
    ]
    return Cell(f"{fmean(lengths):.0f}" if lengths else NOTHING)


def _minutes(runs: Sequence[Run]) -> Cell:
    seconds = [run.seconds for run in runs if isinstance(run, FinishedRun)]
    known = [each for each in seconds if each is not None]
    return Cell(f"{fmean(known) / 60:.1f}" if known else NOTHING)


def _without_differences(shown: Shown) -> Iterator[str]:
    """Why the rows of a model have no differences from GRIT."""
    for model in shown.models:
        names = [*_arms(model, shown.groups).values()]
        several = [name for name in names if name.startswith((f"{GRIT}: ", f"{GRIT} ("))]
        without = f"{model_title(model)}: no differences, because"
        if several:
            yield (
                f"{without} {len(several)} rows are GRIT of other data or settings: name the runs "
                "of one by runs="
            )
        elif GRIT not in names and any(name.startswith(GRIT) for name in names):
            yield f"{without} no row is GRIT with reward={PAPER_REWARD} and its own objective"


def _differences(shown: Shown) -> list[Table]:
    """Each row minus GRIT, with Holm's correction over the rows of a column."""
    sections = []
    for model in shown.models:
        named = _arms(model, shown.groups)
        base = [variant for variant, name in named.items() if name == GRIT]
        others = [variant for variant in named if variant not in base]
        if len(base) != 1 or not others:
            continue
        grit = shown.groups[base[0]]
        compared_with = [shown.groups[variant] for variant in others]
        by_measure = [_compared(grit, compared_with, *measure) for measure in COMPARED]
        rows = [
            Row(f"{named[variant]} − {GRIT}", tuple(cell for pair in row for cell in pair))
            for variant, row in zip(others, zip(*by_measure, strict=True), strict=True)
        ]
        sections.append(Section(model_title(model), tuple(rows)))
    if not sections:
        return []
    heads = [f"{HEADINGS[metric]} {PLACES[sets]}" for sets, metric in COMPARED]
    columns = tuple(Column(head, name) for head in heads for name in ("difference", "p (Holm)"))
    notes = (*judged(chain(*shown.groups.values())), HOLM)
    return [Table(f"Differences from GRIT; {shown.title}", columns, tuple(sections), notes)]


def _compared(
    grit: Sequence[Run], others: Sequence[Sequence[Run]], sets: Sets, metric: str
) -> list[tuple[Cell, Cell]]:
    """The difference from GRIT of each of the others, and its corrected p-value."""
    found = [comparison(grit, runs, sets, metric) for runs in others]
    known = [each.p_value for each in found if each is not None and each.p_value is not None]
    corrected = iter(holm(known))
    cells = []
    for runs, each in zip(others, found, strict=True):
        if each is None or each.p_value is None:
            cells.append((Cell(NOTHING), Cell(NOTHING)))
            continue
        p, count = next(corrected), min(len(grit), len(runs))
        difference = bracketed(each.difference, DIGITS[metric], signed=True, runs=count)
        cells.append((Cell(difference.text, difference.mean, bold=p < 0.05), Cell(f"{p:.3f}")))
    return cells


def _chart(shown: Shown) -> Chart:
    """ACC in-domain, a bar for each row."""
    panels = []
    for model in shown.models:
        rows = _rows(model, shown.groups)
        means = [row.cells[0].mean for row in rows]
        points = tuple(
            Point(place, *(mean[:3] if mean is not None else (None,)))
            for place, mean in enumerate(means)
        )
        names = tuple(_short(name) for name in _arms(model, shown.groups).values())
        panels.append(Panel(model_title(model), (Series("ACC in-domain", points),), groups=names))
    return Chart("ACC in-domain", f"{shown.title}; 95% intervals", tuple(panels), "ACC")


def _short(name: str) -> str:
    """A row's name below a bar: without GRIT's."""
    return name.removeprefix(f"{GRIT}, ").replace("reward=", "").replace("objective=", "")
