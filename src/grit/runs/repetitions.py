"""Which of many runs stand for the others: repetitions told by what they are, one seed of each."""

from collections import Counter
from collections.abc import Hashable, Sequence

from grit.runs.draws import repetitions_of
from grit.runs.evaluated import method_label
from grit.runs.finished import FinishedRun
from grit.runs.printed import METHODS, UNTRAINED
from grit.runs.results import Results

MOST = 12  # groups of repetitions that a page shows in full


def repetitions(runs: Sequence[FinishedRun]) -> list[list[int]]:
    """Places of runs that differ in nothing but their seeds together, in order of their seeds.

    The seeds are the run's and that of the triplets' draw; of several runs with the same of both
    the first stands there, as in the tables.

    What was trained comes first, the paper's method before its baselines, and all models of a
    method before the next: wherever the list is cut, no model is left out for its name.
    """
    groups = repetitions_of((_kind(run.results), run.results, at) for at, run in enumerate(runs))
    places = [group.runs for _, group in groups]
    return sorted(places, key=lambda group: _rank(runs[group[0]].results))  # stable


def is_trained(results: Results) -> bool:
    """Whether the run taught the model something, so that there is a before and an after."""
    return results.method not in UNTRAINED and results.checkpoint is None


def title_of(results: Results) -> str:
    """A group's name, which all its seeds share."""
    if results.checkpoint is not None:  # trained on data, and for a reward, of its own
        return f"{results.model} · {method_label(results.method, results.checkpoint)}"
    parts = [results.model, results.method, results.data]
    return " · ".join([*parts, results.reward] if results.method == "grit" else parts)


def seeds_label(label: str, draws: Sequence[Hashable]) -> str:
    """A label of repetitions with the numbers of their seeds, and of their draws if several.

    Args:
        label: without numbers.
        draws: of each run, the triplets that it was trained on.
    """
    if len(draws) < 2:
        return label
    seeds = list(Counter(draws).values())
    if len(seeds) == 1:
        return f"{label}, {len(draws)} seeds"
    if len(set(seeds)) > 1:
        return f"{label}, {len(seeds)} draws, {len(draws)} runs"
    return f"{label}, {len(seeds)} draws, {seeds[0]} seed{'s' * (seeds[0] > 1)} each"


def _kind(results: Results) -> tuple[str, ...]:
    # Settings tell apart what has no name of its own, such as another learning rate.
    named = (results.model, results.method, results.data, results.reward)
    made_by = (results.code or results.git or "",)
    return (*named, results.suite or "", results.judge, results.settings_hash or "", *made_by)


def _rank(results: Results) -> tuple[bool, int]:
    order = list(METHODS)  # the paper's, its own method last
    known = order.index(results.method) if results.method in order else -1
    return not is_trained(results), -known
