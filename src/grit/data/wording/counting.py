"""What a question of the kind "How many ...?" counts."""

import re
from typing import NamedTuple

from grit.data.wording.nouns import BE, DETERMINERS, DO, PREPOSITIONS, STATES, is_participle
from grit.data.wording.number import is_plural, plural, singular

IN_THE_IMAGE = "in the image"
_ASKED = re.compile(r"(?:^|[.:?!]\s+)how many\s+([\w\s'’-]+)\?", re.IGNORECASE)
_VERBS = BE | DO | {"can", "could", "will", "would", "has", "have", "had", "appear"}
_OPENINGS = DETERMINERS | {"of", "the", "total", "different", "more"}
_SEEN = {
    *("there", "here", "shown", "pictured", "visible", "seen", "photographed", "displayed"),
    *("depicted", "present"),
}
_IN_WHOLE_IMAGE = re.compile(
    r"\b(?:in|on|of) (?:the|this) (?:picture|image|photo|photograph|scene)$", re.IGNORECASE
)
_LONGEST = 8  # words of a phrase that still names something


class Counted(NamedTuple):
    """What is counted: "How many people wearing hats are on the beach?"."""

    one: str  # person wearing hats
    many: str  # people wearing hats
    where: str  # on the beach; in the image, where the question does not say


def counted(question: str) -> Counted | None:
    """What a question counts, if it counts."""
    asked = _ASKED.search(question)
    if asked is None:
        return None
    words = asked[1].split()
    while words and words[0].lower() in _OPENINGS:
        words = words[1:]
    verb = next((i for i, word in enumerate(words) if word.lower() in _VERBS), len(words))
    named = _IN_WHOLE_IMAGE.sub("", " ".join(words[:verb])).split()
    two_kinds = {"and", "or"} & {word.lower() for word in named}
    if not 0 < len(named) <= _LONGEST or not named[0][0].isalpha() or two_kinds:
        return None
    head = _head(named)
    before, noun, after = named[:head], named[head], named[head + 1 :]
    one, many = ([*before, form(noun), *after] for form in (singular, plural))
    return Counted(" ".join(one), " ".join(many), _place(words[verb:]))


def _head(words: list[str]) -> int:
    """Where the noun is that has the number: before "in the boat", "wearing hats"."""
    for at, word in enumerate(words[1:], start=1):
        acting = is_participle(word) and is_plural(words[at - 1])
        if acting or word.lower() in PREPOSITIONS | {"that", "which", "who"}:
            return at - 1
    return len(words) - 1


def _place(rest: list[str]) -> str:
    """What the question says behind its verb, where that tells which ones are meant."""
    is_stated = bool(rest) and rest[0].lower() in BE
    words = rest[1:]
    while words and words[0].lower() in _SEEN:
        words = words[1:]
    place = " ".join(words)
    if not is_stated or not place or _IN_WHOLE_IMAGE.fullmatch(place):
        return IN_THE_IMAGE
    first = words[0].lower()
    tells = first in PREPOSITIONS or is_participle(first) or (first in STATES and len(words) > 1)
    return place if tells else IN_THE_IMAGE
