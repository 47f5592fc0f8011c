"""What words describe of a drawn scene: "the red circle" -> things that are red and circles."""

import re
from collections.abc import Sequence

from grit.data.shapes.questions import Term
from grit.data.shapes.things import COLORS, SHAPES, plural

_NOUNS: dict[str, str | None] = dict.fromkeys(("thing", "things", "object", "objects"))
_NOUNS |= {word: shape for shape in SHAPES for word in (shape, plural(shape))}


def described(contexts: Sequence[str]) -> list[Term | None]:
    """What the words around each box describe; a box without a description of its own has the last.

    ``circles: [...], [...]`` describes two circles. None where nothing was described yet.
    """
    terms: list[Term | None] = []
    for context in contexts:
        terms.append(term_in(context) or (terms[-1] if terms else None))
    return terms


def term_in(text: str) -> Term | None:
    """The last description in a text: "is the red circle left of a blue thing" -> blue thing."""
    words = re.findall(r"[a-z]+", text.lower())
    for at in reversed(range(len(words))):
        if words[at] in _NOUNS:
            color = words[at - 1] if at and words[at - 1] in COLORS else None
            return Term(_NOUNS[words[at]], color)
        if words[at] in COLORS:
            return Term(None, words[at])
    return None
