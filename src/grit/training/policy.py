"""The policy and its frozen reference."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from grit.models.adapter import Adapter
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
        batch, features = self._inputs(groups)
        owner = batch.owner.to(self.adapter.device)
        scores = token_scores(
            self.adapter,
            batch,
            features,
            temperature=self.temperature,
            tokens_per_chunk=self.tokens_per_chunk,
            loss=None if loss is None else lambda logp: loss(logp, owner),
        )
        return scores, owner

    @torch.no_grad()
    def logp(self, groups: Sequence[Group]) -> Tensor:
        """The log-probabilities [M] of ``scores`` alone, without gradient."""
        batch, features = self._inputs(groups)
        return token_logp(
            self.adapter,
            batch,
            features,
            temperature=self.temperature,
            tokens_per_chunk=self.tokens_per_chunk,
        )

    def _inputs(self, groups: Sequence[Group]) -> tuple[RowBatch, list[Tensor]]:
        """The rows, and the image features of their prompts, with gradient if the tower learns."""
        modules = self.adapter.vision_modules
        learns = any(p.requires_grad for module in modules for p in module.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
            features = self.adapter.image_features([group.prompt for group in groups])
        return lay_out(self.adapter, groups, share_prompt=self.share_prompt), features


def reference_of(policy: Policy) -> Policy:
    """pi_ref: the model before training, which is asked within its ``adapter.without_lora``.

    With LoRA it is the base model with adapters disabled; otherwise a copy without gradients that
    shares the frozen weights.
    """
    adapter = policy.adapter
    if not hasattr(adapter.model, "disable_adapter"):
        adapter = copy.copy(adapter)
        adapter.model = _frozen_copy(adapter.model)
    return replace(policy, adapter=adapter)


def _frozen_copy(model: nn.Module) -> nn.Module:
    shared = {id(p): p for p in model.parameters() if not p.requires_grad}
    return copy.deepcopy(model, shared).requires_grad_(False).eval()
