"""Find the answer in a longer text: what it states, concludes or denies, clause by clause.

The truth is never looked at: a text has one reading, and so can be right for one truth only.
"""

import re
from typing import NamedTuple

from grit.grounding.traces import BOX_PATTERN
from grit.judge.words import normalized

_BE = r"(?:is|was|would\s+be|should\s+be|must\s+be)"
_STATED = re.compile(
    rf"\b(?:answer|option|choice)[*_]*(?:\s+{_BE}\b\s*:?|\s*:)[*_\s]*"  # "The answer is", "Answer:"
    r"|\\boxed\{",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:because|since|given\s+that|due\s+to)\b", re.IGNORECASE)
_CONCLUDED = re.compile(
    r"(?:^|[.,;:!]\s|\n)(?:\s?(?:and\s+)?(?:so(?!\s+(?:that|many|much|far|few|called)\b)"
    r"|therefore|thus|hence|consequently)\b[,:]?\s+(?:that\s+)?)+",  # "So therefore": one opening
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[.,:](?!\d)|(?<=[^\W\d])[.,:](?=\d)|[;!?()\n]|\s[-–—]\s")
_DENIED = re.compile(
    r"(?:,|\band\b|\bbut\b)\s*not\b[^.,;:!?\n]*,?"  # "a cat, not a dog"
    r"|\b(?:instead\s+of|rather\s+than|as\s+opposed\s+to)\b[^.,;:!?\n]*,?"
    r"|\bnot\b[^.,;:!?\n]{1,80}?,?\sbut\s",  # "not a dog but a cat"
    re.IGNORECASE,
)
_BOX = rf"\[\s*{BOX_PATTERN.pattern}\s*\]"
_BOXES = re.compile(rf"(?:,\s?)?{_BOX}(?:[\s,;&]*(?:and\s+)?{_BOX})*", re.IGNORECASE)
_NEW_WORD = re.compile(r"\s*(?!(?:is|are|was|were|has|have|in|on|at|with)\b)\w", re.IGNORECASE)
_MOST_STATED = 5


class Clause(NamedTuple):
    """A piece of text between two punctuation marks."""

    words: list[str]  # normalised
    mark: str  # before it; "" at the start


def answers_of(text: str) -> list[str]:
    """What a text states to be its answer, without reasons; the text itself if it states none.

    "AB = AC, so the answer is (B) because ..." -> ["(B)"]. A text that states several answers is
    right only if all of them are.
    """
    starts = list(_STATED.finditer(text))
    bounds = [*(match.start() for match in starts), len(text)]
    stated = [text[match.end() : end] for match, end in zip(starts, bounds[1:], strict=True)]
    found = [_without_reason(one) for one in stated if normalized(one)]
    return found if 0 < len(found) <= _MOST_STATED else [_without_reason(text)]


def without_boxes(text: str) -> str:
    """The text without boxes in brackets: "a dog [12, 30, 40, 50]" -> "a dog ".

    Between two words a box leaves a comma, for "cat [...] dog" is a list, unless the second one
    goes on about the first: "the dog [...] is asleep".
    """

    def instead(box: re.Match[str]) -> str:
        return ", " if _NEW_WORD.match(text, box.end()) else " "

    return _BOXES.sub(instead, text)


def concluded(text: str) -> str:
    """What follows the last "so", "therefore" or the like at a clause's start; else the text."""
    openings = [match.end() for match in _CONCLUDED.finditer(text)]
    rest = text[openings[-1] :] if openings else ""
    return rest if normalized(rest) else text


def affirmed(text: str) -> str:
    """The text without what it denies: "a cat, not a dog" -> "a cat"."""
    kept = _DENIED.sub(" ", text)
    return kept if normalized(kept) else text


def clauses(text: str) -> list[Clause]:
    """The clauses of a text that have words, in their order; at least one."""
    found, start, mark = [], 0, ""
    for end in _CLAUSE_END.finditer(text):
        words = normalized(text[start : end.start()]).split()
        if words:
            found.append(Clause(words, mark))
            mark = ""
        # Of several marks in a row the strongest counts: only a comma alone continues a list.
        mark = max(mark, end[0].strip() or ".", key=_strength)
        start = end.end()
    words = normalized(text[start:]).split()
    return [*found, Clause(words, mark)] if words or not found else found


def _strength(mark: str) -> int:
    return 0 if not mark else 1 if mark == "," else 2


def _without_reason(text: str) -> str:
    match = _REASON.search(text)
    kept = "" if match is None else text[: match.start()]
    return kept if normalized(kept) else text
