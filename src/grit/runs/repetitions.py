"""Which of many runs stand for the others: repetitions told by what they are, one seed of each."""

from collections.abc import Sequence

from grit.runs.evaluated import method_label
from grit.runs.finished import FinishedRun
from grit.runs.printed import METHODS, UNTRAINED
from grit.runs.results import Results

MOST = 12  # groups of repetitions that a page shows in full


def repetitions(runs: Sequence[FinishedRun]) -> list[list[int]]:
    """Places of runs that differ in nothing but their seeds together, in order of their seeds.

    Of several with one seed the first stands there, as in the tables.

    What was trained comes first, the paper's method before its baselines, and all models of a
    method before the next: wherever the list is cut, no model is left out for its name.
    """
    groups: dict[tuple[str, ...], dict[int, int]] = {}
    for place, run in enumerate(runs):
        groups.setdefault(_kind(run.results), {}).setdefault(run.results.seed, place)
    found = [[places[seed] for seed in sorted(places)] for places in groups.values()]
    return sorted(found, key=lambda places: _rank(runs[places[0]].results))  # stable


def is_trained(results: Results) -> bool:
    """Whether the run taught the model something, so that there is a before and an after."""
    return results.method not in UNTRAINED and results.checkpoint is None


def title_of(results: Results) -> str:
    """A group's name, which all its seeds share."""
    if results.checkpoint is not None:  # trained on data, and for a reward, of its own
        return f"{results.model} · {method_label(results.method, results.checkpoint)}"
    parts = [results.model, results.method, results.data]
    return " · ".join([*parts, results.reward] if results.method == "grit" else parts)


def seeds_label(label: str, runs: Sequence[object]) -> str:
    """A label of repetitions with the number of their seeds."""
    return f"{label}, {len(runs)} seeds" if len(runs) > 1 else label


def _kind(results: Results) -> tuple[str, ...]:
    # Settings tell apart what has no name of its own, such as another learning rate.
    named = (results.model, results.method, results.data, results.reward)
    made_by = results.code or results.git or "", results.triplets_hash or ""
    return (*named, results.suite or "", results.judge, results.settings_hash or "", *made_by)


def _rank(results: Results) -> tuple[bool, int]:
    order = list(METHODS)  # the paper's, its own method last
    known = order.index(results.method) if results.method in order else -1
    return not is_trained(results), -known
