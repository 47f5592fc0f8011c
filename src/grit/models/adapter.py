"""The interface to vision-language models of all families.

An adapter wraps a stock transformers model with its processor. It implements what differs between
families: encoding a prompt and its image, the coordinate space of boxes, position ids, and the
tokens that must never be sampled. All other code works with token ids and tensors.

Shapes: B rows, P prompt tokens, L tokens of a row, R position rows (3 for M-RoPE, else 1), H hidden
size, F features of an image token (H, or a multiple where images also enter later layers), V
vocabulary, T image tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad

from grit.grounding.box_lists import BoxStyle
from grit.grounding.boxes import Space
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.features import FeatureCache
from grit.models.row_text import Piece, RowText, with_other_text
from grit.models.settings import PromptForm
from grit.models.shared_rows import SharedRows, mask_arguments
from grit.models.templates import OPENED_THINK, by_template

SLOT = "\ue000"  # replaces a row's text while a chat template is rendered around it


class Adapter(ABC):
    """A transformers vision-language model and its processor.

    ``model`` is the plain model, or a PEFT model around it.
    """

    example_style: BoxStyle  # how this family writes boxes, in examples and in taught traces
    position_rows: int
    image_settings: tuple[str, ...]  # of model.image, which the family's image processor goes by

    def __init__(self, model: Any, processor: Any) -> None:
        self.model: Any = model  # a PreTrainedModel, or a PeftModel around one
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.row_text = RowText(self.tokenizer)
        self.prompt_form: PromptForm = "processor"
        self.feature_cache: FeatureCache | None = None  # only for a frozen vision tower

    # --- the model's parts

    @property
    def plain(self) -> Any:
        """The transformers model without PEFT's wrapper (LoRA layers stay in it)."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def device(self) -> torch.device:
        """The device of the language model's weights."""
        return self.plain.lm_head.weight.device

    @property
    def head_weight(self) -> Tensor | None:
        """``lm_head``'s weight [V, H]; None if it also has a bias or LoRA."""
        head = self.plain.lm_head
        return head.weight if type(head) is nn.Linear and head.bias is None else None

    @property
    @abstractmethod
    def vision_modules(self) -> list[nn.Module]:
        """The vision tower and its projector: what ``freeze_vision`` freezes."""

    def without_lora(self) -> AbstractContextManager[None]:
        """A context with LoRA disabled; without LoRA nothing changes."""
        has_lora = hasattr(self.model, "disable_adapter")
        return self.model.disable_adapter() if has_lora else nullcontext()

    # --- tokens

    @cached_property
    @abstractmethod
    def placeholder_ids(self) -> frozenset[int]:
        """Tokens that stand for images or videos: a sampled one would break the next forward."""

    @cached_property
    def forbidden_ids(self) -> Tensor:
        """Ids that must never be sampled: placeholders, and padding rows of the head.

        Ids without a row in the head, such as InternVL3's ``<video>``, are not among them.
        """
        rows = set(range(self.plain.lm_head.weight.shape[0]))
        padding = rows - set(self.tokenizer.get_vocab().values())
        return torch.tensor(sorted(self.placeholder_ids & rows | padding), dtype=torch.long)

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a completion: those of the generation config, and the padding token.

        ``<|endoftext|>`` pads in both families. It is an end token in Qwen2.5-VL's generation
        config but not in InternVL3's; in the released code it ends a completion of either.
        """
        configured = self.plain.generation_config.eos_token_id
        ids = configured if isinstance(configured, list) else [configured]
        ids = [*ids, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id]
        return frozenset(i for i in ids if i is not None)

    @property
    def pad_id(self) -> int:
        """The padding token, or any end token if there is none."""
        pad = self.tokenizer.pad_token_id
        return pad if pad is not None else min(self.end_ids)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of a completion, without end and other special tokens."""
        return self.tokenizer.decode(list(token_ids), skip_special_tokens=True)

    # --- prompts

    def encode(
        self, prompt_id: str, text: str, image: Image.Image, *, picture: str, literal: str = ""
    ) -> EncodedPrompt:
        """Encode a user turn of an image and ``text``, up to where the model's turn begins.

        Args:
            prompt_id: of the prompt.
            text: of the user's turn.
            image: precedes the text.
            picture: key of the image's content; images with equal keys share their features.
            literal: a part of ``text``, such as a row's question, in which control tokens are
                encoded as plain characters.
        """
        has_control = self.row_text.has_control_tokens(literal)
        shown = text.replace(literal, "") if has_control else text
        features = self.processor(
            images=[image],
            text=[self.rendered(shown)],
            return_tensors="pt",
            verbose=False,  # no warnings of long prompts: their limit is checked elsewhere
        )
        if has_control:
            self._replace_text(features, self._text_ids(text, literal))
        return EncodedPrompt(
            id=prompt_id,
            picture=picture,
            input_ids=features["input_ids"][0],
            positions=self._positions(features),
            vision=self._vision_inputs(features),
            space=self._space(features, image),
            image=image,
        )

    def _text_ids(self, text: str, literal: str) -> list[int]:
        """The token ids of a user turn with a single placeholder for its image."""
        if not self.row_text.has_control_tokens(literal):
            shown = self.rendered(text)
            return self.tokenizer(shown, add_special_tokens=False, verbose=False)["input_ids"]
        # The text before it has no control token, so its first occurrence is the right one.
        before, _, after = text.partition(literal)
        head, slot, tail = self.rendered(before + SLOT + after).partition(SLOT)
        assert slot, "the template leaves the user's text out"
        return self.row_text.ids([Piece(head, False), Piece(literal, True), Piece(tail, False)])

    def _replace_text(self, features: Any, text_ids: list[int]) -> None:
        """Replace the text of a processor's output and keep its image."""
        shown = features["input_ids"][0].tolist()
        ids = torch.tensor([with_other_text(shown, text_ids, self.placeholder_ids)])
        features["input_ids"] = ids
        if "mm_token_type_ids" in features:
            types = features["mm_token_type_ids"].dtype
            features["mm_token_type_ids"] = (ids == self.image_id).to(types)

    def with_one_placeholder(self, input_ids: Sequence[int]) -> list[int]:
        """The token ids of a prompt as before its image was expanded to its tokens."""
        image = self._text_ids("", "")
        return with_other_text(image, input_ids, self.placeholder_ids)

    def rendered(self, text: str) -> str:
        """The prompt as text, with a single placeholder for the image."""
        return self.released(text) if self.prompt_form == "released" else self.templated(text)

    def prompt_tokens(self, text: str, width: int, height: int, literal: str = "") -> int:
        """The number of tokens that ``encode`` gives for an image of this size in pixels."""
        return len(self._text_ids(text, literal)) - 1 + self.image_tokens(width, height)

    def image_tokens(self, width: int, height: int) -> int:
        """Number of tokens for an image of this size in pixels, with those around it."""
        counts = self.processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
        return counts["num_image_tokens"][0]

    def templated(self, text: str) -> str:
        """The prompt by the processor's chat template, with the image before the text.

        A ``<think>`` that the template of a thinking model opens is left to the model, which GRIT's
        suffix asks for it: rewards and metrics read completions alone.
        """
        return OPENED_THINK.sub("", by_template(self.processor, text))

    def released(self, text: str) -> str:
        """The prompt as in GRIT's released code: by the template, unless a family overrides it."""
        return self.templated(text)

    @abstractmethod
    def _positions(self, features: Any) -> Tensor:
        """Position ids [R, P] of a prompt."""

    @abstractmethod
    def _vision_inputs(self, features: Any) -> dict[str, Tensor]:
        """Inputs of the vision tower."""

    @abstractmethod
    def _space(self, features: Any, image: Image.Image) -> Space:
        """The coordinate space of the boxes that the model writes about this image."""

    # --- forward passes

    def image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image features [T, F] of each prompt, from the vision tower and its projector.

        With a ``feature_cache``, those of known pictures are not computed again.
        """
        if self.feature_cache is None:
            return self._image_features(prompts)
        return self.feature_cache.get(
            [prompt.picture for prompt in prompts],
            lambda missing: self._image_features([prompts[i] for i in missing]),
        )

    @abstractmethod
    def _image_features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        """The image features [T, F] of each prompt, in one pass of the vision tower."""

    def features_in(self, outputs: Any) -> list[Tensor]:
        """The features [T, F] of each image in the outputs of ``get_image_features``."""
        return list(outputs.pooler_output)

    def embed(self, input_ids: Tensor, features: Sequence[Tensor]) -> Tensor:
        """Token embeddings [B, L, F], with ``features`` in place of the image tokens, in order.

        Where F exceeds H, the embeddings of text end in zeros. Without features F is H.

        Raises:
            ValueError: the numbers of placeholders and features differ.
        """
        embeddings = self.plain.get_input_embeddings()(input_ids)
        if not features:
            return embeddings
        images = torch.cat(list(features)).to(embeddings)
        embeddings = pad(embeddings, (0, images.shape[-1] - embeddings.shape[-1]))
        is_image = input_ids == self.image_id
        if int(is_image.sum()) != len(images):
            raise ValueError(f"{int(is_image.sum())} image tokens for {len(images)} image features")
        return embeddings.masked_scatter(is_image.unsqueeze(-1), images)

    @abstractmethod
    def on_picture(self, prompt: EncodedPrompt, values: Tensor) -> Tensor:
        """Values [T] of the image tokens as a map [rows, columns] over the whole picture.

        A token's value is divided among the cells that it covers, so the sum is preserved.
        """

    @property
    @abstractmethod
    def image_id(self) -> int:
        """The placeholder token of an image feature."""

    def hidden_states(
        self, embeddings: Tensor, mask: Tensor | SharedRows, positions: Tensor, cache: Any = None
    ) -> Tensor:
        """The language model's last hidden states [B, L, H]; for the arguments see below."""
        inputs = self.language_inputs(embeddings, mask, positions, cache)
        return self.plain.model.language_model(**inputs).last_hidden_state

    def language_inputs(
        self, embeddings: Tensor, mask: Tensor | SharedRows, positions: Tensor, cache: Any = None
    ) -> dict[str, Any]:
        """The arguments of the transformers language model.

        Args:
            embeddings: [B, L, F], from ``embed``.
            mask: [B, past + L] of 0 and 1; or [B, 1, L, past + L], true where a token attends to
                another; or the prompts and completions of shared rows.
            positions: [R, B, L].
            cache: a transformers cache that is read and extended, or None.
        """
        return {
            "inputs_embeds": embeddings,
            **mask_arguments(self.plain.model.language_model, mask, embeddings),
            "position_ids": positions if self.position_rows > 1 else positions[0],
            "past_key_values": cache,
            "use_cache": cache is not None,
        }

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token logits [..., V] of hidden states [..., H]."""
        return self.plain.lm_head(hidden)
