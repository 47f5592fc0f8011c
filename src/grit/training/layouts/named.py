"""The layouts by the names of ``trainer.strategy``."""

from grit.core import processes
from grit.training.layouts.data_parallel import DataParallel
from grit.training.layouts.deepspeed import SharedGradients
from grit.training.layouts.fsdp import ShardedLayers


def layout_named(strategy: str) -> DataParallel:
    """The layout of a strategy; the process group is initialised by then.

    Raises:
        GritError: the layout needs a package that is not installed.
    """
    if processes.count() > 1 and strategy == "fsdp":
        return ShardedLayers()
    if processes.count() > 1 and strategy == "deepspeed_zero2":
        return SharedGradients()
    return DataParallel(share_optimizer=strategy == "zero1")
