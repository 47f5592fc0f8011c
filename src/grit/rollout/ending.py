"""Where a completion ends: at an end token, or once ``</answer>`` is written."""

from collections.abc import Sequence
from functools import cached_property

from grit.models.adapter import Adapter
from grit.rollout.engine import STOP


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
