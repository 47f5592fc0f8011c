"""The interface to engines: whatever completes prompts with a model's present weights.

A completion ends at an end token, or once ``</answer>`` is written.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.rollout.settings import Sampling

STOP = "</answer>"

Weights = Callable[[], Mapping[str, Tensor]]
"""Gathers the trained weights, whole on rank 0, by their names in the model's ``state_dict``."""

Watch = Callable[[int, int, Sequence[int], bool], None]
"""Called with the index of a prompt, the number of its completion, all token ids of the completion
so far, and whether it has ended: for each new token, or once by an engine that does not stream."""


@dataclass(frozen=True)
class Completion:
    """One completion of a prompt."""

    token_ids: tuple[int, ...]  # as sampled, including the token that ended it
    text: str
    truncated: bool  # stopped by max_new_tokens
    logps: tuple[float, ...] | None = None  # the engine's, of each token; None: not computed


class Ending:
    """Says of a completion's token ids whether the last of them has ended it."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def __call__(self, token_ids: Sequence[int]) -> bool:
        """Whether the last of these tokens ends the completion; no earlier one did."""
        if token_ids[-1] in self.adapter.end_ids:
            return True
        if token_ids[-1] not in self._may_close:
            return False
        # The tag spans at most as many tokens as it has characters, and may end inside the last.
        return STOP in self.adapter.decode(token_ids[-len(STOP) :])

    @cached_property
    def _may_close(self) -> frozenset[int]:
        """Ids of tokens that contain ``>``: only these can complete ``</answer>``."""
        vocabulary = self.adapter.tokenizer.get_vocab()
        return frozenset(token for text, token in vocabulary.items() if ">" in text)


class Engine(ABC):
    """Completes prompts. Used as a context, it is closed at the end."""

    samples_from_model = False
    """Whether it computes with the adapter's model itself, which a sharded layout gathers first."""
    prompts_at_a_time = 64
    """How many prompts an evaluation gives to it in one call; results do not depend on it."""

    @abstractmethod
    def sample(
        self,
        prompts: Sequence[EncodedPrompt],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        watch: Watch | None = None,
    ) -> list[list[Completion]]:
        """Complete each prompt once per seed.

        Args:
            prompts: G encoded prompts.
            seeds: N seeds for each prompt; the same prompt and seed give the same completion in
                any batch. Greedy sampling ignores their values.
            sampling: temperature and limits.
            watch: sees completions as they come; what it raises ends the sampling.

        Returns:
            For each prompt, a completion for each of its seeds.
        """

    @abstractmethod
    def update(self, version: int, weights: Weights) -> None:
        """Complete with these weights from now on; every rank has to call it.

        Args:
            version: of the weights, the number of finished training steps; with the version that
                the engine has, nothing is done.
            weights: gathers them, on every rank; called only by an engine that has a copy.
        """

    @abstractmethod
    def close(self) -> None:
        """End what the engine has started."""

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
