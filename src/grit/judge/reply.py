"""From what a judging model says to a score."""

import re

_NUMBER = r"([-+]?(?:\d+(?:\.\d*)?|\.\d+))"
# Not a part of something else: 85%, 1e-3, 0,5, 7/10, 7 out of 10. A full mark of 1 may be named.
_ENDS = r"(?![\w%]|\s*%|[.,]\d|\s*(?:/|out of)\s*(?!1(?:\.0*)?(?![\w.]))\d)"
_SCORE = re.compile(rf"score\W{{0,3}}\s*(?:[:=]|is\b)\s*[\"'<*]*\s*{_NUMBER}{_ENDS}", re.IGNORECASE)
_BARE = re.compile(rf"\W*?{_NUMBER}{_ENDS}(?:\s*points?)?\W*")
_PICTURE = re.compile(r"\bimage\s*([01])\b", re.IGNORECASE)
_SHOWN = 80  # characters of a reply that a message repeats


class UnreadableReply(ValueError):
    """A reply that gives no answer, or none that can be one; asking again may help."""


def read_score(text: str) -> float:
    """The score in [0, 1] of a reply such as ``{score: 0.5}``, ``{"score": 1}`` or ``0.5``.

    Raises:
        UnreadableReply: there is none (a refusal, say), it is outside [0, 1], or there are several.
    """
    bare = _BARE.fullmatch(text)
    scores = {float(found) for found in ([bare[1]] if bare else _SCORE.findall(text))}
    if len(scores) != 1:
        found = "no score" if not scores else "several scores"
        raise UnreadableReply(f"{found} in the reply {_shown(text)}")
    score = scores.pop()
    if not 0 <= score <= 1:
        raise UnreadableReply(f"a score outside [0, 1] in the reply {_shown(text)}")
    return score


def read_picture(text: str) -> int:
    """Which picture a reply chooses, 0 or 1; raises UnreadableReply where it is neither."""
    chosen = {int(found) for found in _PICTURE.findall(text)}
    if len(chosen) != 1:
        raise UnreadableReply(f"neither Image 0 nor Image 1 in the reply {_shown(text)}")
    return chosen.pop()


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
