"""How the metrics of results.json are named and shown, and their definitions for readers."""

from collections.abc import Sequence
from typing import NamedTuple

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.pass_at_k import NAMES, SCALE, number
from grit.runs.results import Results


class Metric(NamedTuple):
    """How a metric of results.json is shown."""

    key: str
    title: str
    unit: float  # its maximum
    digits: int


BINARY = Metric("acc_binary", "ACC>0.5", 100, 1)
METRICS = (
    Metric("acc", "ACC", 100, 1),
    BINARY,
    Metric("giou", "GIoU", 1, 3),
    Metric("format_rate", "Format", 1, 2),
)
BESIDE = (  # in the small table below the results
    Metric("right_with_right_boxes", "Right, on right boxes", 1, 2),
    Metric("right_without", "Right, not the boxes", 1, 2),
    Metric("wrong_with", "Wrong, on right boxes", 1, 2),
    Metric("wrong_without", "Neither is right", 1, 2),
    Metric("named_boxes", "Boxes show what they name", 1, 2),
)

DEFINITIONS = (
    "ACC is the judge's mean score, 0 to 100; GIoU is the IoU of the union of all boxes said and "
    "the union of all annotated ones, 0 to 1 (not the generalised IoU)."
)
_BOTH = "ACC>0.5 is the share of answers scored above 0.5, which many take ACC for"
DIFFERENT = f"{_BOTH}."
EQUAL = f"{_BOTH}: it equals ACC in every set here, as where every score is 0 or 1."


def shown_metrics(runs: Sequence[Results]) -> tuple[Metric, ...]:
    """The metrics that a table of these runs shows: ACC>0.5 only if it differs from ACC."""
    return tuple(each for each in METRICS if each is not BINARY or has_two_accs(runs))


def metrics_beside(runs: Sequence[Results]) -> tuple[Metric, ...]:
    """Those of ``BESIDE`` that any set of these runs has, then pass@k and mean@k by their k."""
    sets = [found.metrics for run in runs for found in run.sets.values()]
    there = {key for each in sets for key, value in each.items() if value.mean is not None}
    sampled = sorted(filter(NAMES.fullmatch, there), key=lambda key: (key[0] == "m", number(key)))
    titles = {key: f"{key.partition('_')[0]}@{number(key)}" for key in sampled}
    return (
        *(metric for metric in BESIDE if metric.key in there),
        *(Metric(key, title, SCALE, 1) for key, title in titles.items()),
    )


def definitions(runs: Sequence[Results]) -> list[str]:
    """Definitions of the metrics of these runs, and whether ACC and ACC>0.5 are equal in them."""
    pairs = _both_accs(runs)
    if any(one.mean is not None and acc != one for acc, one in pairs):
        return [DEFINITIONS, DIFFERENT]
    known = bool(pairs) and all(one.mean is not None for _, one in pairs)
    return [DEFINITIONS, EQUAL] if known else [DEFINITIONS]  # unknown for earlier results


def has_two_accs(runs: Sequence[Results]) -> bool:
    """Whether ACC and ACC>0.5 are different numbers in any set."""
    return DIFFERENT in definitions(runs)


def _both_accs(runs: Sequence[Results]) -> list[tuple[Estimate, Estimate]]:
    """ACC and ACC>0.5 of every set that has ACC."""
    sets = (found.metrics for run in runs for found in run.sets.values())
    return [(each["acc"], each[BINARY.key]) for each in sets if each["acc"].mean is not None]
