"""From what a judging model says to a score.

A judge's reply may repeat the answer that it is about, and an answer may hold what looks like a
score. So a score counts only where the judge gives it, and not where it speaks of it: see
``read_score``. Everything here takes time linear in a reply's length, which is bounded.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from grit.core.secrets import excerpt

LONGEST = 20_000
"""Characters of a reply; a judge that thinks aloud writes some thousands."""

_NUMBER = r"([-+]?(?:\d++(?:\.\d*+)?|\.\d++))"
# Not a part of something else: 85%, 1e-3, 0,5, 7/10, 7 out of 10. A full mark of 1 may be named.
_FULL_MARK = r"\s*+(?:/|out of)\s*+1(?:\.0*+)?(?![\w.])"
_ENDS = rf"(?![\w%]|\s*+%|[.,]\d|(?!{_FULL_MARK})\s*+(?:/|out of)\s*+\d)"
# What is possessive (*+) gives nothing back: no text takes time that grows with its square.
_SCORE = re.compile(
    rf"score\W{{0,3}}\s*+(?:[:=]|is\b\s*+:?)\s*+[\"'<*]*+\s*+{_NUMBER}{_ENDS}(?:{_FULL_MARK})?",
    re.IGNORECASE,
)
_BARE = re.compile(rf"\W*?{_NUMBER}{_ENDS}(?:{_FULL_MARK}|\s*+points?)?\W*")
_PICTURE = re.compile(r"\bimage\s*+([01])\b", re.IGNORECASE)
_OPENING = re.compile(r"\{\s*+[\"']?\Z")  # of an object whose first member is the score
_SENTENCE = re.compile(r"[.!?;,]\s|\n")
_STOP = re.compile(r"[.!]\s|\n")
_FENCE = re.compile(r"\W*+(?:json)?\W*+", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_BEFORE = 200  # characters that are looked at before a score
# What a judge leads up to its own score with. "The answer says" is not among it.
_LEADING = re.compile(
    r"""(?:\W|\b(?:
        a|an|and|answer|assign|be|evaluation|final|for|give|given|grade|hence|here|i|is|it|its|json|
        my|of|output|overall|rating|result|score|so|the|then|therefore|this|thus|total|verdict|will|
        would)\b)*+""",
    re.IGNORECASE | re.VERBOSE,
)
_SHOWN = 80  # characters of a reply that a message repeats


class UnreadableReply(ValueError):
    """A reply that gives no answer, or none that can be one; asking again may help."""


class _Score(NamedTuple):
    """A place where a reply writes a score, of its own or somebody else's."""

    start: int
    end: int
    value: float


def read_score(text: str) -> float:
    """The score in [0, 1] of a reply such as ``{score: 0.5}``, ``{"score": 1}`` or ``0.5``.

    A reply that is a number alone is that score. Otherwise a score is the reply's own

    - at its end: nothing but punctuation follows, and what leads up to it in its sentence are at
      most words like "so my final score is": ``The model is right. {score: 1}``;
    - at its start, with what explains it behind: nothing stands before it, nor behind it in its
      line or sentence: ``{score: 0}``, a line break, ``The cat is on the right.``

    A JSON object whose first member is the score counts as a whole, whatever stands in it. All
    else is quoted: ``The answer says {score: 1} but it is wrong.`` has no score.

    Raises:
        UnreadableReply: there is none (a refusal, say), it is outside [0, 1], the one at the start
            and the one at the end differ, or the reply is too long to be one.
    """
    if len(text) > LONGEST:
        raise UnreadableReply(f"a reply of {len(text):,} characters: {_shown(text)}")
    bare = _BARE.fullmatch(text)
    written = [] if bare else list(_written(text))
    own = {float(bare[1])} if bare else {one.value for one in written if _is_own(text, one)}
    if len(own) != 1:
        several = len(own or {one.value for one in written}) > 1
        found = "several scores" if several else "no score"
        raise UnreadableReply(f"{found} in the reply {_shown(text)}")
    score = own.pop()
    if not 0 <= score <= 1:
        raise UnreadableReply(f"a score outside [0, 1] in the reply {_shown(text)}")
    return score


def read_picture(text: str) -> int:
    """Which picture a reply chooses, 0 or 1; raises UnreadableReply where it is neither."""
    chosen = {int(found) for found in _PICTURE.findall(text[:LONGEST])}
    if len(chosen) != 1 or len(text) > LONGEST:
        raise UnreadableReply(f"neither Image 0 nor Image 1 in the reply {_shown(text)}")
    return chosen.pop()


def _written(text: str) -> Iterator[_Score]:
    """Every score that stands in a text, but for those within the object of another."""
    end = 0
    for found in _SCORE.finditer(text):
        if found.start() < end:
            continue
        start, end = found.span()
        opening = _OPENING.search(text, max(0, start - _BEFORE), start)
        if opening:
            start = opening.start()
            end = max(end, _end_of_object(text, start))
        yield _Score(start, end, float(found[1]))


def _end_of_object(text: str, start: int) -> int:
    """Where the JSON object that begins here ends; 0 where there is none."""
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):  # {score: 1} is no JSON
        return 0
    return end


def _is_own(text: str, score: _Score) -> bool:
    ends = _WORD.search(text, score.end) is None
    begins = _FENCE.fullmatch(text, 0, score.start) is not None
    rest = _STOP.split(text[score.end - 1 :], maxsplit=1)[0][1:]  # a stop may end the number: 1.
    return (ends and _leads(text[: score.start])) or (begins and not _WORD.search(rest))


def _leads(before: str) -> bool:
    """Whether the sentence that a score ends says nothing before it."""
    *earlier, sentence = _SENTENCE.split(before[-_BEFORE:])
    whole = bool(earlier) or len(before) <= _BEFORE
    return whole and _LEADING.fullmatch(sentence) is not None


def _shown(text: str) -> str:
    return repr(excerpt(text, _SHOWN))
