"""The layouts by the names of ``trainer.strategy``."""

from grit.core import processes
from grit.training.layouts.data_parallel import DataParallel
from grit.training.layouts.deepspeed import ShardedGradients
from grit.training.layouts.fsdp import ShardedLayers


def layout_named(strategy: str) -> DataParallel:
    """The layout of a strategy; the process group is initialised by then."""
    if processes.world_size() > 1 and strategy == "fsdp":
        return ShardedLayers()
    if processes.world_size() > 1 and strategy == "deepspeed_zero2":
        return ShardedGradients()
    return DataParallel(shard_optimizer=strategy == "zero1")
