"""Noun phrases of a question: "Is the teddy bear left of the dog?" names "teddy bear" and "dog".

A phrase begins behind an article and ends before a word that cannot be part of it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

DETERMINERS = {
    *("the", "a", "an", "this", "these", "those", "his", "her", "its", "their", "my", "your"),
    *("any", "some", "each", "every"),
}
BE = {"is", "are", "was", "were"}
DO = {"do", "does", "did"}
PREPOSITIONS = {
    *("in", "on", "at", "of", "off", "to", "from", "with", "without", "by", "near", "inside"),
    *("into", "onto", "under", "underneath", "beneath", "below", "above", "over", "behind"),
    *("beside", "besides", "beyond", "between", "among", "around", "against", "along", "across"),
    *("through", "toward", "towards", "within", "outside", "out", "past", "up", "down", "for"),
    *("upon", "atop", "amid", "about", "alongside", "like", "opposite", "as", "than"),
}
# What the verb "be" is followed by where it says how or where something is.
STATES = PREPOSITIONS | {
    *("left", "right", "front", "next", "close", "far", "away", "ahead", "adjacent", "parallel"),
    *("perpendicular", "part", "full", "visible", "there", "here", "not", "also", "made"),
}
_VERBS = {
    *("contain", "contains", "consist", "consists", "have", "has", "had", "hold", "holds"),
    *("wear", "wears", "face", "look", "looks", "show", "shows", "can", "could", "will"),
    *("would", "should", "may", "might", "been", "being", "sit", "sits", "stand", "stands"),
    *("appear", "appears"),
}
_JOINTS = {"and", "or", "but", "that", "which", "who", "whose", "what", "where", "when", "how"}
_ENDS = STATES | _VERBS | _JOINTS | BE | DO | DETERMINERS
# Where something is, or the photograph itself: nothing to put a box around.
_PLACES = {
    *("side", "left", "right", "top", "bottom", "front", "back", "middle", "center", "centre"),
    *("edge", "end", "corner", "background", "foreground", "part", "par", "rear", "other"),
    *("picture", "image", "photo", "photograph", "scene", "view", "question", "answer"),
    *("following", "detected", "number", "amount", "kind", "type", "color", "colour", "name"),
}
_AMOUNTS = {
    *("no", "only", "just", "exactly", "more", "fewer", "less", "several", "many", "most", "all"),
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
}
_COLOURS = {
    *("red", "blue", "green", "black", "white", "yellow", "brown", "orange", "purple", "pink"),
    *("grey", "gray"),
}
_ING_NOUNS = {
    *("building", "painting", "ceiling", "ring", "earring", "king", "wing", "string", "railing"),
    *("clothing", "sling", "swing", "spring", "pudding", "frosting", "icing", "awning", "thing"),
    *("topping", "drawing", "dressing", "crossing", "landing", "wedding", "duckling", "sibling"),
}
_ED_NOUNS = {"bed", "seed", "weed", "shed", "sled", "reed", "moped", "red", "flatbed"}
_LONGEST = 6  # words of a phrase that still names something
_TOKEN = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?|\d+|[^\w\s]")


class Phrase(NamedTuple):
    """Words that name something, and where they stand among the question's tokens."""

    start: int  # of the words, behind the article
    end: int
    text: str


def tokens_of(text: str) -> list[str]:
    """Words, numbers and marks, in order."""
    return _TOKEN.findall(text)


def is_participle(word: str) -> bool:
    """Whether the word says what somebody does or is done to: "touching", "attached"."""
    word = word.lower()
    doing = word.endswith("ing") and word not in _ING_NOUNS and len(word) > 4
    return doing or (word.endswith("ed") and word not in _ED_NOUNS and len(word) > 3)


def phrase_at(tokens: Sequence[str], start: int) -> Phrase:
    """The noun phrase whose first word, behind the article, is at ``start``; maybe of no word."""
    end = start
    while end < len(tokens):
        word = tokens[end]
        starts_with_side = end == start and word.lower() in ("left", "right", "front", "part")
        joins_colours = word == "and" and tokens[end - 1].lower() in _COLOURS
        ends = word.lower() in _ENDS and not starts_with_side and not joins_colours
        if not word[0].isalpha() or ends:
            break
        if end > start and is_participle(word):  # "the parking meter", but "the cat touching"
            break
        end += 1
    return Phrase(start, end, " ".join(tokens[start:end]))


def subject_of(tokens: Sequence[str], start: int) -> Phrase:
    """The same of a question's subject, which its verb or adjective follows without a sign.

    "Does the man ride a horse", "Is the traffic light green": the last word is no part of it.
    """
    phrase = phrase_at(tokens, start)
    following = tokens[phrase.end].lower() if phrase.end < len(tokens) else "?"
    after_do = start >= 2 and tokens[start - 2].lower() in DO
    told_apart = following in _VERBS or is_participle(following) if after_do else True
    if phrase.end - phrase.start < 2 or (following[0].isalpha() and told_apart):
        return phrase
    return Phrase(start, phrase.end - 1, " ".join(tokens[start : phrase.end - 1]))


def things_named(question: str) -> tuple[str, ...]:
    """What a question speaks of, in its order, each once.

    Of "... for the detected: "the kite under the black kite"." the quotation alone counts, of
    "Hint: ... Question: ... Choices: ..." the question alone.
    """
    question = question.rpartition("Question:")[2].partition("Choices:")[0]
    quoted = re.search(r'"([^"]+)"', question)
    return tuple(dict.fromkeys(_phrases(tokens_of(quoted[1] if quoted else question))))


def _phrases(tokens: Sequence[str]) -> Iterator[str]:
    lower = [token.lower() for token in tokens]
    for at, word in enumerate(lower):
        before = lower[at - 1] if at else ""
        existing = word == "there" and before in BE
        if word not in DETERMINERS and not existing:
            continue
        is_subject = before in BE | DO and not existing and lower[at - 2 : at - 1] != ["there"]
        start = at + 1
        while start < len(tokens) and lower[start] in _AMOUNTS:
            start += 1
        phrase = (subject_of if is_subject else phrase_at)(tokens, start)
        is_short = phrase.end - start <= _LONGEST
        if phrase.text and is_short and lower[phrase.end - 1] not in _PLACES:
            yield phrase.text
