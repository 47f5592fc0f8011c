"""Packing several turns (question and answer) about one image into a row with the image once.

A turn attends to the image and to itself, and its positions continue from those of the image, so
that it has the same log-probabilities as in a chat prompt of its own.

Capital letters in shape comments: B rows, L tokens of a row, K tokens that carry loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from grit.models.adapter import Adapter
from grit.models.shared_rows import SharedRows
from grit.models.tiny_families import IMAGE_TOKENS, SCENE
from grit.pretraining.pointing import Mark


@dataclass(frozen=True)
class Turn:
    """A question about an image, its target completion, and their weights in the loss."""

    kind: str  # accuracies are logged by kind
    prompt: str  # the user's text, made by grit.grounding.prompts
    completion: str  # the end-of-turn token is added
    weight: float = 1.0  # of the whole turn, against other turns
    digits: float = 1.0  # weight of a digit of the completion, against its other tokens
    marks: tuple[Mark, ...] = ()  # whose `end` is an index into the prompt


@dataclass(frozen=True)
class Packed:
    """A batch of rows as inputs and targets of the language model."""

    ids: Tensor  # [B, L]
    positions: Tensor  # [R, B, L]
    mask: SharedRows  # a turn attends to the image and itself
    where: Tensor  # [K] flat indices into B * L of the tokens that predict
    labels: Tensor  # [K] the tokens to be predicted
    weights: Tensor  # [K]
    turns: Tensor  # [K] the turn (counted over the batch) that a label belongs to
    kinds: tuple[str, ...]  # of each turn
    marked: Tensor  # [M] flat indices of the tokens that end a description
    meant: Tensor  # [M, 5] the targets of the marks


class Packer:
    """Packs turns with the template and the position ids of a model family.

    Args:
        adapter: of the model.
        length_power: a completion of n tokens has a weight proportional to n ** (1 - length_power).
    """

    def __init__(self, adapter: Adapter, length_power: float) -> None:
        self.tokenizer = adapter.tokenizer
        self.length_power = length_power
        tokens = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        self.is_digit = torch.tensor([token.isdecimal() for token in tokens])
        text = adapter.templated("QUESTION")
        blank = Image.new("RGB", (SCENE, SCENE))
        prompt = adapter.encode("", "QUESTION", blank, picture="")
        end = int((prompt.input_ids == adapter.image_id).nonzero()[0]) + IMAGE_TOKENS
        self.prefix = prompt.input_ids[: end + 1].tolist()  # with the token behind the image's
        close = self.tokenizer.convert_ids_to_tokens(int(prompt.input_ids[end]))
        if close not in text:  # InternVL's processor adds it
            close = self.tokenizer.convert_ids_to_tokens(adapter.image_id)
        self.before, self.after = text.split(close, 1)[1].split("QUESTION")
        self.positions = prompt.positions[:, : end + 1]

    def pack(self, rows: Sequence[Sequence[Turn]]) -> Packed:
        """Pack the turns of each image into a row; rows are padded to the longest."""
        turns = [turn for row in rows for turn in row]
        prompts, token_at, completions = self._tokens(turns)
        lengths = [len(p) + len(c) for p, c in zip(prompts, completions, strict=True)]
        row_of = [b for b, row in enumerate(rows) for _ in row]  # of each turn
        prefix, starts = len(self.prefix), []
        ends = [prefix] * len(rows)
        for b, length in zip(row_of, lengths, strict=True):
            starts.append(ends[b])
            ends[b] += length
        longest = max(ends)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id)
        ids[:, :prefix] = torch.tensor(self.prefix)
        after = int(self.positions.max()) + 1
        positions = torch.full((self.positions.shape[0], len(rows), longest), after)
        positions[:, :, :prefix] = self.positions[:, None]
        where, labels, weights, owner = [], [], [], []
        marked: list[int] = []
        for n, (turn, b, first) in enumerate(zip(turns, row_of, starts, strict=True)):
            last, count = first + lengths[n], len(completions[n])
            ids[b, first:last] = torch.tensor(prompts[n] + completions[n])
            positions[:, b, first:last] = torch.arange(after, after + lengths[n])
            where.append(torch.arange(last - count - 1, last - 1) + b * longest)
            labels.append(torch.tensor(completions[n]))
            token_weights = torch.where(self.is_digit[labels[-1]], turn.digits, 1.0)
            weights.append(token_weights * (turn.weight / count**self.length_power))
            owner.append(torch.full((count,), n))
            marked += [b * longest + first + token_at[n][mark.end] for mark in turn.marks]
        in_row = [
            tuple(length for length, b in zip(lengths, row_of, strict=True) if b == row)
            for row in range(len(rows))
        ]
        return Packed(
            ids=ids,
            positions=positions,
            mask=SharedRows((prefix,) * len(rows), tuple(in_row), ids.device),
            where=torch.cat(where),
            labels=torch.cat(labels),
            weights=torch.cat(weights),
            turns=torch.cat(owner),
            kinds=tuple(turn.kind for turn in turns),
            marked=torch.tensor(marked, dtype=torch.long),
            meant=torch.tensor([m.targets for turn in turns for m in turn.marks]).reshape(-1, 5),
        )

    def _tokens(
        self, turns: Sequence[Turn]
    ) -> tuple[list[list[int]], list[dict[int, int]], list[list[int]]]:
        """The token ids of each prompt, which of them ends at a character, and the completion's."""
        encoded = self.tokenizer(
            [self.before + turn.prompt + self.after for turn in turns],
            add_special_tokens=False,
            return_offsets_mapping=True,
        )
        shift = len(self.before)
        token_at = [
            {end - shift: i for i, (_, end) in enumerate(offsets)}
            for offsets in encoded["offset_mapping"]
        ]
        completions = self.tokenizer(
            [turn.completion + self.tokenizer.eos_token for turn in turns],
            add_special_tokens=False,
        )
        return encoded["input_ids"], token_at, completions["input_ids"]


def answer_logits(
    adapter: Adapter, packed: Packed, features: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Logits of the tokens that carry loss, [K, V], and all hidden states, [B, L, width] each.

    ``features`` [B, 36, F] are those of the images.
    """
    embedded = adapter.embed(packed.ids, list(features))
    inputs = adapter.language_inputs(embedded, packed.mask, packed.positions)
    outputs = adapter.plain.model.language_model(**inputs, output_hidden_states=True)
    return adapter.logits(outputs[0].flatten(0, 1)[packed.where]), outputs.hidden_states
