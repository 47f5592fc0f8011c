"""The noun phrases of a question: "teddy bear", "dog" of "Is the teddy bear left of the dog?".

A phrase begins after an article and ends before a word that cannot be part of it.
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
# Words after the verb "be" that say how or where something is.
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
_CONNECTIVES = {
    *("and", "or", "but", "that", "which", "who", "whose", "what", "where", "when", "how"),
}
_ENDS = STATES | _VERBS | _CONNECTIVES | BE | DO | DETERMINERS
# Places, properties and the image itself, which have no box.
_NOT_THINGS = {
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
_MAX_WORDS = 6  # of a noun phrase
_TOKEN = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?|\d+|[^\w\s]")


class Phrase(NamedTuple):
    """A noun phrase without its article, and its span in the question's tokens."""

    start: int
    end: int
    text: str


def tokens_of(text: str) -> list[str]:
    """Words, numbers and punctuation marks, in order."""
    return _TOKEN.findall(text)


def is_participle(word: str) -> bool:
    """Whether a word has the form of a participle: "touching", "attached"."""
    word = word.lower()
    present = word.endswith("ing") and word not in _ING_NOUNS and len(word) > 4
    return present or (word.endswith("ed") and word not in _ED_NOUNS and len(word) > 3)


def phrase_at(tokens: Sequence[str], start: int) -> Phrase:
    """The noun phrase that begins with the token at ``start``, behind its article; may be empty."""
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
    """The noun phrase of a question's subject, which a verb or an adjective may follow directly.

    In "Does the man ride a horse" and "Is the traffic light green" the last word that ``phrase_at``
    finds is not part of it.
    """
    phrase = phrase_at(tokens, start)
    following = tokens[phrase.end].lower() if phrase.end < len(tokens) else "?"
    after_do = start >= 2 and tokens[start - 2].lower() in DO
    is_verb = following in _VERBS or is_participle(following) if after_do else True
    if phrase.end - phrase.start < 2 or (following[0].isalpha() and is_verb):
        return phrase
    return Phrase(start, phrase.end - 1, " ".join(tokens[start : phrase.end - 1]))


def things_named(question: str) -> tuple[str, ...]:
    """The things that a question names, in its order and without repetition.

    Only the quotation is read of '... for the detected: "the kite under the black kite".', and only
    the question of "Hint: ... Question: ... Choices: ...".
    """
    question = question.rpartition("Question:")[2].partition("Choices:")[0]
    quoted = re.search(r'"([^"]+)"', question)
    return tuple(dict.fromkeys(_phrases(tokens_of(quoted[1] if quoted else question))))


def _phrases(tokens: Sequence[str]) -> Iterator[str]:
    lower = [token.lower() for token in tokens]
    for i, word in enumerate(lower):
        before = lower[i - 1] if i else ""
        there_is = word == "there" and before in BE
        if word not in DETERMINERS and not there_is:
            continue
        is_subject = before in BE | DO and not there_is and lower[i - 2 : i - 1] != ["there"]
        start = i + 1
        while start < len(tokens) and lower[start] in _AMOUNTS:
            start += 1
        phrase = (subject_of if is_subject else phrase_at)(tokens, start)
        is_short = phrase.end - start <= _MAX_WORDS
        if phrase.text and is_short and lower[phrase.end - 1] not in _NOT_THINGS:
            yield phrase.text
