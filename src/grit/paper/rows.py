"""What the rows of several tables are made of: numbers of sets over repetitions, differences."""

from collections.abc import Iterable, Mapping, Sequence

from grit.evaluation.over_runs import Bounds
from grit.evaluation.paired import difference_of_runs
from grit.paper.evidence import Evidence, Run
from grit.paper.grouping import Part, Variant, comparable_parts
from grit.paper.seeds import mean_over_runs, pooled
from grit.paper.table import MISSING, NOTHING, Cell, measured, number
from grit.runs.metrics import METRICS
from grit.runs.printed import MINIATURES, MODELS, TestSet

DIGITS = {metric.key: metric.digits for metric in METRICS}
HEADINGS = {metric.key: metric.title for metric in METRICS}
BOUNDS = {metric.key: Bounds(0.0, metric.unit) for metric in METRICS}
CHANGES = {metric.key: Bounds(-metric.unit, metric.unit) for metric in METRICS}
DIFFERENCES = (
    "Differences of the same questions, with 95% t-intervals over questions and, on a side of "
    "several seeds, over seeds, within what a difference can be; one trained run stands for itself "
    "and not for its method. Bold: the interval excludes 0, a test at 5% for each cell, not "
    "corrected for their number."
)
Groups = Mapping[Variant, Sequence[Run]]


def parts_of(evidence: Evidence) -> list[Part]:
    """A part for each table; one without runs where none has finished."""
    return comparable_parts(evidence.runs) or [Part("no run has finished")]


def models_of(groups: Groups, evidence: Evidence) -> list[str]:
    """Models that finished or failed: known ones in their order, then others as they come."""
    found = [*(variant.model for variant in groups), *(job.model for job in evidence.failed)]
    known = [model for model in MODELS if model in found]
    return list(dict.fromkeys([*known, *found]))


def model_title(model: str) -> str:
    """A model's name, and that it is a miniature where it is one."""
    return f"{model}, the miniature of {MODELS[model]}" if model in MINIATURES else model


def seeds_label(label: str, runs: Sequence[object]) -> str:
    """A row's label with the number of its seeds."""
    return f"{label}, {len(runs)} seeds" if len(runs) > 1 else label


def sets_cell(runs: Iterable[Run], test_sets: Sequence[TestSet], metric: str) -> Cell:
    """A metric over the rows of several sets together, over repetitions."""
    found = []
    for run in runs:
        names = [name_in(run, test_set) for test_set in test_sets]
        one = pooled(run.results, [name for name in names if name], metric)
        if one is not None and None not in names:
            found.append(one)
    if not found:
        return Cell(MISSING)
    bounds = BOUNDS[metric]
    return measured(mean_over_runs(found, bounds), DIGITS[metric], bounds)


def difference_cell(
    baseline: Sequence[Run], ours: Sequence[Run], test_sets: Sequence[TestSet], metric: str
) -> Cell:
    """Ours minus the baseline on the same questions, in bold where the interval excludes 0."""
    was, now = (_scores(runs, test_sets, metric) for runs in (baseline, ours))
    if was is None or now is None:
        return Cell(MISSING)
    bounds = CHANGES[metric]
    mean = mean_over_runs([difference_of_runs(was, now, bounds)], bounds)
    if mean is None or mean.low is None or mean.high is None:
        return Cell(NOTHING)
    digits = DIGITS[metric]
    low, high = number(mean.low, digits), number(mean.high, digits)
    text = f"{number(mean.mean, digits, signed=True)} [{low}, {high}]"
    return Cell(text, mean, bold=mean.low > 0 or mean.high < 0)


def name_in(run: Run, test_set: TestSet) -> str | None:
    """What a run's suite calls a test set; None where the run has no numbers of it."""
    return next((name for name in test_set.names if name in run.results.sets), None)


def _scores(
    runs: Sequence[Run], test_sets: Sequence[TestSet], metric: str
) -> list[dict[str, float]] | None:
    """Each run's scores by question, of several sets together; None if a run has none."""
    found = []
    for run in runs:
        scores: dict[str, float] = {}
        for test_set in test_sets:
            name = name_in(run, test_set)
            one = None if name is None else run.scores(name, metric)
            if one is None:
                return None
            scores |= {f"{test_set.title}/{question}": value for question, value in one.items()}
        found.append(scores)
    return found
