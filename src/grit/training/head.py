"""``lm_head`` on completion tokens in chunks: logits are computed once and never stored.

With a vocabulary of 151,936 the logits of a thousand tokens take 0.6 GB in fp32. Storing those of
all tokens fills a GPU, and recomputing them in the backward pass costs another product with the
whole weight W. Both are avoided by computing gradients in the forward pass. With p the
probabilities of a token's logits and D = p - onehot(target), ``probs_minus_onehot`` below,

    d logp / d state  = -D W / temperature                            [H], whatever the loss is,
    entropy           = -logp - (D W) state / temperature,
    d loss / d W      = -sum over tokens of (d loss / d logp) D^T state / temperature.

The first two are computed while a chunk's logits exist. So is the third if ``loss`` is given, from
which d loss / d logp is known in the forward pass. If the backward pass then receives a different
gradient of logp, it recomputes the chunks.

Shapes: M completion tokens, H hidden size, V vocabulary, C tokens of a chunk.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Loss = Callable[[Tensor], Tensor]  # from log-probabilities [M] to a scalar


def head_scores(
    states: Tensor,
    weight: Tensor,
    targets: Tensor,
    *,
    temperature: float,
    tokens_per_chunk: int,
    loss: Loss | None = None,
) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy in nats [M] of each token, float32; entropy has no gradient.

    Args:
        states: [M, H], the hidden states that predict the tokens.
        weight: [V, H], of ``lm_head``.
        targets: [M], the tokens that were sampled.
        temperature: what logits are divided by.
        tokens_per_chunk: C.
        loss: the loss that will be computed from the log-probabilities, if its gradient with
            respect to a token's depends on no other token's. It saves recomputing logits in the
            backward pass if ``weight`` is trained.
    """
    wanted = loss if torch.is_grad_enabled() and weight.requires_grad else None
    return _Head.apply(states, weight, targets, temperature, tokens_per_chunk, wanted)


@torch.no_grad()
def head_logp(
    states: Tensor, weight: Tensor, targets: Tensor, *, temperature: float, tokens_per_chunk: int
) -> Tensor:
    """The log-probabilities of ``head_scores`` alone, without gradient."""
    logp = states.new_empty(len(states), dtype=torch.float32)
    chunks = _chunks(*_cast(states, weight), targets, temperature, tokens_per_chunk)
    for chunk, chunk_logp, _ in chunks:
        logp[chunk] = chunk_logp
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
        # Log-probabilities of later chunks are 0 when ``loss`` is differentiated for earlier ones.
        logp = states.new_zeros(len(states), dtype=torch.float32)
        entropy, dloss_dlogp = torch.empty_like(logp), torch.zeros_like(logp)
        dlogp_dstates = torch.empty_like(states)
        dloss_dweight = _zeros(weight) if loss else None
        chunks = _chunks(states, weight, targets, temperature, tokens_per_chunk)
        for chunk, chunk_logp, probs_minus_onehot in chunks:
            logp[chunk] = chunk_logp
            torch.mm(probs_minus_onehot, weight, out=dlogp_dstates[chunk]).div_(-temperature)
            above_mean = (dlogp_dstates[chunk].float() * states[chunk].float()).sum(-1)  # of logits
            entropy[chunk] = above_mean - chunk_logp
            if loss and dloss_dweight is not None:
                dloss_dlogp[chunk] = _dloss_dlogp(loss, logp)[chunk]
                scale = dloss_dlogp[chunk] / -temperature
                _add_outer(dloss_dweight, probs_minus_onehot, states[chunk], scale)
        ctx.temperature, ctx.tokens_per_chunk = temperature, tokens_per_chunk
        ctx.dloss_dweight = dloss_dweight
        ctx.save_for_backward(states, weight, targets, dlogp_dstates, dloss_dlogp)
        ctx.mark_non_differentiable(entropy)
        return logp, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, targets, dlogp_dstates, dloss_dlogp = ctx.saved_tensors
        grad_logp = gradients[0]  # entropy is not differentiable
        dloss_dweight, ctx.dloss_dweight = ctx.dloss_dweight, None
        if ctx.needs_input_grad[1] and (
            dloss_dweight is None or not torch.allclose(grad_logp, dloss_dlogp, rtol=1e-5, atol=0)
        ):
            dloss_dweight = _zeros(weight)
            for chunk, _, probs_minus_onehot in _chunks(
                states, weight, targets, ctx.temperature, ctx.tokens_per_chunk
            ):
                scale = grad_logp[chunk] / -ctx.temperature
                _add_outer(dloss_dweight, probs_minus_onehot, states[chunk], scale)
        dloss_dstates = (dlogp_dstates * grad_logp.unsqueeze(-1)).to(ctx.dtypes[0])
        if dloss_dweight is not None:
            dloss_dweight = dloss_dweight.to(ctx.dtypes[1])
        return dloss_dstates, dloss_dweight, *[None] * 4


def _chunks(
    states: Tensor, weight: Tensor, targets: Tensor, temperature: float, tokens_per_chunk: int
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Each chunk's slice, log-probabilities [C], and D [C, V], overwritten by the next chunk's.

    All chunks share one buffer of logits: allocating fresh pages costs as much as the softmax.
    """
    memory = states.new_empty(min(tokens_per_chunk, len(states)), len(weight))
    for start in range(0, len(states), tokens_per_chunk):
        chunk = slice(start, start + tokens_per_chunk)
        here, ids = states[chunk], targets[chunk].unsqueeze(-1)
        made = torch.mm(here, weight.t(), out=memory[: len(here)])
        logits = made.float()  # no copy if it is float32 already
        if temperature != 1:  # saves a pass over the vocabulary
            logits /= temperature
        above = logits.gather(-1, ids) - logits.amax(-1, keepdim=True)
        probs_minus_onehot = torch.softmax(logits, -1, out=logits)
        # The largest probability is 1 / sum exp(logit - maximum), so its log is -logsumexp.
        logp = (above + probs_minus_onehot.amax(-1, keepdim=True).log()).squeeze(-1)
        probs_minus_onehot.scatter_add_(-1, ids, probs_minus_onehot.new_full(ids.shape, -1.0))
        yield chunk, logp, probs_minus_onehot if logits is made else made.copy_(probs_minus_onehot)


def _add_outer(total: Tensor, probs_minus_onehot: Tensor, states: Tensor, scale: Tensor) -> None:
    """Add to ``total`` [V, H], in place, the sum over tokens of scale * D^T states."""
    scaled = states * scale.unsqueeze(-1).to(states.dtype)
    if total.dtype == probs_minus_onehot.dtype:
        total.addmm_(probs_minus_onehot.t(), scaled)
    else:
        total += probs_minus_onehot.t() @ scaled


def _dloss_dlogp(loss: Loss, logp: Tensor) -> Tensor:
    """The gradient [M] of ``loss`` with respect to the log-probabilities."""
    with torch.enable_grad():
        leaf = logp.clone().requires_grad_()
        return torch.autograd.grad(loss(leaf), leaf)[0]


def _zeros(weight: Tensor) -> Tensor:
    return torch.zeros_like(weight, dtype=torch.float32)  # bf16 sums of many chunks lose digits


def _cast(states: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both in autocast's dtype if it is on, else in that of ``weight``."""
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
    return states.to(dtype), weight.to(dtype)
