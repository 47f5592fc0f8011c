"""Fingerprints of a run's inputs besides its configuration: its rows and pictures."""

from collections.abc import Iterable, Mapping, Sequence

from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint
from grit.data.samples import Sample
from grit.data.suites import TestSet

Inputs = Mapping[str, str]  # name of an input in messages -> its fingerprint


def inputs_of(samples: Sequence[Sample], sets: Iterable[TestSet]) -> Inputs:
    """The fingerprints of training rows, of test questions and of the bytes of their pictures.

    Args:
        samples: the training rows; empty if nothing is trained.
        sets: the test sets.

    Raises:
        GritError: a picture cannot be read.
    """
    inputs = {}
    if samples:
        inputs["the training rows"] = _rows(samples)
        inputs["the training pictures"] = _pictures(samples)
    for found in sets:
        if found.samples:
            inputs[f"the questions of the test set {found.name}"] = _rows(found.samples)
            inputs[f"the pictures of the test set {found.name}"] = _pictures(found.samples)
    return inputs


def check_inputs(now: Inputs, then: Inputs, run: str) -> None:
    """Refuse to resume a run whose rows or pictures have changed.

    Raises:
        GritError: names the first input that differs.
    """
    for what in dict.fromkeys((*then, *now)):
        if now.get(what) != then.get(what):
            raise GritError(
                f"resume=true: {what} differ from those that the run in {run} began with: put "
                "them back, or begin a new run"
            )


def _rows(samples: Iterable[Sample]) -> str:
    return fingerprint(
        [
            (
                *(row.id, row.question, row.answer, row.answer_is_box, row.dataset, row.labels),
                (row.space.width, row.space.height),
                None if row.boxes is None else [tuple(map(float, b.corners)) for b in row.boxes],
            )
            for row in samples
        ]
    )


def _pictures(samples: Iterable[Sample]) -> str:
    return fingerprint([row.picture.key for row in samples])
