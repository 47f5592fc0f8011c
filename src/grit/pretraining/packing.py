"""Several question-answer turns about one image in one row: the image is read once.

Every turn sees the image and itself, and its positions continue from the image as if it stood
alone, so a packed turn has the same log-probabilities as the chat prompt that the suite sends.

Capital letters in shape comments: B rows, L tokens of a row, K tokens that carry loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedModel, ProcessorMixin

from grit.models.shared_rows import SHARED, SharedRows
from grit.models.tiny import IMAGE_TOKENS, SCENE
from grit.pretraining.pointing import Mark


@dataclass(frozen=True)
class Turn:
    """What is asked about an image, what is to be said, and how much it matters."""

    kind: str  # figures are kept by kind
    prompt: str  # the user's text, made by grit.grounding.prompts
    completion: str
    weight: float = 1.0  # of the whole turn, against other turns
    digits: float = 1.0  # of a digit of the completion, against its other tokens
    final: bool = True  # the completion ends with the end-of-turn token
    marks: tuple[Mark, ...] = ()  # ends are counted in the prompt


@dataclass(frozen=True)
class Packed:
    """A batch of rows, ready for the language model."""

    ids: Tensor  # [B, L]
    positions: Tensor  # [3, B, L] for Qwen, [B, L] for InternVL
    mask: SharedRows  # a turn sees the image and itself
    where: Tensor  # [K] flat indices into B * L of the tokens that predict
    labels: Tensor  # [K] what they are to predict
    weights: Tensor  # [K]
    turns: Tensor  # [K] the turn (counted over the batch) that a label belongs to
    kinds: tuple[str, ...]  # of each turn
    marked: Tensor  # [M] flat indices of the tokens that end a description
    meant: Tensor  # [M, 5] the marks' targets


class Packer:
    """Packs turns for one model family; its template and positions come from the processor."""

    def __init__(self, model: PreTrainedModel, processor: ProcessorMixin, length_power: float):
        self.tokenizer = processor.tokenizer
        self.length_power = length_power
        tokens = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        self.is_digit = torch.tensor([token.isdecimal() for token in tokens])
        content = [{"type": "image"}, {"type": "text", "text": "QUESTION"}]
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )
        blank = Image.new("RGB", (SCENE, SCENE))
        encoded = processor(images=[blank], text=[text], return_tensors="pt")
        ids = encoded["input_ids"][0]
        image_id = model.config.image_token_id
        self.start = int((ids == image_id).nonzero()[0])
        end = self.start + IMAGE_TOKENS
        self.prefix = ids[: end + 1].tolist()  # with the mark that closes the image
        close = self.tokenizer.convert_ids_to_tokens(int(ids[end]))
        if close not in text:  # the processor of InternVL adds the closing mark itself
            close = self.tokenizer.convert_ids_to_tokens(int(image_id))
        self.before, self.after = text.split(close, 1)[1].split("QUESTION")
        self.positions = _prefix_positions(model, encoded)[..., : end + 1]

    @property
    def image(self) -> slice:
        """Where the image's tokens stand in every row."""
        return slice(self.start, self.start + IMAGE_TOKENS)

    def pack(self, rows: Sequence[Sequence[Turn]]) -> Packed:
        """Lay out one row per image; rows are padded to the longest."""
        turns = [turn for row in rows for turn in row]
        encoded = self.tokenizer(
            [self.before + turn.prompt + self.after for turn in turns],
            add_special_tokens=False,
            return_offsets_mapping=True,
        )
        asked = encoded["input_ids"]
        ends_at = [{end: i for i, (_, end) in enumerate(o)} for o in encoded["offset_mapping"]]
        ends = [self.tokenizer.eos_token if turn.final else "" for turn in turns]
        said = self.tokenizer(
            [turn.completion + end for turn, end in zip(turns, ends, strict=True)],
            add_special_tokens=False,
        )["input_ids"]
        lengths = [len(a) + len(s) for a, s in zip(asked, said, strict=True)]
        starts, longest, n = [], 0, 0
        marked: list[tuple[int, int]] = []  # row and token in it
        for b, row in enumerate(rows):
            at = len(self.prefix)
            for turn in row:
                starts.append(at)
                offset = len(self.before)
                marked += [(b, at + ends_at[n][mark.end + offset]) for mark in turn.marks]
                at += lengths[n]
                n += 1
            longest = max(longest, at)
        meant = [mark.targets for turn in turns for mark in turn.marks]
        where = torch.tensor([b * longest + at for b, at in marked], dtype=torch.long)
        return replace(
            self._laid_out(rows, asked, said, starts, longest),
            marked=where,
            meant=torch.tensor(meant).reshape(-1, 5),
        )

    def _laid_out(
        self,
        rows: Sequence[Sequence[Turn]],
        asked: list[list[int]],
        said: list[list[int]],
        starts: list[int],
        longest: int,
    ) -> Packed:
        prefix = len(self.prefix)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id)
        ids[:, :prefix] = torch.tensor(self.prefix)
        after = int(self.positions.max()) + 1
        positions = torch.full((self.positions.shape[0], len(rows), longest), after)
        positions[:, :, :prefix] = self.positions[:, None]
        where, labels, weights, owner, n = [], [], [], [], 0
        lengths: list[tuple[int, ...]] = []
        for b, row in enumerate(rows):
            for turn in row:
                tokens, first = asked[n] + said[n], starts[n]
                last = first + len(tokens)
                ids[b, first:last] = torch.tensor(tokens)
                positions[:, b, first:last] = torch.arange(after, after + len(tokens))
                answer, count = first + len(asked[n]), len(said[n])
                where.append(torch.arange(answer - 1, last - 1) + b * longest)
                labels.append(torch.tensor(said[n]))
                each = torch.where(self.is_digit[labels[-1]], turn.digits, 1.0)
                weights.append(each * (turn.weight / count**self.length_power))
                owner.append(torch.full((count,), n))
                n += 1
            lengths.append(tuple(len(asked[i]) + len(said[i]) for i in range(n - len(row), n)))
        return Packed(
            ids=ids,
            positions=positions if len(positions) == 3 else positions[0],
            mask=SharedRows((prefix,) * len(rows), tuple(lengths), ids.device),
            where=torch.cat(where),
            labels=torch.cat(labels),
            weights=torch.cat(weights),
            turns=torch.cat(owner),
            kinds=tuple(turn.kind for row in rows for turn in row),
            marked=torch.empty(0, dtype=torch.long),
            meant=torch.empty(0, 5),
        )


def _prefix_positions(model: PreTrainedModel, encoded: dict[str, Tensor]) -> Tensor:
    """Position ids of a prompt, [3, L] where the family has three axes and [1, L] otherwise."""
    if "image_grid_thw" in encoded:
        positions, _ = model.model.get_rope_index(
            encoded["input_ids"], encoded["mm_token_type_ids"], encoded["image_grid_thw"]
        )
        return positions[:, 0]
    return torch.arange(encoded["input_ids"].shape[1])[None]


def answer_logits(
    model: PreTrainedModel, packed: Packed, features: Tensor, at: slice
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Logits of the tokens that carry loss, [K, V], and all hidden states, [B, L, width] each.

    ``features`` [B, 36, width] are the images'; their tokens stand ``at`` in each row.
    """
    embedded = model.get_input_embeddings()(packed.ids)
    embedded = torch.cat([embedded[:, : at.start], features, embedded[:, at.stop :]], dim=1)
    language_model = model.model.language_model
    if language_model.config._attn_implementation != SHARED:
        language_model.set_attn_implementation(SHARED)
    outputs = language_model(
        inputs_embeds=embedded,
        attention_mask={"full_attention": packed.mask},
        position_ids=packed.positions,
        use_cache=False,
        output_hidden_states=True,
    )
    return model.lm_head(outputs[0].flatten(0, 1)[packed.where]), outputs.hidden_states
