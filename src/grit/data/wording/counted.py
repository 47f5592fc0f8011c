"""What a question "How many ...?" counts."""

import re
from typing import NamedTuple

from grit.data.wording.nouns import BE, DETERMINERS, DO, PREPOSITIONS, STATES, is_participle
from grit.data.wording.number import is_plural, plural, singular

IN_THE_IMAGE = "in the image"
_ASKED = re.compile(r"(?:^|[.:?!]\s+)how many\s+([\w\s'’-]+)\?", re.IGNORECASE)
_VERBS = BE | DO | {"can", "could", "will", "would", "has", "have", "had", "appear"}
_OPENINGS = DETERMINERS | {"of", "the", "total", "different", "more"}
_PRESENT = {  # words that only say that something is in the image
    *("there", "here", "shown", "pictured", "visible", "seen", "photographed", "displayed"),
    *("depicted", "present"),
}
_IN_WHOLE_IMAGE = re.compile(
    r"\b(?:in|on|of) (?:the|this) (?:picture|image|photo|photograph|scene)$", re.IGNORECASE
)
_MAX_WORDS = 8  # of a noun phrase


class CountedThing(NamedTuple):
    """What is counted: "How many people wearing hats are on the beach?"."""

    singular: str  # person wearing hats
    plural: str  # people wearing hats
    where: str  # on the beach; "in the image" if the question has no place


def counted_thing(question: str) -> CountedThing | None:
    """What a question counts; None if it does not count, or names two kinds of things."""
    asked = _ASKED.search(question)
    if asked is None:
        return None
    words = asked[1].split()
    while words and words[0].lower() in _OPENINGS:
        words = words[1:]
    verb = next((i for i, word in enumerate(words) if word.lower() in _VERBS), len(words))
    phrase = _IN_WHOLE_IMAGE.sub("", " ".join(words[:verb])).split()
    two_kinds = {"and", "or", "than"} & {word.lower() for word in phrase}
    if not 0 < len(phrase) <= _MAX_WORDS or not phrase[0][0].isalpha() or two_kinds:
        return None
    head = _head_noun(phrase)
    before, noun, after = phrase[:head], phrase[head], phrase[head + 1 :]
    one, several = (" ".join([*before, form(noun), *after]) for form in (singular, plural))
    return CountedThing(one, several, _place(words[verb:]))


def _head_noun(words: list[str]) -> int:
    """The index of the noun that is singular or plural: before "in the boat", "wearing hats"."""
    for i, word in enumerate(words[1:], start=1):
        is_modifier = is_participle(word) and is_plural(words[i - 1])
        if is_modifier or word.lower() in PREPOSITIONS | {"that", "which", "who"}:
            return i - 1
    return len(words) - 1


def _place(rest: list[str]) -> str:
    """The place that a question names behind its verb, or "in the image"."""
    has_be = bool(rest) and rest[0].lower() in BE
    words = rest[1:]
    while words and words[0].lower() in _PRESENT:
        words = words[1:]
    place = " ".join(words)
    if not has_be or not place or _IN_WHOLE_IMAGE.fullmatch(place):
        return IN_THE_IMAGE
    first = words[0].lower()
    is_place = first in PREPOSITIONS or is_participle(first) or (first in STATES and len(words) > 1)
    return place if is_place else IN_THE_IMAGE
