"""Encoding text of rows, in which control tokens are plain characters.

A tokenizer encodes ``<|im_end|>`` as the end of a turn wherever it occurs. In a question or an
answer from a data set it must not have that meaning, so there it is encoded character by character.
Text without control tokens, nearly all of it, is encoded by the tokenizer as usual.

"Control tokens" are all added tokens of the tokenizer, special or not.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

from grit.grounding.box_lists import BOX_TOKENS

OF_TRACES = (  # tags of traces: in a trace they keep their meaning
    *("<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>"),
    *BOX_TOKENS,
)


@dataclass(frozen=True)
class Piece:
    """A part of a text."""

    text: str
    literal: bool  # whether its control tokens are plain characters


class RowText:
    """Encodes text that includes text of rows."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @cached_property
    def _added(self) -> dict[str, int]:
        """The control tokens with their ids."""
        return {text: id_ for text, id_ in self.tokenizer.get_added_vocab().items() if text}

    @cached_property
    def _control(self) -> re.Pattern[str]:
        longest_first = sorted(self._added, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def _plain(self) -> Tokenizer:
        """The tokenizer's pre-tokenizer and merges, without control tokens."""
        backend = self.tokenizer.backend_tokenizer
        plain = Tokenizer(backend.model)
        if backend.normalizer is not None:
            plain.normalizer = backend.normalizer
        if backend.pre_tokenizer is not None:
            plain.pre_tokenizer = backend.pre_tokenizer
        return plain

    def has_control_tokens(self, text: str) -> bool:
        """Whether the tokenizer would encode a part of ``text`` as a control token."""
        return self._control.search(text) is not None

    def ids(self, pieces: Sequence[Piece]) -> list[int]:
        """The token ids of the joined pieces; in literal pieces there are no control tokens.

        Text is split into words as a whole: a word may extend over two pieces.
        """
        ids: list[int] = []
        pending = ""  # text since the last control token
        for piece in pieces:
            start = 0
            for control in () if piece.literal else self._control.finditer(piece.text):
                ids += self._plain_ids(pending + piece.text[start : control.start()])
                ids.append(self._added[control[0]])
                pending, start = "", control.end()
            pending += piece.text[start:]
        return ids + self._plain_ids(pending)

    def trace_ids(self, trace: str) -> list[int]:
        """The token ids of a trace with text of its row: only the tags of traces are tokens."""
        if all(control[0] in OF_TRACES for control in self._control.finditer(trace)):
            return list(self.tokenizer(trace, add_special_tokens=False)["input_ids"])
        parts = re.split(f"({'|'.join(map(re.escape, OF_TRACES))})", trace)
        return self.ids([Piece(text, literal=text not in OF_TRACES) for text in parts])

    def _plain_ids(self, text: str) -> list[int]:
        return self._plain.encode(text, add_special_tokens=False).ids if text else []


def with_other_text(
    encoded: Sequence[int], text_ids: Sequence[int], placeholder_ids: Container[int]
) -> list[int]:
    """The image tokens of ``encoded`` inside the text tokens of ``text_ids``.

    Args:
        encoded: a prompt with its image's tokens.
        text_ids: a prompt with a single placeholder.
        placeholder_ids: tokens of images and those around them; either prompt may have the latter.
    """
    image = [i for i, id_ in enumerate(encoded) if id_ in placeholder_ids]
    slot = [i for i, id_ in enumerate(text_ids) if id_ in placeholder_ids]
    image_ids = encoded[image[0] : image[-1] + 1]
    return [*text_ids[: slot[0]], *image_ids, *text_ids[slot[-1] + 1 :]]
