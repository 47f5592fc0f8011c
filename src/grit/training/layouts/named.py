"""The layouts by the names of ``trainer.strategy``."""

from grit.core import processes
from grit.training.layouts.data_parallel import DataParallel
from grit.training.layouts.deepspeed import SharedGradients
from grit.training.layouts.fsdp import ShardedLayers


def layout_named(strategy: str) -> DataParallel:
    """How weights, gradients and optimiser states lie on the processes, which have met by now.

    Raises:
        GritError: it needs a package that is not installed.
    """
    if processes.count() > 1 and strategy == "fsdp":
        return ShardedLayers()
    if processes.count() > 1 and strategy == "deepspeed_zero2":
        return SharedGradients()
    return DataParallel(share_optimizer=strategy == "zero1")
