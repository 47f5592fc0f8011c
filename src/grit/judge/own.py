"""A judge that calls a user's function for each answer."""

from collections.abc import Sequence
from traceback import extract_tb
from typing import Any

from grit.core.calls import check_takes, function_at
from grit.core.errors import GritError
from grit.judge.judge import Judge, Query

_SETTING = "judge.call"
_TRIAL = Query("Is there a dog?", "yes", "yes")
_SHOWN = 60  # characters of a question or of a wrong score that a message repeats


class OwnJudge(Judge):
    """Scores answers with a function of (question, truth, prediction), one after the other.

    The function returns a number from 0 to 1 (True is 1, False is 0), or None to leave an answer
    unjudged. If it raises or returns anything else, ``trouble`` says so, the function is not called
    again, and the run ends: a made-up score would enter the results.

    Args:
        path: dotted path of the function.
        name: the judge's name in results.
        max_failure_rate: the share of unjudged answers above which a run is stopped.

    Raises:
        GritError: there is no such function, or it takes other arguments.
    """

    def __init__(self, path: str, name: str = "own", max_failure_rate: float = 1.0) -> None:
        self.name = name
        self.max_failure_rate = max_failure_rate
        self.path = path
        self._call = function_at(path, _SETTING)
        check_takes(self._call, Query._fields, f"{_SETTING}={path}")

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query, in their order; None for unjudged ones."""
        return [None if self.trouble else self._score(query) for query in queries]

    def probe(self) -> None:
        """Score a made-up answer, so that errors are found before a model is loaded.

        Raises:
            GritError: the function raised an exception, or returned something that is no score.
        """
        self._score(_TRIAL)
        if self.trouble:
            raise GritError(self.trouble)

    def _score(self, query: Query) -> float | None:
        try:
            value = self._call(*query)
        except Exception as error:  # noqa: BLE001  # user code; reported in `trouble`
            last = extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error}, {last.filename} line {last.lineno}"
        else:
            if value is None or _is_score(value):
                return None if value is None else float(value)
            what = f"expected a number from 0 to 1 or None, found {_shown(value)}"
        about = "a made-up question" if query is _TRIAL else _shown(query.question)
        self.trouble = f"{_SETTING}={self.path}: {what} (asked about {about})"
        return None


def _is_score(value: Any) -> bool:
    """Whether a value is one number from 0 to 1; strings of digits and NaN are not."""
    try:
        return hasattr(value, "__float__") and 0 <= float(value) <= 1
    except (TypeError, ValueError):  # an array of several numbers
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
