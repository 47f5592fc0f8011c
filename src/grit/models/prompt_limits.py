"""The lengths of prompts and their limit, from questions and image sizes; no image is loaded."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting

_TOKENS_PER_BYTE = 3  # at most: a byte may be a token, and NFC may make three bytes of one


class PromptLengths:
    """Numbers of tokens of the prompts of samples."""

    def __init__(self, adapter: Adapter, prompting: Prompting) -> None:
        self.adapter, self.prompting = adapter, prompting
        self._image_tokens = cache(adapter.image_tokens)
        self._template_tokens = adapter.prompt_tokens(prompting.text("", adapter), 1000, 1000)
        self._template_tokens -= self._image_tokens(1000, 1000)

    def of(self, sample: Sample) -> int:
        """The number of tokens of the prompt, image included."""
        text = self.prompting.text(sample.question, self.adapter)
        return self.adapter.prompt_tokens(text, *_size(sample), literal=sample.question)

    def of_picture(self, sample: Sample) -> int:
        """The number of tokens of its image."""
        return self._image_tokens(*_size(sample))

    def at_most(self, sample: Sample) -> int:
        """An upper bound of ``of`` that does not need the tokenizer."""
        text_tokens = _TOKENS_PER_BYTE * len(sample.question.encode("utf-8", "replace"))
        return self._template_tokens + self.of_picture(sample) + text_tokens


@dataclass(frozen=True)
class PromptLimit:
    """The largest number of tokens of a prompt, and the reason for messages."""

    tokens: int
    reason: str

    @classmethod
    def of(
        cls, adapter: Adapter, *, max_prompt_tokens: int | None, max_new_tokens: int, setting: str
    ) -> "PromptLimit":
        """The smaller of the setting and the model's positions less those of a completion.

        Args:
            adapter: of the model.
            max_prompt_tokens: ``data.max_prompt_tokens``.
            max_new_tokens: of a completion.
            setting: the name of ``max_new_tokens``, for messages.

        Raises:
            GritError: ``max_new_tokens`` alone exceeds the model's positions.
        """
        positions = adapter.plain.config.get_text_config().max_position_embeddings
        left = positions - max_new_tokens
        if left <= 0:
            raise GritError(
                f"{setting}={max_new_tokens}: this model has {positions} positions for a prompt "
                "and its completion together: lower it"
            )
        if max_prompt_tokens is not None and max_prompt_tokens <= left:
            return cls(max_prompt_tokens, "data.max_prompt_tokens")
        return cls(left, f"{positions} positions of the model less {setting}={max_new_tokens}")

    def check(self, samples: Iterable[Sample], lengths: PromptLengths) -> None:
        """Raise GritError for the first sample whose prompt is longer."""
        for sample in samples:
            if lengths.at_most(sample) <= self.tokens:
                continue
            tokens = lengths.of(sample)
            if tokens > self.tokens:
                where = sample.where or sample.id
                seen = lengths.of_picture(sample)
                raise GritError(
                    f"{where}: its prompt has {tokens} tokens, {seen} of them the picture's, and "
                    f"at most {self.tokens} are allowed ({self.reason}): shorten the question, "
                    "make the picture smaller (model.image does) or leave the row out"
                )


def _size(sample: Sample) -> tuple[int, int]:
    return int(sample.space.width), int(sample.space.height)
