"""Answers as models of full size write them, typed by hand: what the rules are measured on.

``real_style_cases.jsonl`` was written before the rules were changed for it. A third of it, chosen
by a hash of the names, was held out: nobody looked at its verdicts until the rules were settled.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from grit.judge.judge import Query

FILE = Path(__file__).with_name("real_style_cases.jsonl")


class Case(NamedTuple):
    """A prediction, and what a careful reader says of it."""

    name: str
    kind: str  # the test set whose questions are of this kind
    query: Query
    right: bool

    @property
    def held_out(self) -> bool:
        """Whether the rules were settled without a look at it."""
        return crc32(self.name.encode()) % 3 == 0


class Confusion(NamedTuple):
    """How many cases were taken for what."""

    right_as_right: int = 0
    right_as_wrong: int = 0
    wrong_as_wrong: int = 0
    wrong_as_right: int = 0


def read_cases() -> list[Case]:
    """All cases, in the order of the file."""
    rows = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    return [
        Case(row["name"], row["kind"], Query(*(row[key] for key in Query._fields)), row["right"])
        for row in rows
    ]


def confusion(cases: Iterable[Case], judge: Callable[[Query], bool]) -> Confusion:
    """What a judge makes of the cases."""
    found = [(case.right, judge(case.query)) for case in cases]
    return Confusion(
        *(found.count(pair) for pair in ((True, True), (True, False))),
        *(found.count(pair) for pair in ((False, False), (False, True))),
    )
