"""What the columns of a table measure: each a metric over one set, or over several together."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import hypot
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds, over_runs
from grit.evaluation.paired import Comparison, compared
from grit.figures.table import MISSING, NOTHING, Cell, Column, Mean, Row, bracketed, number, single
from grit.paper.evidence import Run
from grit.paper.grouping import draws_of
from grit.runs.draws import draw_of
from grit.runs.printed import SETS, TABLE1_COLUMNS, TestSet
from grit.runs.repetitions import seeds_label
from grit.runs.results import Results
from grit.runs.shown_metrics import BESIDE, METRICS

_EVERY = (*METRICS, *BESIDE)
DIGITS = {metric.key: metric.digits for metric in _EVERY}
HEADINGS = {metric.key: metric.title for metric in _EVERY}
BOUNDS = {metric.key: Bounds(0.0, metric.unit) for metric in _EVERY}
CHANGES = {metric.key: Bounds(-metric.unit, metric.unit) for metric in _EVERY}
_SYMMETRIC = 0.1  # of half an interval: how far its middle may be from the mean
Sets = tuple[TestSet, ...]


class Measures(NamedTuple):
    """Columns and what each of them holds."""

    columns: tuple[Column, ...]
    numbers: tuple[tuple[Sets, str], ...]  # sets and a metric of them

    def of(self, runs: Sequence[Run]) -> tuple[Cell, ...]:
        """The cells of repetitions."""
        return tuple(sets_cell(runs, sets, metric) for sets, metric in self.numbers)

    def differences(self, baseline: Sequence[Run], ours: Sequence[Run]) -> tuple[Cell, ...]:
        """The cells of ours minus the baseline, question by question."""
        return tuple(difference_cell(baseline, ours, sets, metric) for sets, metric in self.numbers)

    def row(self, label: str, runs: Sequence[Run]) -> Row:
        """The row of repetitions, with their number; all is missing where there is none."""
        return Row(seeds_label(label, draws_of(runs)), self.of(runs))

    def printed(self, numbers: Iterable[float | None]) -> tuple[Cell, ...]:
        """The cells of a row of the paper."""
        pairs = zip(numbers, self.columns, strict=True)
        return tuple(single(value, column.digits, runs=0) for value, column in pairs)


def measures(numbers: Sequence[tuple[Sets, str]], titles: Mapping[Sets, str]) -> Measures:
    """Columns under the titles of their sets."""
    columns = (Column(titles[sets], HEADINGS[metric], DIGITS[metric]) for sets, metric in numbers)
    return Measures(tuple(columns), tuple(numbers))


EACH = measures(
    [((test_set,), metric) for test_set, metric in TABLE1_COLUMNS],
    {(test_set,): test_set.title for test_set in SETS},
)
"""Table 1's, set by set."""
JUDGED = ("acc", "acc_binary")


def sets_cell(runs: Iterable[Run], test_sets: Sequence[TestSet], metric: str) -> Cell:
    """A metric over the rows of several sets together, over those repetitions that have it."""
    every, estimates, draws = list(runs), [], []
    for run in every:
        names = [name_in(run, test_set) for test_set in test_sets]
        estimate = pooled(run.results, [name for name in names if name], metric)
        if estimate is not None and None not in names:
            estimates.append(estimate)
            draws.append(draw_of(run.results))
    if not estimates:
        return Cell(MISSING)
    bounds = BOUNDS[metric]
    cell = measured(mean_over_runs(estimates, bounds, draws), DIGITS[metric], bounds)
    if len(estimates) == len(every):
        return cell
    return replace(cell, text=f"{cell.text} ({len(estimates)} of {len(every)} runs)")


def difference_cell(
    baseline: Sequence[Run], ours: Sequence[Run], test_sets: Sequence[TestSet], metric: str
) -> Cell:
    """Ours minus the baseline on the same questions, in bold where the interval excludes 0."""
    found = comparison(baseline, ours, test_sets, metric)
    if found is None:
        return Cell(MISSING)
    mean = mean_over_runs([found.difference], CHANGES[metric])
    if mean is None or mean.low is None or mean.high is None:
        return Cell(NOTHING)
    text = bracketed(mean, DIGITS[metric], signed=True).text
    bold = mean.low > 0 or mean.high < 0
    return Cell(text, mean._replace(runs=min(len(baseline), len(ours))), bold=bold)


def comparison(
    baseline: Sequence[Run], ours: Sequence[Run], test_sets: Sequence[TestSet], metric: str
) -> Comparison | None:
    """Ours minus the baseline on the same questions; None where a run has no scores of them."""
    was, now = (scores_of(runs, test_sets, metric) for runs in (baseline, ours))
    if was is None or now is None:
        return None
    pictures = pictures_of([*baseline, *ours], test_sets)
    draws = draws_of(baseline), draws_of(ours)
    return compared(was, now, CHANGES[metric], pictures, draws, set_of=_title_of)


def _title_of(question: str) -> str:
    """The test set of a question, by the names of ``scores_of``."""
    return question.partition("/")[0]


def measured(mean: Mean | None, digits: int, bounds: Bounds) -> Cell:
    """A mean with half its interval, or the mark of a number that does not exist.

    With the ends of the interval instead where half of it would say something else: where one side
    is much longer than the other, or where half of it reaches beyond what the number can be.
    """
    if mean is None:
        return Cell(NOTHING)
    if mean.low is None or mean.high is None:
        return Cell(number(mean.mean, digits), mean)
    half, middle = (mean.high - mean.low) / 2, (mean.high + mean.low) / 2
    reached = [round(end, digits) for end in (mean.mean - half, mean.mean + half)]
    is_real = all(bounds.within(end) == end for end in reached)
    if is_real and abs(middle - mean.mean) <= _SYMMETRIC * half:
        return Cell(f"{number(mean.mean, digits)} ± {number(half, digits)}", mean)
    return bracketed(mean, digits, runs=mean.runs)


def mean_over_runs(
    estimates: Sequence[Estimate], bounds: Bounds, draws: Sequence[Hashable] | None = None
) -> Mean | None:
    """The mean over runs with its interval, within what it can be; of one run, its own."""
    overall = over_runs(estimates, bounds, draws)
    if overall.mean is None:
        return None
    low, high = (None if end is None else bounds.within(end) for end in (overall.low, overall.high))
    runs = sum(run.mean is not None for run in estimates)
    return Mean(bounds.within(overall.mean), low, high, runs)


def pooled(results: Results, sets: Sequence[str], metric: str) -> Estimate | None:
    """A run's mean over the rows of several sets together; None if one of them is not there.

    A set weighs as many rows as it has of the metric; for ACC those count too that the judge failed
    on, which would make one set weigh less. Nor is there an ACC if it failed
    on all answers of a set: what is left has another mean. The interval adds up those of the sets,
    which have no question in common, each side by itself: of one set it is the set's own, and it
    never reaches beyond what the metric can be.
    """
    if any(name not in results.sets for name in sets):
        return None
    found = [(results.sets[name], results.sets[name].metrics[metric]) for name in sets]
    is_judged = metric in JUDGED
    if is_judged and not all(part.n for _, part in found):
        return None
    # A set without boxes has no rows for GIoU.
    parts = [(part.n + is_judged * each.judge_failures, part) for each, part in found if part.n]
    rows = sum(size for size, _ in parts)
    if not rows:
        return None
    mean = sum(size * _known(part.mean) for size, part in parts) / rows
    below = hypot(*(size / rows * (_known(part.mean) - _known(part.low)) for size, part in parts))
    above = hypot(*(size / rows * (_known(part.high) - _known(part.mean)) for size, part in parts))
    return Estimate(mean, mean - below, mean + above, sum(part.n for _, part in parts))


def _known(value: float | None) -> float:
    assert value is not None  # a metric over at least one row
    return value


def name_in(run: Run, test_set: TestSet) -> str | None:
    """What a run's suite calls a test set; None where the run has no numbers of it."""
    return next((name for name in test_set.names if name in run.results.sets), None)


def scores_of(
    runs: Sequence[Run], test_sets: Sequence[TestSet], metric: str
) -> list[dict[str, float]] | None:
    """Each run's scores by question, of several sets together; None if a run has none."""
    scores: list[dict[str, float]] = []
    for run in runs:
        scores.append({})
        for test_set in test_sets:
            name = name_in(run, test_set)
            of_set = None if name is None else run.scores(name, metric)
            if of_set is None or (metric in JUDGED and not of_set):
                return None
            scores[-1] |= {f"{test_set.title}/{id_}": value for id_, value in of_set.items()}
    return scores


def pictures_of(runs: Sequence[Run], test_sets: Sequence[TestSet]) -> dict[str, str]:
    """The picture of each question, by the names of ``scores_of``, as far as any run knows."""
    return {
        f"{test_set.title}/{id_}": f"{test_set.title}/picture {picture}"
        for run in runs
        for test_set in test_sets
        if (name := name_in(run, test_set)) is not None
        for id_, picture in run.pictures(name).items()
    }
