"""Whether prompts fit: counted from questions and image sizes, without a model or a picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting

_TOKENS_OF_A_BYTE = 3  # at most: a byte is a token at worst, and NFC may make three of one


class PromptLengths:
    """Counts the tokens of samples' prompts."""

    def __init__(self, adapter: Adapter, prompting: Prompting) -> None:
        self.adapter, self.prompting = adapter, prompting
        self._image_tokens = cache(adapter.image_tokens)
        self._frame = adapter.prompt_tokens(prompting.text("", adapter), 1000, 1000)
        self._frame -= self._image_tokens(1000, 1000)

    def of(self, sample: Sample) -> int:
        """Tokens of the prompt."""
        text = self.prompting.text(sample.question, self.adapter)
        return self.adapter.prompt_tokens(text, *_size(sample), of_row=sample.question)

    def at_most(self, sample: Sample) -> int:
        """A bound that costs nothing: most questions are short."""
        words = _TOKENS_OF_A_BYTE * len(sample.question.encode("utf-8", "replace"))
        return self._frame + self._image_tokens(*_size(sample)) + words


@dataclass(frozen=True)
class PromptLimit:
    """How long prompts may be, and why."""

    tokens: int
    reason: str

    @classmethod
    def of(
        cls, adapter: Adapter, *, max_prompt_tokens: int | None, max_new_tokens: int, setting: str
    ) -> "PromptLimit":
        """The tighter of the setting and of what the model's positions leave.

        Args:
            adapter: of the model.
            max_prompt_tokens: ``data.max_prompt_tokens``.
            max_new_tokens: that follow a prompt.
            setting: the name of ``max_new_tokens``, for messages.

        Raises:
            GritError: completions alone need more positions than the model has.
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
            found = lengths.of(sample)
            if found > self.tokens:
                where = sample.where or sample.id
                raise GritError(
                    f"{where}: its prompt has {found} tokens, and at most {self.tokens} are "
                    f"allowed ({self.reason}): shorten the question or leave the row out"
                )


def _size(sample: Sample) -> tuple[int, int]:
    return int(sample.space.width), int(sample.space.height)
