"""Answers as models of full size write them, typed by hand: what the rules are measured on.

``python tests/judge/real_style.py`` puts the tables of ``docs/judging_by_rules.md`` right.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from grit.judge.judge import Query
from grit.judge.rules import is_right

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "judging_by_rules.md"
BEGIN, END = "<!-- tables: python tests/judge/real_style.py -->", "<!-- end of tables -->"

TUNED, HELD_OUT, AFTER = "tuned on", "held out", "written afterwards"


class Case(NamedTuple):
    """A prediction, and what a careful reader says of it."""

    name: str
    kind: str  # the test set whose questions are of this kind
    query: Query
    right: bool
    before: bool  # what the rules said before these cases changed them
    part: str


class Confusion(NamedTuple):
    """How many cases were taken for what."""

    right_as_right: int = 0
    right_as_wrong: int = 0
    wrong_as_wrong: int = 0
    wrong_as_right: int = 0


def read_cases() -> list[Case]:
    """All cases, in the order of their files."""
    return [
        *_cases(HERE / "real_style_cases.jsonl", lambda name: HELD_OUT if _lot(name) else TUNED),
        *_cases(HERE / "real_style_cases_after.jsonl", lambda _: AFTER),
    ]


def _lot(name: str) -> bool:
    return crc32(name.encode()) % 3 == 0


def _cases(path: Path, part_of: Callable[[str], str]) -> list[Case]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Case(
            name=row["name"],
            kind=row["kind"],
            query=Query(*(row[field] for field in Query._fields)),
            right=row["right"],
            before=row["before"],
            part=part_of(row["name"]),
        )
        for row in rows
    ]


def confusion(cases: Iterable[Case], verdict: Callable[[Case], bool]) -> Confusion:
    """What was made of the cases."""
    found = [(case.right, verdict(case)) for case in cases]
    return Confusion(
        *(found.count(pair) for pair in ((True, True), (True, False))),
        *(found.count(pair) for pair in ((False, False), (False, True))),
    )


def before(case: Case) -> bool:
    """What the rules said before."""
    return case.before


def now(case: Case) -> bool:
    """What the rules say."""
    return is_right(case.query)


def misjudged(cases: Iterable[Case]) -> list[Case]:
    """What the rules get wrong."""
    return [case for case in cases if now(case) is not case.right]


def tables() -> str:
    """The tables of the document, in Markdown."""
    cases = read_cases()
    groups = [(part, [c for c in cases if c.part == part]) for part in (TUNED, HELD_OUT, AFTER)]
    kinds = dict.fromkeys(case.kind for case in cases)
    groups += [(kind, [c for c in cases if c.kind == kind]) for kind in kinds]
    lines = [_line("Cases", "rules", "right → right", "right → wrong", *_REST), "|---" * 6 + "|"]
    for title, found in [*groups, ("**all**", cases)]:
        for when, verdict in (("before", before), ("now", now)):
            counts = confusion(found, verdict)
            lines.append(_line(title if when == "before" else "", when, *counts))
    wrong = [_line("Case", "truth", "answer", "the rule says"), "|---" * 4 + "|"]
    for case in misjudged(cases):
        said = "wrong" if case.right else "right"
        text = " ".join(case.query.prediction.split()).replace("|", "\\|")
        wrong.append(_line(f"`{case.name}`", case.query.truth, text, said))
    return "\n".join([*lines, "", "What it still gets wrong, case by case:", "", *wrong])


_REST = ("wrong → wrong", "wrong → right")


def _line(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def parted(text: str) -> Sequence[str]:
    """A document before, within and behind its tables."""
    head, begin, rest = text.partition(BEGIN)
    inside, end, tail = rest.partition(END)
    assert begin
    assert end
    return head, inside.strip(), tail


if __name__ == "__main__":
    head, _, tail = parted(DOCUMENT.read_text(encoding="utf-8"))
    whole = f"{head}{BEGIN}\n\n{tables()}\n\n{END}{tail}"
    DOCUMENT.write_text(whole, encoding="utf-8")
