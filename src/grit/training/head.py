"""``lm_head`` on completion tokens, chunk by chunk: logits are made once and kept nowhere.

With a vocabulary of 151,936 the logits of a thousand tokens are 0.6 GB in fp32; to keep those of
all tokens fills a GPU, and to make them again in the backward pass costs a product with the whole
weight. Neither is needed. With p the probabilities of a token's logits and D = p - onehot(target),

    d logp / d state  = -D W / temperature                            [H], whatever the loss is,
    entropy           = -logp - (D W) state / temperature,
    d loss / d W      = -sum over tokens of (d loss / d logp) D^T state / temperature.

The first two follow while the chunk is there. So does the third where ``loss`` says how the loss
depends on the log-probabilities; a gradient that then comes out different is noticed in the
backward pass, which makes the chunks again.

Shapes: M completion tokens, H hidden size, V vocabulary, C tokens of a chunk.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Loss = Callable[[Tensor], Tensor]  # of the log-probabilities [M]


def head_scores(
    states: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    temperature: float,
    tokens_per_chunk: int,
    loss: Loss | None = None,
) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy [M] of each token, float32; the entropy without gradient.

    Args:
        states: [M, H], the hidden states that predict.
        weight: [V, H], of ``lm_head``.
        targets: [M], the tokens that were sampled.
        temperature: what logits are divided by.
        tokens_per_chunk: C.
        loss: what the log-probabilities are for, where each token's share of its gradient depends
            on no other token. It saves making logits twice where ``weight`` learns.
    """
    wanted = loss if torch.is_grad_enabled() and weight.requires_grad else None
    return _Head.apply(states, weight, targets, temperature, tokens_per_chunk, wanted)


@torch.no_grad()
def head_logp(
    states: Tensor, weight: Tensor, targets: Tensor, *, temperature: float, tokens_per_chunk: int
) -> Tensor:
    """The log-probabilities of ``head_scores`` alone, without gradient."""
    logp = states.new_empty(len(states), dtype=torch.float32)
    for chunk, found, _ in _chunks(*_cast(states, weight), targets, temperature, tokens_per_chunk):
        logp[chunk] = found
    return logp


class _Head(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        weight: Tensor,
        targets: Tensor,
        temperature: float,
        tokens_per_chunk: int,
        loss: Loss | None,
    ) -> tuple[Tensor, Tensor]:
        ctx.dtypes = states.dtype, weight.dtype
        states, weight = _cast(states, weight)
        # Tokens of later chunks have logp 0 while ``loss`` is asked about those of earlier ones.
        logp = states.new_zeros(len(states), dtype=torch.float32)
        entropy, slopes = torch.empty_like(logp), torch.zeros_like(logp)
        of_states = torch.empty_like(states)  # d logp / d state
        of_weight = _zeros(weight) if loss else None
        for chunk, found, errors in _chunks(states, weight, targets, temperature, tokens_per_chunk):
            logp[chunk] = found
            torch.mm(errors, weight, out=of_states[chunk]).div_(-temperature)
            spread = (of_states[chunk].float() * states[chunk].float()).sum(-1)
            entropy[chunk] = spread - found
            if loss and of_weight is not None:
                slopes[chunk] = _slopes(loss, logp)[chunk]
                _add_outer(of_weight, errors, states[chunk], slopes[chunk] / -temperature)
        ctx.temperature, ctx.tokens_per_chunk = temperature, tokens_per_chunk
        ctx.of_weight = of_weight
        ctx.save_for_backward(states, weight, targets, of_states, slopes)
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, targets, of_states, slopes = ctx.saved_tensors
        of_logp = gradients[0]  # the entropy has none
        of_weight, ctx.of_weight = ctx.of_weight, None
        if ctx.needs_input_grad[1] and (
            of_weight is None or not torch.allclose(of_logp, slopes, rtol=1e-5, atol=0)
        ):
            of_weight = _zeros(weight)
            for chunk, _, errors in _chunks(
                states, weight, targets, ctx.temperature, ctx.tokens_per_chunk
            ):
                scale = of_logp[chunk] / -ctx.temperature
                _add_outer(of_weight, errors, states[chunk], scale)
        of_states = (of_states * of_logp.unsqueeze(-1)).to(ctx.dtypes[0])
        return of_states, None if of_weight is None else of_weight.to(ctx.dtypes[1]), *[None] * 4


def _chunks(
    states: Tensor, weight: Tensor, targets: Tensor, temperature: float, tokens_per_chunk: int
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Each chunk's place, its log-probabilities [C], and D [C, V], which the next one overwrites.

    One memory for the logits of all chunks: to get fresh pages for each costs as much as a softmax.
    """
    memory = states.new_empty(min(tokens_per_chunk, len(states)), len(weight))
    for start in range(0, len(states), tokens_per_chunk):
        chunk = slice(start, start + tokens_per_chunk)
        here, ids = states[chunk], targets[chunk].unsqueeze(-1)
        made = torch.mm(here, weight.t(), out=memory[: len(here)])
        logits = made.float()  # itself where it is float32
        if temperature != 1:  # a pass over the vocabulary that would change nothing
            logits /= temperature
        above = logits.gather(-1, ids) - logits.amax(-1, keepdim=True)
        errors = torch.softmax(logits, -1, out=logits)
        # The likeliest token has probability 1 / sum exp(logit - highest).
        logp = (above + errors.amax(-1, keepdim=True).log()).squeeze(-1)
        errors.scatter_add_(-1, ids, errors.new_full(ids.shape, -1.0))
        yield chunk, logp, errors if logits is made else made.copy_(errors)


def _add_outer(total: Tensor, errors: Tensor, states: Tensor, scale: Tensor) -> None:
    """Add the sum over tokens of scale * errors^T states to ``total`` [V, H], without a copy."""
    scaled = states * scale.unsqueeze(-1).to(states.dtype)
    if total.dtype == errors.dtype:
        total.addmm_(errors.t(), scaled)
    else:
        total += errors.t() @ scaled


def _slopes(loss: Loss, logp: Tensor) -> Tensor:
    """The gradient [M] of ``loss`` by the log-probabilities."""
    with torch.enable_grad():
        leaf = logp.clone().requires_grad_()
        return torch.autograd.grad(loss(leaf), leaf)[0]


def _zeros(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight, dtype=torch.float32)  # chunks are many: bf16 would lose some


def _cast(states: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """In what autocast would multiply them, where it is on."""
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
    return states.to(dtype), weight.to(dtype)
