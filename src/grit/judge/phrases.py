"""Whether a text names the truth and no other answer: alone, or as the topic of a sentence."""

import re
from collections.abc import Callable
from itertools import dropwhile, takewhile

from grit.judge.sentences import affirmed, concluded
from grit.judge.words import (
    COMPARISON,
    FEW,
    FUNCTION_WORDS,
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

_FAMILIES = tuple(
    word_set(family)
    for family in (
        "red orange yellow green blue purple pink brown black white gray grey cyan magenta violet"
        " gold silver beige tan teal maroon navy turquoise",
        "left right above below over under beneath front behind inside outside top bottom middle"
        " center centre beside",
        "circle square triangle rectangle diamond star pentagon hexagon oval ellipse cross heart"
        " ring cube sphere cylinder cone crescent arrow",
        "big large small little tiny huge medium",
        "short tall long",
        "wood wooden metal metallic plastic glass rubber leather stone paper",
        "north south east west",
        "man woman boy girl",
        "yes no",
        "true false",
        "increase decrease same",
    )
)
_SEPARATOR = re.compile(r"(?<!\d),|,(?!\d)|[;|&\n+]|(?<!\d)/|/(?!\d)|\band\b", re.IGNORECASE)
_DETERMINERS = word_set("a an the some his her its their this another several")
_PLACES = word_set("in on at with near by beside behind under beneath over above below inside from")
_PLACED = word_set("next close adjacent opposite front left right top side")  # before "to" or "of"
_TAIL = _PLACES | word_set("that which who while as next")
_STOPS = _TAIL | _DETERMINERS | {"to", "of"}
_MOST_IN_TAIL = 12
_ANOTHER_AMOUNT = COMPARISON | word_set(
    "half twice double triple times up from before after until past minute minutes"
)


def names_thing(truth: str, question: str, text: str) -> bool:
    """Whether the text names the truth, and nothing else that could be an answer."""
    text = concluded(affirmed(text))
    wanted, given, asked = (normalized(each).split() for each in (truth, text, question))
    known = any(words & set(wanted) for words in _FAMILIES)  # "red", "left", "circle"
    if not contains(given, wanted) and not known:  # "plates" for "plate"
        wanted, given, asked = ([*map(singular, each)] for each in (wanted, given, asked))
    if not contains(given, wanted):
        return False
    if len(_SEPARATOR.findall(text.strip())) > len(_SEPARATOR.findall(truth.strip())):
        return False
    extras = set(given) - set(wanted)
    against = UNSURE | NEGATION | POLARITY.keys() | {"true", "false"} | _rivals(wanted, asked)
    if against & extras or not _has_its_numbers(wanted, given):
        return False
    told = given if known else _without_tail(given, wanted)
    beside = set(told) - set(wanted)
    if len(told) > len(wanted) + FEW or any(map(is_number, beside)):
        return False
    if not _is_one_thing(wanted, given, asked, known) or _is_place(wanted, asked, text):
        return False
    return few_strangers(beside, " ".join(asked), text)


def _has_its_numbers(wanted: list[str], given: list[str]) -> bool:
    """Whether a truth that begins with a number is the amount said, with no more numbers beside it.

    A set of extra words would not show the last one of "6 cm by 6 cm", or of "[1, 2, 2]" for
    "[1, 2]". True for any other truth.
    """
    if not is_number(wanted[0]):
        return True
    numbers, said = ([*filter(is_number, words)] for words in (wanted, given))
    return numbers == said and not _ANOTHER_AMOUNT & (set(given) - set(wanted))


def _rivals(wanted: list[str], asked: list[str]) -> set[str]:
    """Words that exclude the truth: others of its families, and those beside the question's or."""
    family = {word for words in _FAMILIES if words & set(wanted) for word in words} - set(asked)
    places = [at for at, word in enumerate(asked) if word == "or"]
    offered = {asked[n] for at in places for n in (at - 1, at + 1) if 0 <= n < len(asked)}
    return family | offered


def _without_tail(given: list[str], wanted: list[str]) -> list[str]:
    """The words up to the truth, if those after it only say where it is or what it does."""
    end = _place_of(wanted, given) + len(wanted)
    tail = given[end:]
    if not 2 <= len(tail) <= _MOST_IN_TAIL or is_number(tail[-1]):
        return given
    return given[:end] if tail[0] in _TAIL or _is_done_to(tail) else given


def _is_one_thing(wanted: list[str], given: list[str], asked: list[str], known: bool) -> bool:
    """Whether the words beside the truth describe it, instead of being further guesses.

    Two new words may precede it ("small brown dog"), and only what it does may follow it ("dog
    sitting", not "dog bird"): of a list of guesses only the last one counts. A truth in one of
    ``_FAMILIES``, whose rivals are known, may be followed by anything: "red car".
    """
    carriers = FUNCTION_WORDS | word_set("can single") | set(asked)
    for at in range(len(given) - len(wanted) + 1):
        before, after = given[:at], given[at + len(wanted) :]
        if given[at : at + len(wanted)] != wanted:
            continue
        new = [not carriers & {word, singular(word)} for word in reversed(before)]
        modifiers = list(takewhile(bool, new))  # up to the question's "contain" in "contains"
        if len(modifiers) <= 2 and (known or _ends(after, carriers)):
            return True
    return False


def _ends(after: list[str], carriers: frozenset[str]) -> bool:
    """Whether only where it is or what it does follows the truth, and no other noun.

    "dog", "dog lying on a mat", "dog is in the garden"; not "dog bird", nor "dog is a horse".
    """
    rest = list(dropwhile(lambda word: word in carriers - _TAIL, after))
    return not rest or rest[0] in _TAIL or rest[0].endswith("ing") or _is_done_to(rest)


def _is_done_to(words: list[str]) -> bool:
    """Whether words begin with a participle and a preposition: "pulled by horses"."""
    return words[0].endswith("ed") and bool(set(words[1:2]) & (_PLACES | {"by", "of"}))


def _is_place(wanted: list[str], asked: list[str], text: str) -> bool:
    """Whether the truth is only the place of something else: the bowl in "a cup next to a bowl".

    Something else is a noun that is not in the question, with a determiner or at the text's start.
    """
    words = re.findall(r"[^\W_]+", text.casefold())
    if not contains(words, wanted):
        words = [*map(singular, words)]
    before = words[: max(0, _place_of(wanted, words))][::-1]  # from the truth backwards
    before = before[_length(before[:2], lambda word: word not in _STOPS) :]  # "a small bowl"
    before = before[_length(before[:1], _DETERMINERS.__contains__) :]
    if not (set(before[:1]) & (_TAIL | {"to"}) or set(before[1:2]) & _PLACED):
        return False
    before = before[_length(before, (_STOPS | _PLACED).__contains__) :]  # "on the left side of"
    carriers = FUNCTION_WORDS | set(asked)
    # What something else does there is no noun: "a person used by an oven"
    before = before[_length(before[:1], lambda word: word.endswith(("ing", "ed"))) :]
    if not before or before[0] in carriers:
        return False
    noun = _length(before[:3], lambda word: word not in carriers | _DETERMINERS)  # "a small cup"
    return noun == len(before) or before[noun] in _PLACES | _DETERMINERS


def _length(words: list[str], fits: Callable[[str], bool]) -> int:
    """Number of words at the start that fit."""
    return sum(1 for _ in takewhile(fits, words))


def _place_of(phrase: list[str], words: list[str]) -> int:
    """Index at which a phrase begins in ``words``; -1 if it does not occur."""
    size = len(phrase)
    starts = (at for at in range(len(words) - size + 1) if words[at : at + size] == phrase)
    return next(starts, -1)
