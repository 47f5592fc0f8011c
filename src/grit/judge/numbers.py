"""Find the number that a text gives as its answer to a "how many" or "how much".

The true answer is not looked at, so that a text gives at most one number: the only one of a short
text, the first that counts the subject of a "how many", or the only one after "is" or the like.
"""

import re
from collections.abc import Iterator
from itertools import dropwhile, takewhile
from typing import NamedTuple

from grit.judge.sentences import Clause, affirmed, clauses, concluded
from grit.judge.words import (
    COMPARISON,
    FEW,
    FUNCTION_WORDS,
    MOST,
    NEGATION,
    POLARITY,
    UNSURE,
    contains,
    few_strangers,
    is_number,
    normalized,
    singular,
    word_set,
)

_CLOSED = word_set("yes yeah yep nope true false")  # first words of answers to other questions
_SINGLE = re.compile(r"\b(?:an?\s+|the\s+)?single\b", re.IGNORECASE)
_HOW_MANY = re.compile(r".*\bhow many\s+(?:of\s+)?(.*)", re.IGNORECASE | re.DOTALL)
_OPEN = word_set("or maybe perhaps possibly either unsure unknown unclear sure could might")
_LEFT = word_set("left remain remains remaining leaves leaving")
_OTHERS = word_set("other another remaining rest")
_WHOLE = word_set("total number count group set row herd flock crowd team")
_VERBS = word_set("is are was were do does did can could have has had will would there appear")
_SEEING = word_set("see count show shows contain contains depicts features visible find counted")
_BREAK = (
    FUNCTION_WORDS
    | _VERBS
    | word_set(
        "and but near behind beside under over above below next further while who which that"
    )
)
_IS = word_set("is was = equals measures leaves leaving ≈")
_DIGITS = 18  # at most, of a number that is added to others
_ABOUT = word_set("about approximately around roughly exactly only just equal to now ≈")
_MOST_ABOUT = 8  # words looked at before a number


class _Mention(NamedTuple):
    """A number in a text, and what it seems to count."""

    value: str
    clause: int  # index
    at: int  # index of the word in its clause
    kind: str  # "subject", "part" of what was counted, "other" things, or "bare"


def number_said(question: str, text: str) -> str | None:
    """The number that a text gives as its answer, as ``normalized`` writes it; None for none."""
    text = _SINGLE.sub("1", concluded(affirmed(text)))
    words = normalized(text).split()
    if set(words[:1]) & _CLOSED or len(words) > MOST:
        return None
    return _only_number(question, text) or _in_sentences(question, text)


def only_names(question: str, given: list[str], value: list[str]) -> bool:
    """Whether the numbers beside ``value`` in an answer only name what the question asks for.

    "∠3 = 38" to "Find ∠3"; not "∠1 = 38" if the question says what ∠1 is, nor "6, 20", a list.

    Args:
        question: without its options.
        given: the words of the answer.
        value: the words of the option that the answer gives.
    """
    beside = [at for at, word in enumerate(given) if is_number(word) and word not in value]
    if not beside:
        return True
    names = _open_names(normalized(question.replace("＝", "=")).split())
    at = f" {' '.join(given)} ".partition(f" {' '.join(value)} ")[0].count(" ")
    named = all(given[other] in names and not _is_value(given, other) for other in beside)
    return named and contains(given, value) and _is_value(given, at)


def _open_names(asked: list[str]) -> set[str]:
    """The numbers of a question that are no values, and of which it gives no value: ∠3, a year."""
    names = set()
    for at, word in enumerate(asked):
        after = [*dropwhile(_IS.__contains__, asked[at + 1 : at + 3])][:1]
        valued = _is_value(asked, at) or any(map(is_number, [*asked[max(0, at - 1) : at], *after]))
        if is_number(word) and not valued:
            names.add(word)
    return names


def _only_number(question: str, text: str) -> str | None:
    """The only number of a short text without hedges, negations, comparisons or a yes or no."""
    given = normalized(text).split()
    found = {word for word in given if is_number(word)}
    if len(found) != 1:
        return None
    number = found.pop()
    others = set(given) - {number}
    against = UNSURE | NEGATION | COMPARISON | POLARITY.keys()
    if given.count(number) > 2 or against & others or len(given) > 1 + FEW:
        return None
    if contains(given, ["none", "of"]):  # "three dogs, but none of them ..."
        return None
    if _is_part(given, number, question) or not few_strangers(others, question, text):
        return None
    return number


def _is_part(given: list[str], number: str, question: str) -> bool:
    """Whether the number counts only some of the things asked for: "one of the dogs is asleep"."""
    at = given.index(number)
    if given[at + 1 : at + 2] != ["of"] or at + 2 >= len(given):
        return False
    told = set(given[at + 3 :]) - FUNCTION_WORDS - set(normalized(question).split())
    return singular(given[at + 2]) == _subject(question) and bool(told)


def _in_sentences(question: str, text: str) -> str | None:
    parts = clauses(text)
    if any(_OPEN & set(part.words) for part in parts):
        return None
    subject = _subject(question)
    mentions = [] if subject is None else list(_mentions(parts, subject))
    counts = [mention for mention in mentions if mention.kind == "subject"]
    if _LEFT & set(normalized(question).split()):  # not what was there before
        counts = [mention for mention in counts if _LEFT & set(parts[mention.clause].words)]
    asked = [mention for mention in mentions if _is_asked_part(parts, mention, question)]
    if len(asked) == 1:
        return asked[0].value
    return _count(parts, mentions, counts[0]) if counts else _measure(parts)


def _subject(question: str) -> str | None:
    """The last noun of what a "how many" asks for, in the singular: "red circles" -> "circle"."""
    nouns = list(takewhile(lambda word: word not in _BREAK, _asked_for(question)))
    if not nouns or COMPARISON & set(nouns):  # "how many more rings than squares"
        return None
    return singular(nouns[-1])


def _asked_for(question: str) -> list[str]:
    """The words after the last "how many"."""
    match = _HOW_MANY.match(question)
    return normalized(match[1]).split() if match else []


def _mentions(parts: list[Clause], subject: str) -> Iterator[_Mention]:
    for place, (words, _) in enumerate(parts):
        for at, word in enumerate(words):
            nouns = [*takewhile(_is_noun, words[at + 1 : at + 5])]
            counts = subject in map(singular, nouns)
            if is_number(word):
                yield _Mention(word, place, at, _kind(words, at, nouns, counts))
            elif counts and (word == "no" or (word == "any" and NEGATION & set(words[:at]))):
                yield _Mention("0", place, at, "subject")
            elif word == "none" and words[at + 1 : at + 2] == ["of"]:
                yield _Mention("0", place, at, "part")


def _is_noun(word: str) -> bool:
    """Whether a word may be a noun, or an adjective before one."""
    return word not in _BREAK and not is_number(word)


def _kind(words: list[str], at: int, nouns: list[str], counts: bool) -> str:
    before, after = words[max(0, at - 2) : at], words[at + 1 : at + 3]
    if after[:1] == ["of"] or (before and before[-1] in _OTHERS):
        return "part"
    some = before[-1:] == ["of"] and before[0] not in _WHOLE  # "of the 7 dogs"
    if some or before[-1:] == ["than"]:  # "3 bars larger than 50"
        return "other"
    if counts or after == ["in", "total"]:
        return "subject"
    return "other" if nouns else "bare"


def _is_asked_part(parts: list[Clause], mention: _Mention, question: str) -> bool:
    """Whether a mention is the part that the question asks for: "2 of them are larger than 50".

    Then the part, and not the whole, is the answer.
    """
    words = parts[mention.clause].words
    if mention.kind != "part" or words[mention.at + 1 : mention.at + 2] != ["of"]:
        return False
    asked = set(map(singular, _asked_for(question)))
    told = [singular(word) for word in words[mention.at + 3 :] if word not in _BREAK]
    return bool(told) and set(told) <= asked


def _count(parts: list[Clause], mentions: list[_Mention], first: _Mention) -> str | None:
    """The first count of the subject, if later numbers only split it into parts; else None."""
    words = parts[first.clause].words
    before = words[: first.at]
    denied = NEGATION & set(before) and words[first.at] != "any"
    if denied or COMPARISON & set(before[-2:]) or not (_VERBS | _SEEING) & set(words):
        return None
    place = mentions.index(first)
    earlier, later = mentions[:place], mentions[place + 1 :]
    if any(mention.kind in ("bare", "part") for mention in earlier):
        return None
    if first.value == "0" and any(parts[each.clause].mark == "," for each in later):
        return None  # "no red circle, just 1 blue"
    rest = [each for each in later if each.kind != "other" and each.value != "0"]
    return first.value if _divides(parts, first, rest) else None


def _divides(parts: list[Clause], first: _Mention, rest: list[_Mention]) -> bool:
    """Whether later numbers are parts of the first: "three dogs: two brown dogs, one white dog"."""
    if not all(each.value.isdecimal() and len(each.value) <= _DIGITS for each in (first, *rest)):
        return not rest  # int() raises for thousands of digits, which a model may write
    total = sum(int(each.value) for each in rest)
    if all(each.kind == "part" for each in rest):
        return total <= int(first.value)
    apart = all(_opens_part(parts, first, each) for each in rest if each.kind == "subject")
    below = all(each.clause > first.clause for each in rest)
    return total == int(first.value) and len(rest) > 1 and apart and below


def _opens_part(parts: list[Clause], first: _Mention, mention: _Mention) -> bool:
    """Whether a list of parts, or a sentence about them, begins after the first count."""
    between = parts[first.clause + 1 : mention.clause + 1]
    if any(part.mark in (":", "(", "-", "–", "—") for part in between):
        return True
    words = parts[mention.clause].words
    sentence = any(part.mark in (".", ";") for part in between) and _VERBS & set(words)
    return bool(sentence) and words[0] != "there"  # "there are two dogs": a guess like the first


def _measure(parts: list[Clause]) -> str | None:
    """The only number after "is" or the like at the end of a clause: "the area is 6 cm"."""
    found = set()
    for words, _ in parts:
        places = [at for at, word in enumerate(words) if is_number(word)]
        if places and len(words) - places[-1] <= 3 and _is_value(words, places[-1]):
            found.add(words[places[-1]])
    return found.pop() if len(found) == 1 else None


def _is_value(words: list[str], at: int) -> bool:
    """Whether something is said to be the number at index ``at``: "is about 6", "= 6"."""
    before = dropwhile(_ABOUT.__contains__, reversed(words[max(0, at - _MOST_ABOUT) : at]))
    return next(before, "") in _IS
