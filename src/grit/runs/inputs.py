"""Fingerprints of a run's inputs besides its configuration: its rows, pictures and base model."""

from collections.abc import Iterable, Mapping, Sequence
from socket import gethostname

from grit.config.identity import base_model
from grit.config.schema import Config
from grit.core import processes
from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint
from grit.data.samples import Sample
from grit.data.suites import TestSet

Inputs = Mapping[str, str]  # name of an input in messages -> its fingerprint
_BASE = "the files of the base model"
_DEV = "dev set"  # in the names of what training is validated on


def inputs_of(
    config: Config,
    samples: Sequence[Sample],
    sets: Iterable[TestSet],
    dev: Iterable[TestSet] = (),
) -> Inputs:
    """The fingerprints of the base model, of rows and of the bytes of their pictures.

    Args:
        config: names the base model, whose files count if they lie in a local folder.
        samples: the training rows; empty if nothing is trained.
        sets: the test sets.
        dev: the sets that training is validated on.

    Raises:
        GritError: a picture cannot be read.
    """
    base = base_model(config.model.path)
    inputs = {} if base is None else {_BASE: base}
    if samples:
        inputs["the training rows"] = _rows(samples)
        inputs["the training pictures"] = _pictures(samples)
    for kind, asked in (("test set", sets), (_DEV, dev)):
        for found in asked:
            if found.samples:
                inputs[f"the questions of the {kind} {found.name}"] = _rows(found.samples)
                inputs[f"the pictures of the {kind} {found.name}"] = _pictures(found.samples)
    return inputs


def check_hosts(read: Inputs | None) -> None:
    """Refuse hosts of one run that read other rows than the first, or run other code.

    Every rank has to call it: rows are dealt out by their places, so that numbers would be wrong.

    Args:
        read: what this host's first rank reads, and by what; None on its other ranks.

    Raises:
        GritError: on every rank; names the host and the first input that differs.
    """
    gathered = processes.all_gather((gethostname(), read))
    (first, expected), *others = [(host, told) for host, told in gathered if told is not None]
    for host, found in others:
        for what in dict.fromkeys((*expected, *found)):
            if found.get(what) != expected.get(what):
                raise GritError(
                    f"{what} on {host} differ from those on {first}: the same command, code and "
                    "files are needed on each host"
                )


def check_inputs(now: Inputs, then: Inputs, run: str) -> None:
    """Refuse to resume a run whose rows, pictures or base model have changed.

    Validations are compared if there were any then and are any now, the base model if the run has
    recorded it: those of earlier versions have not.

    Raises:
        GritError: names the first input that differs.
    """
    validated = all(any(_is_dev(what) for what in inputs) for inputs in (then, now))
    then = {_BASE: now[_BASE], **then} if _BASE in now else then
    for what in dict.fromkeys((*then, *now)):
        if now.get(what) != then.get(what) and (validated or not _is_dev(what)):
            raise GritError(
                f"resume=true: {what} differ from those that the run in {run} began with: put "
                "them back, or begin a new run"
            )


def _is_dev(what: str) -> bool:
    return f" of the {_DEV} " in what


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
