"""Reading untrusted JSON Lines files, with an error message that names file, line and field."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from grit.core.errors import GritError

Corners = tuple[float, float, float, float]

_LARGEST_SIDE = 1_000_000  # pixels
LONGEST_TEXT = 10_000  # characters of a question or an answer; the paper's longest has 1,295
_SIMILARITY = 0.75  # difflib's ratio of two names; that of "box" and "bboxs" is as high
_SHOWN = 60  # characters of an invalid value that a message repeats
_A_BOX = "a box [x1, y1, x2, y2] of finite numbers"


@dataclass(frozen=True)
class Row:
    """One line of a file, with getters that check the types of its fields.

    Getters raise GritError with file, line, field, the expected and the actual value. A field that
    is null counts as missing; the ``optional_`` getters return None for both.
    """

    path: Path
    line: int  # counted from 1
    fields: dict[str, Any]

    @property
    def where(self) -> str:
        """``FILE line N``, the beginning of messages."""
        return f"{self.path} line {self.line}"

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.fields.get(name) is not None

    def text(self, name: str, *, blank: bool = True, longest: int | None = None) -> str:
        """A string.

        Args:
            name: of the field.
            blank: whether it may be empty or only white space.
            longest: how many characters it may have: some rules that read a question take time
                that is quadratic in its length.
        """
        value = self._present(name, "a string")
        if not isinstance(value, str):
            self.refuse(name, "a string")
        if not blank and not value.strip():
            self.refuse(name, "a string that is not blank")
        if longest is not None and len(value) > longest:
            length = f"{len(value):,} characters"
            raise self._refusal(name, f"a string of at most {longest:,} characters", length)
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, or None where the field is missing."""
        return self.text(name) if self.has(name) else None

    def integer(self, name: str, *, minimum: int | None = None) -> int:
        """An integer; true and false are refused."""
        expected = "an integer" if minimum is None else f"an integer of at least {minimum}"
        value = self._present(name, expected)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, expected)
        if minimum is not None and value < minimum:
            self.refuse(name, expected)
        return value

    def pixels(self, name: str) -> int:
        """The width or the height of an image."""
        value = self.integer(name, minimum=1)
        if value > _LARGEST_SIDE:
            self.refuse(name, f"an integer of at most {_LARGEST_SIDE}")
        return value

    def optional_integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, such as token ids, or None if the field is missing."""
        if not self.has(name):
            return None
        values = self.fields[name]
        if not isinstance(values, list):
            self.refuse(name, "a list of integers")
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool):
                self.refuse(name, "a list of integers", value)
        return tuple(values)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of several strings; ``default`` if the field is missing."""
        if not self.has(name):
            return default
        value = self.fields[name]
        if value not in choices:
            self.refuse(name, "one of " + ", ".join(choices))
        return str(value)

    def answer(self, name: str = "answer") -> tuple[str, bool]:
        """A reference answer as text, and whether it is a box: ``("[244, 25, 338, 69]", True)``."""
        expected = "a string, a number or " + _A_BOX
        value = self._present(name, expected)
        if isinstance(value, str):
            return self.text(name, blank=False, longest=LONGEST_TEXT), False
        if isinstance(value, list):
            if _corners(value) is None:
                self.refuse(name, expected)
            return json.dumps(value), True
        number = _number(value)
        if number is None:
            self.refuse(name, expected)
        # Some writers of JSON write 2 as 2.0, and a count of "2.0" would match no answer.
        whole = isinstance(value, int) or (number.is_integer() and abs(number) < 1e15)
        return str(int(value) if whole else value), False

    def boxes(self, name: str) -> list[Corners]:
        """A list of ``(x1, y1, x2, y2)``, maybe empty; corners may be in any order or outside."""
        expected = "a list of boxes [x1, y1, x2, y2] of finite numbers"
        value = self._present(name, expected)
        if not isinstance(value, list):
            self.refuse(name, expected)
        boxes = []
        for entry in value:
            corners = _corners(entry)
            if corners is None:
                self.refuse(name, expected, entry)
            boxes.append(corners)
        return boxes

    def optional_boxes(self, name: str) -> list[Corners] | None:
        """A list of ``(x1, y1, x2, y2)``, or None if the field is missing."""
        return self.boxes(name) if self.has(name) else None

    def refuse_misspelt(self, name: str) -> None:
        """Refuse a field whose name is similar to ``name``, if the row has no field ``name``.

        Unknown fields are ignored otherwise, and a misspelt one would be too.
        """
        if name in self.fields:
            return
        similar = _similar(name, tuple(self.fields))
        if similar is not None:
            raise GritError(
                f"{self.where}: field {described(similar)}: is it the row's {name}? "
                f'call it "{name}", or say that there is none by "{name}": null'
            )

    def refuse(self, name: str, expected: str, value: Any = ...) -> NoReturn:
        """Raise a GritError for the field ``name``, or for ``value``, a part of it."""
        shown = "nothing" if not self.has(name) and value is ... else None
        shown = shown or described(self.fields[name] if value is ... else value)
        raise self._refusal(name, expected, shown)

    def _refusal(self, name: str, expected: str, shown: str) -> GritError:
        return GritError(f'{self.where}: field "{name}": expected {expected}, found {shown}')

    def _present(self, name: str, expected: str) -> Any:
        if not self.has(name):
            self.refuse(name, expected)
        return self.fields[name]


@lru_cache  # the rows of a file have the same fields
def _similar(name: str, fields: tuple[str, ...]) -> str | None:
    """The field whose name is most similar to ``name``, if one is."""
    normalized = {field.strip().lower(): field for field in fields}
    matches = get_close_matches(name, normalized, n=1, cutoff=_SIMILARITY)
    return normalized[matches[0]] if matches else None


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a JSON Lines file in UTF-8, one at a time; blank lines are skipped.

    Raises GritError for a file that cannot be read or has no rows, and for a line that is not a
    JSON object of text and finite numbers.
    """
    is_empty = True
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")  # byte order mark of some editors
                if line.strip():
                    is_empty = False
                    yield Row(path, number, _parsed(line, f"{path} line {number}"))
    except OSError as error:
        raise GritError(f"{path}: cannot be read: {error.strerror or error}") from error
    if is_empty:
        raise GritError(f"{path}: is empty: expected one JSON object a line")


def described(value: Any) -> str:
    """An invalid value for a message: short, on one line, printable on any terminal."""
    if isinstance(value, list):
        numbers = all(_number(entry) is not None for entry in value)
        if not numbers or len(value) > 8:
            return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return text.encode("utf-8", "backslashreplace").decode()


def _parsed(line: bytes, where: str) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
        fields = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
        if "\\ud" in text.lower():  # an escaped lone surrogate could not be written back
            json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except _DuplicateName as error:
        name = described(str(error))
        raise GritError(f"{where}: the field {name} stands there twice") from error
    except UnicodeDecodeError as error:
        raise GritError(f"{where}: is not UTF-8: byte {error.start + 1} of the line") from error
    except UnicodeEncodeError as error:
        raise GritError(f"{where}: holds half of a surrogate pair, which is no text") from error
    except json.JSONDecodeError as error:
        what = f"{error.msg} at column {error.colno}"
        raise GritError(f"{where}: is not valid JSON: {what}") from error
    except ValueError as error:
        raise GritError(f"{where}: is not valid JSON: {error}") from error
    except RecursionError as error:
        raise GritError(f"{where}: is nested too deeply") from error
    if not isinstance(fields, dict):
        raise GritError(f"{where}: expected a JSON object, found {described(fields)}")
    return fields


class _DuplicateName(Exception):
    """An object has a field twice."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise _DuplicateName(name)
        fields[name] = value
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:_SHOWN]} is too large a number")
    return value


def _number(value: Any) -> float | None:
    """``value`` as a finite float, or None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _corners(value: Any) -> Corners | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    x1, y1, x2, y2 = (_number(entry) for entry in value)
    if x1 is None or y1 is None or x2 is None or y2 is None:
        return None
    return x1, y1, x2, y2
