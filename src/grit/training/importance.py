"""Importance correction: the loss of tokens that an engine with other rounding has sampled.

An engine that is not the suite's own samples from pi_engine, which differs a little from the
policy pi that is differentiated: other kernels, other precision. Each token's surrogate is
multiplied by

    w_t = min(pi(o_t) / pi_engine(o_t), C)

without gradient: truncated importance sampling, per token (verl's documentation of rollout
correction; TRL's ``vllm_importance_sampling_correction`` with ``token_truncate``). The KL term is
not multiplied, as in TRL. The policy's log-probability is its own, from the pass of the update or,
with several updates a rollout, from before the first.

Shapes: M tokens of all completions of a forward pass.
"""

import torch
from torch import Tensor

LOGGED = ("importance_mean", "importance_clipped")
"""Metrics that are summed over the forward passes and ranks of an update: the mean of each
completion's ratios, and the share of its tokens with a ratio above C."""


def importance_ratios(logp: Tensor, engine_logp: Tensor) -> Tensor:
    """Pi / pi_engine of each token [M]; 1 where the engine has no logp (NaN): an appended EOS.

    Args:
        logp: [M], the policy's, before the update; no gradient flows through it.
        engine_logp: [M], the engine's.
    """
    ratios = (logp.detach() - engine_logp).exp()
    return torch.where(engine_logp.isnan(), 1.0, ratios)
