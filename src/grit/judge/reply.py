"""Read a judging model's reply: its text, token counts, and the score in the text.

The service's response is untrusted JSON. A reply may quote the predicted answer, and an answer may
contain something like a score. So only a score that the judge gives itself counts, and not one that
it quotes: see ``read_score``. All functions here take time linear in the reply's length, which is
bounded.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from grit.core.secrets import excerpt

LONGEST = 20_000
"""Maximum characters of a reply; one with reasoning has some thousands."""
MOST_TOKENS = 10_000_000
"""Of a call; larger counts are not believed."""

_NUMBER = r"([-+]?(?:\d++(?:\.\d*+)?|\.\d++))"
# Not in 85%, 1e-3, 0,5, 7/10 or 7 out of 10; but "/1" and "out of 1" may follow a score.
_FULL_MARK = r"\s*+(?:/|out of)\s*+1(?:\.0*+)?(?![\w.])"
_ENDS = rf"(?![\w%]|\s*+%|[.,]\d|(?!{_FULL_MARK})\s*+(?:/|out of)\s*+\d)"
# Possessive quantifiers (*+) do not backtrack: matching never takes quadratic time.
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
_BEFORE = 200  # characters before a score that are looked at
# Words with which a judge introduces its own score; not "The answer says".
_LEADING = re.compile(
    r"""(?:\W|\b(?:
        a|an|and|answer|assign|be|evaluation|final|for|give|given|grade|hence|here|i|is|it|its|json|
        my|of|output|overall|rating|result|score|so|the|then|therefore|this|thus|total|verdict|will|
        would)\b)*+""",
    re.IGNORECASE | re.VERBOSE,
)
_SHOWN = 80  # characters of a reply that an error message quotes


class UnreadableReply(ValueError):
    """A reply without a valid answer; asking again may help."""


class _Score(NamedTuple):
    """A place in a reply with a score, the judge's own or a quoted one."""

    start: int
    end: int
    value: float


def text_of(completion: Any) -> str:
    """The text of the first choice.

    Raises:
        UnreadableReply: there is none; the message says what is there instead.
    """
    choices = _get(completion, "choices")
    message = _get(choices[0], "message") if isinstance(choices, list) and choices else None
    if not isinstance(message, dict):
        raise UnreadableReply("a response that is no chat completion")
    text, refusal = message.get("content"), message.get("refusal")
    if isinstance(text, str):
        return text
    said = f"a refusal ({refusal})" if isinstance(refusal, str) and refusal else None
    raise UnreadableReply(said or "a reply without text")


def tokens_of(completion: Any) -> tuple[int, int] | None:
    """Prompt tokens and completion tokens; None if the counts are missing or implausible."""
    usage = _get(completion, "usage")
    counts = _get(usage, "prompt_tokens"), _get(usage, "completion_tokens")
    asked, said = (count if _is_count(count) else None for count in counts)
    return None if asked is None or said is None else (asked, said)


def _is_count(value: Any) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return number and 0 <= value <= MOST_TOKENS


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def read_score(text: str) -> float:
    """The score in [0, 1] of a reply such as ``{score: 0.5}``, ``{"score": 1}`` or ``0.5``.

    A reply that is only a number is that score. Otherwise a score is the judge's own if it is

    - at the end: only punctuation follows, and only words like "so my final score is" precede it in
      its sentence: ``The model is right. {score: 1}``;
    - at the start, before an explanation: nothing precedes it, and nothing follows it in its line
      or sentence: ``{score: 0}``, a line break, ``The cat is on the right.``

    A JSON object whose first member is the score counts as a whole, with all its other members.
    Any other score is taken for a quotation: ``The answer says {score: 1} but it is wrong.`` has
    no score.

    Raises:
        UnreadableReply: there is no score (a refusal, say), it is outside [0, 1], the scores at
            the start and at the end differ, or the reply is longer than ``LONGEST``.
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
    """Which picture a reply chooses, 0 or 1; raises UnreadableReply if it is neither or both."""
    chosen = {int(found) for found in _PICTURE.findall(text[:LONGEST])}
    if len(chosen) != 1 or len(text) > LONGEST:
        raise UnreadableReply(f"neither Image 0 nor Image 1 in the reply {_shown(text)}")
    return chosen.pop()


def _written(text: str) -> Iterator[_Score]:
    """Yield every score in a text, except those inside the JSON object of another."""
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
    """Index after the JSON object that begins at ``start``; 0 if there is none."""
    try:
        _, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):  # {score: 1} is not JSON
        return 0
    return end


def _is_own(text: str, score: _Score) -> bool:
    ends = _WORD.search(text, score.end) is None
    begins = _FENCE.fullmatch(text, 0, score.start) is not None
    rest = _STOP.split(text[score.end - 1 :], maxsplit=1)[0][1:]  # the number may end in a stop: 1.
    return (ends and _leads(text[: score.start])) or (begins and not _WORD.search(rest))


def _leads(before: str) -> bool:
    """Whether only words that introduce a score precede it in its sentence."""
    *earlier, sentence = _SENTENCE.split(before[-_BEFORE:])
    whole = bool(earlier) or len(before) <= _BEFORE
    return whole and _LEADING.fullmatch(sentence) is not None


def _shown(text: str) -> str:
    return repr(excerpt(text, _SHOWN))
