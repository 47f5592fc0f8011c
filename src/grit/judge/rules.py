"""A judge without a model: an answer is right (1) or wrong (0) by rules of text.

A prediction is right where its normalised text is the truth's, where it names the right option of
a question that lists options, or where it contains the truth among few words and no rival to it.
One that lists several alternatives is wrong even if the truth is one of them. The rules know a few
families of words that exclude each other (colours, directions, shapes, ...) and no synonyms: they
are strict where a model would be lenient, and blind to a rival outside of these families.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

from grit.judge.judge import Query
from grit.judge.options import letters_in, named, only_letter, options_in
from grit.judge.words import FUNCTION_WORDS, contains, is_number, normalized, word_set

__all__ = ["RulesJudge", "is_right", "normalized"]

_FEW = 8  # words beside the truth
_POLARITY = {"yes": "yes", "yeah": "yes", "yep": "yes", "no": "no", "nope": "no"}
_HAVING = word_set("is are was were has have with s there")  # "there is no dog"
_UNSURE = word_set(
    "or maybe perhaps possibly either both unsure unknown unclear idea clue any all every"
    " could might anything something everything such"
)
_NEGATION = word_set(
    "not never neither nor without except cannot isnt arent wasnt doesnt dont cant instead"
)
_COMPARISON = word_set(
    "more less fewer over under above below least most between almost nearly < > ≤ ≥ +"
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
_ARTICLE = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)


class RulesJudge:
    """Scores 1 or 0 by rules; never fails."""

    name = "rules"

    def score(self, queries: Sequence[Query]) -> list[float | None]:
        """One score for each query."""
        return [float(is_right(query)) for query in queries]


def is_right(query: Query) -> bool:
    """Whether the prediction is right."""
    question, truth, prediction = query
    wanted, given = normalized(truth), normalized(prediction)
    if not wanted:
        return bool(truth.strip()) and truth.strip() == prediction.strip()
    if wanted == given:
        return True
    options = options_in(question)
    right = _right_option(truth, options)
    if right:
        return _names_option(prediction, right, options)
    letter = only_letter(truth)
    if letter:
        return _names_letter(prediction, letter)
    if wanted in ("yes", "no"):
        return _says(wanted, given.split())
    if is_number(wanted):
        nothing = wanted == "0" and _says_none(question, prediction)
        return nothing or _gives_number(wanted, question, prediction)
    return _contains_truth(truth, question, prediction)


def _right_option(truth: str, options: dict[str, str]) -> set[str]:
    """The letters of the option that is the truth; more than one where texts are repeated."""
    wanted = normalized(truth)
    by_text = {letter for letter, option in options.items() if option == wanted}
    by_name = named(truth, options)
    return by_text or (by_name if len(by_name) == 1 else set())


def _names_option(prediction: str, right: set[str], options: dict[str, str]) -> bool:
    found = named(prediction, options)
    text = options[min(right)].split()
    given = normalized(prediction).split()
    extras = set(given) - set(text)
    numeric = any(map(is_number, text)) and any(map(is_number, extras))
    against = numeric or extras & (_UNSURE | _NEGATION) or len(given) > len(text) + 2 * _FEW
    return bool(found) and found <= right and not against


def _names_letter(prediction: str, letter: str) -> bool:
    """For a truth that is a letter although the question lists no options."""
    found = letters_in(prediction) - ({"I"} - {letter})
    given = normalized(prediction).split()
    return found == {letter} and len(given) <= 2 * _FEW and not (_UNSURE | _NEGATION) & set(given)


def _says(wanted: str, given: list[str]) -> bool:
    """Yes or no as the first word, or anywhere in few words that say nothing against it."""
    said = {
        _POLARITY[word]
        for at, word in enumerate(given)
        if word in _POLARITY and not _counts_things(given, at)
    }
    if said != {wanted} or _UNSURE & set(given):
        return False
    if _POLARITY.get(given[0]):
        return len(given) <= 1 + 2 * _FEW
    return len(given) <= 1 + _FEW and not _NEGATION & set(given)


def _counts_things(given: list[str], at: int) -> bool:
    """Whether the ``no`` at this place is the one of "there is no dog"."""
    return given[at] == "no" and 0 < at < len(given) - 1 and given[at - 1] in _HAVING


def _gives_number(wanted: str, question: str, prediction: str) -> bool:
    given = normalized(prediction).split()
    others = set(given) - {wanted}
    against = _UNSURE | _NEGATION | _COMPARISON | _POLARITY.keys()
    if given.count(wanted) not in (1, 2) or any(map(is_number, others)) or against & others:
        return False
    return len(given) <= 1 + _FEW and _few_strangers(others, question, prediction)


def _says_none(question: str, prediction: str) -> bool:
    """Zero in words: "none", "no dogs", "there are none"; a bare "no" is no count."""
    given = normalized(prediction).split()
    place = next((at for at, word in enumerate(given) if word in ("no", "none")), None)
    if place is None or given == ["no"] or len(given) > 1 + _FEW:
        return False
    others = set(given[:place] + given[place + 1 :])
    against = (_UNSURE - {"such"}) | _NEGATION | _COMPARISON | _POLARITY.keys()
    if against & others or any(map(is_number, others)):
        return False
    carriers = FUNCTION_WORDS | word_set("such things ones") | set(normalized(question).split())
    begins = set(given[:place]) <= carriers | _HAVING
    return begins and len(others - carriers) <= 1


def _contains_truth(truth: str, question: str, prediction: str) -> bool:
    wanted, given = normalized(truth).split(), normalized(prediction).split()
    if not contains(given, wanted) or len(given) > len(wanted) + _FEW:
        return False
    extras = set(given) - set(wanted)
    against = _UNSURE | _NEGATION | _POLARITY.keys()
    if against & extras or any(map(is_number, extras)):
        return False
    if len(_SEPARATOR.findall(prediction.strip())) > len(_SEPARATOR.findall(truth.strip())):
        return False
    if extras & _rivals(wanted, question):
        return False
    return _is_one_thing(wanted, given, question) and _few_strangers(extras, question, prediction)


def _rivals(wanted: list[str], question: str) -> set[str]:
    """Words that exclude the truth: of its families, or beside an ``or`` of the question."""
    asked = normalized(question).split()
    family = {word for words in _FAMILIES if words & set(wanted) for word in words} - set(asked)
    places = [at for at, word in enumerate(asked) if word == "or"]
    offered = {asked[n] for at in places for n in (at - 1, at + 1) if 0 <= n < len(asked)}
    return family | offered


def _is_one_thing(wanted: list[str], given: list[str], question: str) -> bool:
    """Whether the words beside the truth describe it and are not further guesses.

    Two may stand before it, as in "small brown dog"; after it only what it does: "dog sitting", and
    not "dog bird". So a list of guesses is worth no more than its last one.
    """
    carriers = FUNCTION_WORDS | set(normalized(question).split())
    describes = any(words & set(wanted) for words in _FAMILIES)  # "red car": rivals are known
    for at in range(len(given) - len(wanted) + 1):
        before, after = given[:at], given[at + len(wanted) :]
        if given[at : at + len(wanted)] != wanted:
            continue
        modifiers = list(takewhile(lambda word: word not in carriers, reversed(before)))
        ends = not after or after[0] in carriers or after[0].endswith("ing")
        if len(modifiers) <= 2 and (ends or describes):
            return True
    return False


def _few_strangers(extras: set[str], question: str, prediction: str) -> bool:
    """At most three words that neither carry an answer nor are the question's own.

    At most one where nothing makes a phrase of them: "brown dog" may pass, "cat dog bird" not.
    """
    strangers = extras - FUNCTION_WORDS - set(normalized(question).split())
    phrase = _ARTICLE.search(prediction) or extras & FUNCTION_WORDS
    return len(strangers) <= (3 if phrase else 1)
