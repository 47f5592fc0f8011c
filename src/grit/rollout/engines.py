"""The engines by the names of ``rollout.name``: the one place where they are made."""

from grit.models.adapter import Adapter
from grit.rollout.engine import Engine
from grit.rollout.sampler import Sampler
from grit.rollout.settings import RolloutSettings


def make_engine(adapter: Adapter, settings: RolloutSettings) -> Engine:
    """The engine that the settings choose, for training and evaluation."""
    return make_sampler(adapter, settings)


def make_sampler(adapter: Adapter, settings: RolloutSettings) -> Sampler:
    """The suite's own engine, whichever the settings choose: what studies of finished runs use."""
    return Sampler(
        adapter,
        settings.tokens_per_batch,
        share_prefill=settings.share_prefill,
        compact=settings.compact,
        decode=settings.decode,
    )
