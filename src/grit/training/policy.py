"""The policy and its frozen reference model."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.training.groups import Group, RowBatch, lay_out
from grit.training.logprobs import TokenScores, token_logp, token_scores

# From log-probabilities [M] of completion tokens and the index [M] of each token's completion.
PolicyLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(eq=False)
class Policy:
    """Scores the completions of groups with an adapter's model, in one forward pass per call."""

    adapter: Adapter
    share_prompt: bool
    temperature: float
    tokens_per_chunk: int

    def scores(
        self, groups: Sequence[Group], loss: PolicyLoss | None = None
    ) -> tuple[TokenScores, Tensor]:
        """Scores of all completion tokens [M], and the index [M] of each token's completion.

        Args:
            groups: prompts and their completions.
            loss: the loss that will be computed from the scores, if its gradient with respect to a
                token's log-probability depends on no other token's: a cheaper backward pass.
        """
        batch = self._rows(groups)
        owner = batch.owner.to(self.adapter.device)
        scores = token_scores(
            self.adapter,
            batch,
            self._features([group.prompt for group in groups]),
            loss=None if loss is None else lambda logp: loss(logp, owner),
            **self._chunks,
        )
        return scores, owner

    @torch.no_grad()
    def logp(self, groups: Sequence[Group]) -> Tensor:
        """The log-probabilities [M] of ``scores`` alone, without gradient."""
        features = self._features([group.prompt for group in groups])
        return token_logp(self.adapter, self._rows(groups), features, **self._chunks)

    def _rows(self, groups: Sequence[Group]) -> RowBatch:
        return lay_out(self.adapter, groups, share_prompt=self.share_prompt)

    @property
    def _chunks(self) -> dict[str, Any]:
        return {"temperature": self.temperature, "tokens_per_chunk": self.tokens_per_chunk}

    def _features(self, prompts: Sequence[EncodedPrompt]) -> list[Tensor]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._vision_learns):
            return self.adapter.image_features(prompts)

    @property
    def _vision_learns(self) -> bool:
        modules = self.adapter.vision_modules
        return any(p.requires_grad for module in modules for p in module.parameters())


class Reference:
    """pi_ref: the model before training, without gradients.

    With LoRA it is the base model with adapters disabled; otherwise a copy that shares the frozen
    weights.
    """

    def __init__(self, policy: Policy) -> None:
        self.uses_lora = hasattr(policy.adapter.model, "disable_adapter")
        adapter = policy.adapter
        if not self.uses_lora:
            adapter = copy.copy(adapter)
            adapter.model = _frozen_copy(policy.adapter.model)
        self.policy = replace(policy, adapter=adapter)

    def to(self, device: torch.device) -> None:
        """Move the model to ``device``; with LoRA it is the policy's."""
        self.policy.adapter.model.to(device)

    @torch.no_grad()
    def logp(self, groups: Sequence[Group]) -> Tensor:
        """Log-probabilities [M] of all completion tokens."""
        with self.policy.adapter.without_lora():
            return self.policy.logp(groups)


def _frozen_copy(model: nn.Module) -> nn.Module:
    shared = {id(p): p for p in model.parameters() if not p.requires_grad}
    return copy.deepcopy(model, shared).requires_grad_(False).eval()
