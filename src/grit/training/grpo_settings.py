"""The settings of GRPO-GR."""

from dataclasses import dataclass, field

from grit.rollout.choice import Sampling
from grit.rollout.ways import Way
from grit.training.grpo_gr import Ratio


@dataclass(frozen=True)
class GRPOSettings:
    """What GRPO-GR itself depends on; ``conf/training`` explains and sets it."""

    group_size: int = 4
    beta: float = 0.01
    epsilon: float = 0.2
    ratio: Ratio = "token"
    delta: float = 1e-8
    sample_std: bool = False
    updates_per_rollout: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    logp_temperature: float | None = None
    append_eos: bool = False
    tokens_per_rollout_batch: int = 65536
    share_prefill: bool = True
    compact_rollout: bool = True
    decode: Way = "dynamic"
    seed: int = 0
