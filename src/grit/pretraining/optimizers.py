"""The optimisers of pre-training: Muon for weight matrices, AdamW for all other parameters.

With AdamW alone, accuracy on relations stays at chance for a long time; with Muon it rises within
minutes.
"""

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import Optimizer


def optimizers_for(
    modules: Iterable[nn.Module], plain: Iterable[nn.Module], matrix_rate: float, other_rate: float
) -> list[Optimizer]:
    """Muon for the matrices of ``modules``; AdamW for their other parameters and for ``plain``.

    Embeddings are for AdamW too.
    """
    matrices: dict[int, nn.Parameter] = {}
    others: dict[int, nn.Parameter] = {}
    for module in modules:
        embeddings = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
        for parameter in module.parameters():
            is_matrix = parameter.ndim == 2 and id(parameter) not in embeddings
            (matrices if is_matrix else others)[id(parameter)] = parameter
    for module in plain:
        others |= {id(parameter): parameter for parameter in module.parameters()}
    for known in others:
        matrices.pop(known, None)
    muon = torch.optim.Muon(
        list(matrices.values()),
        lr=matrix_rate,
        weight_decay=0.01,
        momentum=0.95,
        adjust_lr_fn="match_rms_adamw",
    )
    adamw = torch.optim.AdamW(
        list(others.values()), lr=other_rate, betas=(0.9, 0.98), weight_decay=0.0
    )
    for optimizer in (muon, adamw):
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return [muon, adamw]


def set_rate(optimizers: Iterable[Optimizer], step: int, steps: int, warmup: int) -> float:
    """Set the learning rates of ``step``: linear warm-up, then cosine decay to a twentieth.

    Returns the factor on the peak rates, which depends on the step alone: there is no scheduler
    whose state a resumed run would need.
    """
    rise = min(1.0, (step + 1) / max(1, warmup))
    done = max(0.0, (step - warmup) / max(1, steps - warmup))
    factor = rise * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
    return factor
