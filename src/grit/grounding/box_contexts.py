"""The words that belong to each box of a text."""

from grit.grounding.traces import BOX_PATTERN


def contexts_in(text: str) -> list[str]:
    """The words that belong to each box of a chain.

    Those inside the same braces, as in ``{"bbox_2d": [...], "label": "dog"}``; without braces, what
    stands between the box before and this one, as in ``the dog [...] beside a cat [...]``.
    """
    spans = [match.span() for match in BOX_PATTERN.finditer(text)]
    edges = [(0, 0), *spans, (len(text), len(text))]
    contexts = []
    for (_, before), (start, end), (after, _) in zip(edges, spans, edges[2:], strict=False):
        opening, closing = text.rfind("{", before, start), text.find("}", end, after)
        inside = opening >= 0 and closing >= 0
        contexts.append(text[opening:closing] if inside else text[before:start])
    return contexts
