"""What the suite asks of a vision-language model, whatever its family.

An adapter wraps one stock transformers model with its processor. It owns what differs between
families: how a prompt and its image are encoded, which coordinate space the model speaks, position
ids, and the tokens that must never be sampled. Everything else sees token ids and tensors.

Shapes: B rows, P prompt tokens, L tokens of a row, R position rows (3 for M-RoPE, else 1), H hidden
size, V vocabulary, T image tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor, nn

from grit.grounding.box_lists import BoxStyle
from grit.grounding.boxes import Space
from grit.models.attention_masks import as_attention_mask
from grit.models.features import FeatureCache
from grit.models.row_text import Piece, RowText, with_other_words
from grit.models.shared_rows import SharedRows

PLACE = "\ue000"  # stands for a row's text while a template is written around it
PromptForm = Literal["processor", "released"]
"""Whose words stand around the user's turn: the processor's template, or GRIT's released code."""


@dataclass(frozen=True)
class EncodedPrompt:
    """One prompt with its image, ready for the model; on the CPU."""

    id: str
    picture: str  # identifies the image's content
    input_ids: Tensor  # [P], image placeholders expanded
    positions: Tensor  # [R, P]
    vision: dict[str, Tensor]  # what the vision tower takes
    space: Space  # the coordinate space in which the model sees and speaks of this image

    @property
    def next_position(self) -> int:
        """The position of the first token after the prompt, the same in every position row."""
        return int(self.positions.max()) + 1


class Adapter(ABC):
    """A transformers vision-language model and its processor, seen the same way for every family.

    ``model`` is the plain model, or a PEFT model around it.
    """

    example_style: BoxStyle  # how this family writes boxes, in examples and in taught traces
    position_rows: int

    def __init__(self, model: Any, processor: Any) -> None:
        self.model: Any = model  # a PreTrainedModel, or a PeftModel around one
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.row_text = RowText(self.tokenizer)
        self.prompt_form: PromptForm = "processor"
        self.feature_cache: FeatureCache | None = None  # only for vision that does not learn

    # --- the model's parts

    @property
    def plain(self) -> Any:
        """The transformers model itself, also where PEFT has put its adapters into it."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def device(self) -> torch.device:
        """Where the language model's weights are."""
        return self.plain.lm_head.weight.device

    @property
    def head_weight(self) -> Tensor | None:
        """``lm_head``'s weight [V, H]; None where logits are more than a product with it.

        So it is with a bias, and with LoRA on ``lm_head``.
        """
        head = self.plain.lm_head
        return head.weight if type(head) is nn.Linear and head.bias is None else None

    @property
    @abstractmethod
    def vision_modules(self) -> list[nn.Module]:
        """The vision tower and its projector: what ``freeze_vision`` freezes."""

    def without_lora(self) -> AbstractContextManager[None]:
        """The base model, while the context lasts; the model itself where there is no LoRA."""
        if hasattr(self.model, "disable_adapter"):
            return self._adapter_off()
        return nullcontext()

    @contextmanager
    def _adapter_off(self) -> Iterator[None]:
        with self.model.disable_adapter():
            yield

    # --- tokens

    @property
    @abstractmethod
    def placeholder_ids(self) -> set[int]:
        """Tokens that stand for images or videos: sampling one would break the next forward."""

    @cached_property
    def forbidden_ids(self) -> Tensor:
        """Rows of the head that must never be sampled: placeholders, and rows that pad it.

        A tokenizer may know ids that the head has no row for, as InternVL3's ``<video>``.
        """
        rows = set(range(self.plain.lm_head.weight.shape[0]))
        padding = rows - set(self.tokenizer.get_vocab().values())
        return torch.tensor(sorted(self.placeholder_ids & rows | padding), dtype=torch.long)

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a completion: the configured ones, and the one that pads a text.

        ``<|endoftext|>`` pads in both families. Qwen2.5-VL's settings name it as an end and
        InternVL3's do not; the released code lets it end a completion of either.
        """
        configured = self.plain.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        ids = [*ids, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id]
        return frozenset(i for i in ids if i is not None)

    @property
    def pad_id(self) -> int:
        """An id for positions that nobody reads."""
        pad = self.tokenizer.pad_token_id
        return pad if pad is not None else min(self.end_ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of a completion, without end and other special tokens."""
        return self.tokenizer.decode(list(token_ids), skip_special_tokens=True)

    # --- prompts

    def encode(
        self, prompt_id: str, text: str, image: Image.Image, *, picture: str, of_row: str = ""
    ) -> EncodedPrompt:
        """Encode a user turn of the image followed by ``text``, up to where the model answers.

        Args:
            prompt_id: of the prompt.
            text: of the user's turn.
            image: before it.
            picture: identifies the image's content: images that share it share their features.
            of_row: the part of ``text`` that a row brings along, whose control tokens are text.
        """
        spells = self.row_text.spells_control(of_row)
        shown = text.replace(of_row, "") if spells else text
        features = self.processor(
            images=[image],
            text=[self.rendered(shown)],
            return_tensors="pt",
            verbose=False,  # limits are checked, and said, elsewhere
        )
        if spells:
            self._put_words(features, self._words(text, of_row))
        return EncodedPrompt(
            id=prompt_id,
            picture=picture,
            input_ids=features["input_ids"][0],
            positions=self._positions(features),
            vision=self._vision_inputs(features),
            space=self._space(features, image),
        )

    def _words(self, text: str, of_row: str) -> list[int]:
        """The token ids of a user turn with one placeholder for its image."""
        if not self.row_text.spells_control(of_row):
            shown = self.rendered(text)
            # A text that is too long is what this may be asked about: no word on it.
            return self.tokenizer(shown, add_special_tokens=False, verbose=False)["input_ids"]
        # Nothing before it spells a control token: its first place is the one that it was put in.
        before, _, after = text.partition(of_row)
        head, place, tail = self.rendered(before + PLACE + after).partition(PLACE)
        assert place, "the template leaves the user's text out"
        return self.row_text.ids([Piece(head, False), Piece(of_row, True), Piece(tail, False)])

    def _put_words(self, features: Any, words: list[int]) -> None:
        """Give the features of a prompt other words around the same image."""
        shown = features["input_ids"][0].tolist()
        ids = torch.tensor([with_other_words(shown, words, self.placeholder_ids)])
        features["input_ids"] = ids
        if "mm_token_type_ids" in features:
            types = features["mm_token_type_ids"].dtype
            features["mm_token_type_ids"] = (ids == self.image_id).to(types)

    def rendered(self, text: str) -> str:
        """The prompt as text, with one placeholder for the image."""
        return self.released(text) if self.prompt_form == "released" else self.templated(text)

    def prompt_tokens(self, text: str, width: int, height: int, of_row: str = "") -> int:
        """How many tokens ``encode`` makes of ``text`` and an image of this size in pixels."""
        return len(self._words(text, of_row)) - 1 + self.image_tokens(width, height)

    def image_tokens(self, width: int, height: int) -> int:
        """Tokens that stand for an image of this size in pixels, with those that frame it."""
        found = self.processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
        return found["num_image_tokens"][0]

    def templated(self, text: str) -> str:
        """The user's turn, with an image before its text, by the processor's chat template."""
        content = [{"type": "image"}, {"type": "text", "text": text}]
        turn = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)

    def released(self, text: str) -> str:
        """The same as GRIT's released code writes it: by the template, unless a family differs."""
        return self.templated(text)

    @abstractmethod
    def _positions(self, features: Any) -> Tensor:
        """Position ids [R, P] of a prompt."""

    @abstractmethod
    def _vision_inputs(self, features: Any) -> dict[str, Tensor]:
        """What the vision tower takes."""

    @abstractmethod
    def _space(self, features: Any, image: Image.Image) -> Space:
        """The space the model speaks, for this image."""

    # --- forward passes

    def image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image tokens [T, H] of each prompt, from the vision tower and its projector.

        Where ``feature_cache`` is set, those of pictures seen before are not computed again.
        """
        if self.feature_cache is None:
            return self._image_features(prompts)
        return self.feature_cache.get(
            [prompt.picture for prompt in prompts],
            lambda places: self._image_features([prompts[i] for i in places]),
        )

    @abstractmethod
    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """One pass of the vision tower over all images."""

    def embed(self, input_ids: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Token embeddings [B, L, H] with ``features`` in the places of the image tokens, in order.

        Raises:
            ValueError: the number of placeholders is not the number of features.
        """
        embeddings = self.plain.get_input_embeddings()(input_ids)
        if not features:
            return embeddings
        images = torch.cat(list(features)).to(embeddings)
        holes = input_ids == self.image_id
        if int(holes.sum()) != len(images):
            raise ValueError(f"{int(holes.sum())} image tokens for {len(images)} image features")
        return embeddings.masked_scatter(holes.unsqueeze(-1), images)

    @property
    @abstractmethod
    def image_id(self) -> int:
        """The token that stands for one image feature."""

    def hidden_states(
        self,
        embeddings: Tensor,
        mask: Tensor | SharedRows,
        positions: Tensor,
        cache: Any = None,
    ) -> Tensor:
        """The language model's last hidden states.

        Args:
            embeddings: [B, L, H].
            mask: [B, past + L] of 0 and 1; or [B, 1, L, past + L], true where a token sees another;
                or the prompts and completions of shared rows.
            positions: [R, B, L].
            cache: a transformers cache that is read and extended, or None.

        Returns:
            [B, L, H].
        """
        return self.plain.model.language_model(
            inputs_embeds=embeddings,
            attention_mask=as_attention_mask(self.plain.model.language_model, mask, embeddings),
            position_ids=positions if self.position_rows > 1 else positions[0],
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits [..., V] of hidden states [..., H]."""
        return self.plain.lm_head(hidden)
