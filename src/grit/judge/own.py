"""A judge of the user's own: a function that scores one answer."""

from collections.abc import Sequence
from traceback import extract_tb
from typing import Any

from grit.core.calls import check_takes, function_at
from grit.core.errors import GritError
from grit.judge.judge import Query

_SETTING = "judge.call"
_TRIAL = Query("Is there a dog?", "yes", "yes")
_SHOWN = 60  # characters of a question or of a wrong score that a message repeats


class OwnJudge:
    """Asks a function of (question, truth, prediction), one answer after the other.

    It gives a number from 0 to 1 (true is 1, false is 0), or None where it cannot say: that answer
    is unjudged. Whatever else it gives or raises is a mistake in it, and ``trouble`` says which: it
    is asked no more, and the run ends, because a score made up in its place would be a result.

    Args:
        path: dotted path of the function.
        name: of the judge, as results say it.

    Raises:
        GritError: there is no such function, or it takes other arguments.
    """

    def __init__(self, path: str, name: str = "own") -> None:
        self.name = name
        self.path = path
        self.trouble: str | None = None
        self._call = function_at(path, _SETTING)
        check_takes(self._call, Query._fields, f"{_SETTING}={path}")

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query, in their order; None where there is none."""
        return [None if self.trouble else self._score(query) for query in queries]

    def meet(self) -> None:
        """Ask about a made-up answer, so that a mistake is found before a model is loaded.

        Raises:
            GritError: the function raised an exception, or gave what is no score.
        """
        self._score(_TRIAL)
        if self.trouble:
            raise GritError(self.trouble)

    def _score(self, query: Query) -> float | None:
        try:
            value = self._call(*query)
        except Exception as error:  # noqa: BLE001  # of the user's own code; said by `trouble`
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
    """Whether it is one number; texts of digits are none, and NaN is not in the range."""
    try:
        return hasattr(value, "__float__") and 0 <= float(value) <= 1
    except (TypeError, ValueError):  # an array of several
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
