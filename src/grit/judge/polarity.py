"""Whether a text says yes or no: at its start, in few words, or by repeating the question."""

import re

from grit.judge.sentences import clauses, concluded
from grit.judge.words import FEW, MOST, NEGATION, POLARITY, UNSURE, contains, normalized, word_set

_AT_START = POLARITY | {"true": "yes", "false": "no"}  # not elsewhere: "that is not true"
_HAVING = word_set("is are was were has have with s there")  # "there is no dog"
_OPEN = word_set("maybe perhaps possibly unsure unclear unknown depends depending")
_EXPLAINED = re.compile(r"\W*(?:yes|yeah|yep|no|nope|true|false)\W*[,.;:!\n]", re.IGNORECASE)
_BOTH = re.compile(
    r"\W*(?:(?:yes|true)\b\W{0,4}(?:(?:or|and|but)\b\W{0,4})?(?:no|nope|false)"
    r"|(?:no|nope|false)\b\W{0,4}(?:(?:or|and|but)\b\W{0,4})?(?:yes|true))\b",
    re.IGNORECASE,
)
_BARE_NO = re.compile(r"\b(?:no|nope)\b(?!\s+[^\W\d_])", re.IGNORECASE)  # with no noun after it

_AUXILIARIES = word_set("is are was were do does did has have can there")
_SAYS_NOTHING = _AUXILIARIES | word_set(
    "indeed actually clearly definitely really also sitting standing lying parked located"
    " positioned placed seen shown visible you see we i"
)
_DENIALS = word_set("not no isnt arent wasnt doesnt dont cannot cant")
_REQUEST = re.compile(r"\b(?:please\s+)?answer\b.*", re.IGNORECASE | re.DOTALL)


def polarity(question: str, text: str) -> str | None:
    """``yes`` or ``no``, whichever the text says; None if it says neither or both."""
    given = normalized(text).split()
    if not _AT_START.keys() & set(given[:1]):
        text = concluded(text)
        given = normalized(text).split()
    if not given:
        return None
    if given[0] in _AT_START:
        return _at_start(question, text, given)
    return _in_few_words(given) or _repeated(question, clauses(text)[0].words)


def _at_start(question: str, text: str, given: list[str]) -> str | None:
    """The yes or no of the first word; None if the rest of the text contradicts it."""
    if _BOTH.match(text) or _OPEN & set(given) or contains(given, ["not", "sure"]):
        return None
    said = _AT_START[given[0]]
    others = {POLARITY[word] for at, word in enumerate(given) if _is_answer(given, at)} - {said}
    explained = _EXPLAINED.match(text) and _AUXILIARIES & set(given[1:])
    if not explained:  # "yes it is", "no dogs"
        return None if others or UNSURE & set(given) or len(given) > 1 + 2 * FEW else said
    if said == "yes":
        others = {"no"} if _BARE_NO.search(text) else set()
    told = _repeated(question, _after_start(text))  # "yes, the cat is not on the bed"
    told_against = others or told not in (None, said) or sum(map(POLARITY.__contains__, given)) > 3
    return None if told_against or given[1:2] == ["or"] or len(given) > MOST else said


def _in_few_words(given: list[str]) -> str | None:
    """The only yes or no of a short text without hedges or negations: "I think yes"."""
    said = {POLARITY[word] for at, word in enumerate(given) if _is_answer(given, at)}
    against = (UNSURE | NEGATION) & set(given) or len(given) > 1 + FEW
    return said.pop() if len(said) == 1 and not against else None


def _is_answer(given: list[str], at: int) -> bool:
    """Whether the word at index ``at`` is a yes or no, other than the no of "there is no dog"."""
    counts = given[at] == "no" and 0 < at < len(given) - 1 and given[at - 1] in _HAVING
    return given[at] in POLARITY and not counts


def _after_start(text: str) -> list[str]:
    """The words of the clause that explains the first word."""
    first, *others = clauses(text)
    return first.words[1:] or (others[0].words if others else [])


def _repeated(question: str, said: list[str]) -> str | None:
    """``yes`` if a clause states what the question asks, ``no`` if it denies that, else None.

    The content words have to be the same, in the same order: "Is the cat on the bed?", "The cat is
    lying on the bed."
    """
    asked = normalized(_REQUEST.sub("", question)).split()
    if not asked or asked[0] not in _AUXILIARIES or not (_AUXILIARIES | _DENIALS) & set(said):
        return None
    denials = sum(word in _DENIALS for word in said)
    same = _content(asked) == [word for word in _content(said) if word not in _DENIALS]
    if not same or denials > 1 or _DENIALS & set(asked) or UNSURE & set(said):
        return None
    return "no" if denials else "yes"


def _content(words: list[str]) -> list[str]:
    return [word for word in words if word not in _SAYS_NOTHING]
