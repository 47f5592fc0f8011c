"""Text of rows as a model reads it: words, whatever they spell.

A tokenizer takes ``<|im_end|>`` for the end of a turn wherever it stands. In a question or an
answer it is text: there it is encoded as any other characters are. Text without a control token,
which nearly all is, goes the tokenizer's own way and costs nothing.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

OF_TRACES = (  # what traces are written with: in a trace these stay the tokens that they are
    *("<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>"),
    *("<ref>", "</ref>", "<box>", "</box>"),
)


@dataclass(frozen=True)
class Piece:
    """A part of a text that is encoded as a whole."""

    text: str
    of_row: bool  # whether its control tokens are only characters


class RowText:
    """Encodes text of which rows are a part."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @cached_property
    def _added(self) -> dict[str, int]:
        """The tokens that are found before any text is split into words, with their ids."""
        return {text: id_ for text, id_ in self.tokenizer.get_added_vocab().items() if text}

    @cached_property
    def _control(self) -> re.Pattern[str]:
        longest_first = sorted(self._added, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def _plain(self) -> Tokenizer:
        """The same splitting into words and the same merges, and no token but those of words."""
        whole = self.tokenizer.backend_tokenizer
        plain = Tokenizer(whole.model)
        if whole.normalizer is not None:
            plain.normalizer = whole.normalizer
        if whole.pre_tokenizer is not None:
            plain.pre_tokenizer = whole.pre_tokenizer
        return plain

    def spells_control(self, text: str) -> bool:
        """Whether the tokenizer would take a part of ``text`` for a control token."""
        return self._control.search(text) is not None

    def ids(self, pieces: Sequence[Piece]) -> list[int]:
        """The token ids of the joined pieces, of which those of rows are words alone.

        Words are split as in the whole text: a piece's end is no end of a word.
        """
        ids: list[int] = []
        words = ""
        for piece in pieces:
            at = 0
            for control in () if piece.of_row else self._control.finditer(piece.text):
                ids += self._of_words(words + piece.text[at : control.start()])
                ids.append(self._added[control[0]])
                words, at = "", control.end()
            words += piece.text[at:]
        return ids + self._of_words(words)

    def trace_ids(self, trace: str) -> list[int]:
        """The token ids of a trace that quotes its row: its tags are tokens, all else is words."""
        if all(control[0] in OF_TRACES for control in self._control.finditer(trace)):
            return list(self.tokenizer(trace, add_special_tokens=False)["input_ids"])
        tags = re.split(f"({'|'.join(map(re.escape, OF_TRACES))})", trace)
        return self.ids([Piece(text, of_row=text not in OF_TRACES) for text in tags])

    def _of_words(self, text: str) -> list[int]:
        return self._plain.encode(text, add_special_tokens=False).ids if text else []


def with_other_words(
    shown: Sequence[int], words: Sequence[int], of_images: Container[int]
) -> list[int]:
    """The tokens of a prompt's image among other words than those that it was encoded with.

    Args:
        shown: a prompt whose placeholder has become as many tokens as its image takes.
        words: another with the placeholder.
        of_images: what stands for images, and what begins and ends one; both may have the latter.
    """
    image, place = ([i for i, id_ in enumerate(ids) if id_ in of_images] for ids in (shown, words))
    return [*words[: place[0]], *shown[image[0] : image[-1] + 1], *words[place[-1] + 1 :]]
