"""Faithfulness as a figure: its record ``faithfulness.json``, its tables and its chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds
from grit.figures.chart import Chart
from grit.figures.table import Cell, Column, Table, bracketed
from grit.runs.judging import BY_RULES, is_drawn
from grit.studies.changed_pictures import CONDITIONS, MASKED
from grit.studies.faithfulness_study import WAYS, Faithfulness, Survival
from grit.studies.figure_runs import Group, RunName
from grit.studies.pixel_masks import MOST_OVERLAP
from grit.studies.record import Figure, Study, bars, counted, missing_notes, sections

METHODS = ("grit", "sft", "cot", "icl")  # that write chains; direct has none
_NAMED_FROM = 0.05  # mean overlap of controls; less is not spoken of
ACC, CHANGE = Bounds(0.0, 100.0), Bounds(-100.0, 100.0)
BEYOND = "fall_beyond_control"
COUNTS = ("n", "nothing_masked", "without_control", "answers", "failures")
OVERLAP = "control_overlap"
DIGITS = 1
NAMES = {
    "answer_kept": "whole picture",
    "chain_boxes_masked": "chain's boxes gone",
    "control_masked": "as much else gone",
    "annotated_boxes_masked": "annotated gone",
}
FALL_NAMES = {
    "chain_boxes_masked": "chain's boxes",
    "control_masked": "elsewhere",
    "annotated_boxes_masked": "annotated boxes",
}
WAY_NAMES = {"question": "From the question alone", "chain": "With the chain kept up to <rethink>"}
COLUMNS = (
    Column("", "Questions", 0),
    Column("", "With a control", 0),
    *(Column("ACC", NAMES[condition], DIGITS) for condition in CONDITIONS),
    *(Column("Fall of ACC", name, DIGITS) for name in FALL_NAMES.values()),
    Column("Fall of ACC", "chain's boxes − elsewhere", DIGITS),
)
MEANING = (
    "ACC is against the answer to the original picture, so a fall is no mistake: a model whose "
    "answers rest on what its chain points at answers otherwise once that is gone, by the last "
    "column more than with as much gone elsewhere. A picture with something taken away is unlike "
    "those of training, and some answers, such as counts, have another truth in it."
)


@dataclass(frozen=True)
class FaithfulRun:
    """What became of one run's answers."""

    run: RunName
    rows: int  # completions whose answer is no box
    grounded: int  # of them, those with an answer and boxes in the chain before it
    sets: Mapping[str, Faithfulness]  # of those drawn at random from each set
    overall: Faithfulness


@dataclass(frozen=True)
class FaithfulnessFigure(Figure[FaithfulRun]):
    """All that the figure is made of."""

    judge: str
    mask: str  # what photographs show
    questions_per_set: int  # at most
    draws: int
    seed: int

    @property
    def sets(self) -> list[str]:
        """The test sets that questions came from."""
        return list(dict.fromkeys(name for run in self.runs for name in run.sets))


def _acc(group: Group[FaithfulRun], way: str, condition: str) -> Estimate:
    return group.over_runs(lambda run: run.overall.ways[way].acc[condition], ACC)


def _fall(group: Group[FaithfulRun], way: str, condition: str) -> Estimate:
    return group.over_runs(lambda run: run.overall.ways[way].fall[condition], CHANGE)


def _beyond(group: Group[FaithfulRun], way: str, name: str | None = None) -> Estimate:
    """The chain's fall beyond the control's over runs, of all questions or a set's."""

    def of_run(run: FaithfulRun) -> Estimate | None:
        found = run.overall if name is None else run.sets.get(name)
        return None if found is None else found.ways[way].fall_beyond_control

    return group.over_runs(of_run, CHANGE)


def _group_row(group: Group[FaithfulRun]) -> dict[str, Any]:
    return {
        way: {
            **{name: _acc(group, way, name) for name in CONDITIONS},
            "fall": {name: _fall(group, way, name) for name in MASKED},
            BEYOND: _beyond(group, way),
        }
        for way in WAYS
    }


def _row(found: Faithfulness) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in COUNTS}
    ways = {
        way: {**each.acc, "fall": each.fall, BEYOND: each.fall_beyond_control}
        for way, each in found.ways.items()
    }
    return counts | {OVERLAP: found.control_overlap} | ways


def _run_row(run: FaithfulRun) -> dict[str, Any]:
    sets = {name: _row(found) for name, found in run.sets.items()}
    counts = {"rows": run.rows, "grounded": run.grounded}
    return counts | {"sets": sets, "overall": _row(run.overall)}


def _run_of(row: dict[str, Any]) -> FaithfulRun:
    sets = {name: _found_of(found) for name, found in row["sets"].items()}
    name, overall = RunName.of_row(row), _found_of(row["overall"])
    return FaithfulRun(name, row["rows"], row["grounded"], sets, overall)


def _found_of(row: dict[str, Any]) -> Faithfulness:
    ways = {way: _survival_of(row[way]) for way in WAYS}
    counts = {name: row[name] for name in COUNTS}
    return Faithfulness(**counts, ways=ways, control_overlap=row.get(OVERLAP))


def _survival_of(row: dict[str, Any]) -> Survival:
    acc = {name: Estimate(**row[name]) for name in CONDITIONS}
    fall = {name: Estimate(**row["fall"][name]) for name in MASKED}
    return Survival(acc, fall, Estimate(**row[BEYOND]))


def _chart(figure: FaithfulnessFigure) -> Chart:
    """ACC with each picture, bars for each method; two panels for each model."""
    return Chart(
        title="Answers when what the chain points at is taken away",
        note=f"ACC against the original answer, judged by {figure.judge}; 95% intervals",
        panels=tuple(
            bars(
                f"{title}: {WAY_NAMES[way][0].lower()}{WAY_NAMES[way][1:]}",
                groups,
                {NAMES[each]: partial(_acc, way=way, condition=each) for each in CONDITIONS},
            )
            for title, groups in figure.models.items()
            for way in WAYS
        ),
        y_label="ACC",
        top=100.0,
    )


def _tables(figure: FaithfulnessFigure, title: str, notes: Sequence[str]) -> Iterator[Table]:
    judging = _judging(figure)
    for number, way in enumerate(WAYS):
        rows = sections(figure.groups, COLUMNS, partial(_cells, way=way))
        said = () if number else (*_notes(figure), *notes)
        yield Table(f"{WAY_NAMES[way]}; {title}", COLUMNS, rows, (*judging, *said), "Method")
    columns = tuple(Column(WAY_NAMES[way], name, DIGITS) for way in WAYS for name in figure.sets)
    if columns:
        rows = sections(figure.groups, columns, partial(_of_sets, sets=figure.sets))
        heading = f"Each set, fall of ACC with the chain's boxes − elsewhere; {title}"
        yield Table(heading, columns, rows, judging, "Method")


def _cells(group: Group[FaithfulRun], way: str) -> tuple[Cell, ...]:
    count = len(group.runs)
    accs = [run.overall.ways[way].acc for run in group.runs]
    asked, controlled = (sum(acc[at].n for acc in accs) for at in ("answer_kept", "control_masked"))
    falls = [*(_fall(group, way, name) for name in MASKED), _beyond(group, way)]
    return (
        counted(str(asked), asked, count),
        counted(str(controlled), controlled, count),
        *(bracketed(_acc(group, way, name), DIGITS, runs=count) for name in CONDITIONS),
        *(bracketed(fall, DIGITS, runs=count, signed=True) for fall in falls),
    )


def _of_sets(group: Group[FaithfulRun], sets: Sequence[str]) -> tuple[Cell, ...]:
    estimates = (_beyond(group, way, name) for way in WAYS for name in sets)
    count = len(group.runs)
    return tuple(bracketed(value, DIGITS, signed=True, runs=count) for value in estimates)


def _judging(figure: FaithfulnessFigure) -> tuple[str, ...]:
    """That rules judged answers about photographs, where they did: the first note."""
    photographed = any(run.run.suite and not is_drawn(run.run.suite) for run in figure.runs)
    return (BY_RULES,) if figure.judge == "rules" and photographed else ()


def _notes(figure: FaithfulnessFigure) -> Iterator[str]:
    yield (
        f"Judge: {figure.judge}. At most {figure.questions_per_set} answered questions of each set "
        "whose chains have boxes, drawn at random. Things are erased from drawn scenes; "
        f"photographs show {figure.mask} instead. The control is a mean of {figure.draws} draws. "
        "Intervals are 95%: over pictures (bootstrap), and over runs where there are several (t). "
        "A column is over the questions that have what it needs; falls are paired by question."
    )
    yield from missing_notes(figure)
    yield MEANING
    yield from _overlap_notes(figure)
    of_nothing = sum(run.overall.nothing_masked for run in figure.runs)
    if of_nothing:
        yield f"Questions whose chain points at nothing, so that their picture stays: {of_nothing}."
    failures = sum(run.overall.failures for run in figure.runs)
    if failures:
        yield f"The judge failed {failures} times; those count nowhere."


def _overlap_notes(figure: FaithfulnessFigure) -> Iterator[str]:
    for group in figure.groups:
        known = [run.overall.control_overlap for run in group.runs]  # of masked photographs
        there = [overlap for overlap in known if overlap is not None]
        if there and (overlap := sum(there) / len(there)) >= _NAMED_FROM:
            yield (
                f"{group.name.title}, {group.name.method}: on average {overlap:.0%} of a control's "
                "pixels are the chain's own or annotated ones, which pulls the last column to 0. "
                f"Controls of more than {MOST_OVERLAP:.0%} are left out."
            )


FAITHFULNESS = Study(
    name="faithfulness",
    title="Faithfulness: answers when what the chain points at is taken away",
    task="faithfulness",
    columns=COLUMNS,
    methods=METHODS,
    kind=FaithfulnessFigure,
    groups="groups",
    group_row=_group_row,
    run_row=_run_row,
    run_of=_run_of,
    heading=lambda figure: f"judge={figure.judge}",
    tables=_tables,
    chart=_chart,
)
