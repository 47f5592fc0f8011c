"""The tasks: a thin module for each value of ``task=``, with a function ``perform``."""

import gc
import os
import sys
from importlib import import_module
from pathlib import Path

from grit.config.schema import Config
from grit.core import disk, interruption
from grit.core.errors import GritError
from grit.core.library_noise import quieten


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Run the task of ``config``.

    Args:
        config: the checked configuration.
        folder: of the run, to which its files are written.
        overrides: of the command line, for the command that resumes the run.

    Raises:
        GritError: a check failed, the disk is full, or another process of the run has ended.
    """
    from grit.runs.early import check_early  # takes half a second, which --help need not wait for

    check_early(config)
    quieten()
    free_former_job()
    try:
        import_module(f"grit.tasks.{config.task}").perform(config, folder, overrides)
    except Exception as error:
        what = _of_the_machine(error, config, folder)
        if what is None:
            raise
        resume_command = interruption.resume_command()
        then = f"go on with: {resume_command}" if resume_command else "start it again"
        raise GritError(f"{what}, then {then}") from error
    if "WORLD_SIZE" in os.environ:  # torchrun has started this process
        from grit.core import processes  # imports torch

        processes.leave()


def free_former_job() -> None:
    """Free what a multirun's former job has left on a GPU.

    Lightning's Trainer and module refer to each other, so that models, gradients and optimiser
    states stay until Python's collector looks at everything; running out of memory is no reason
    for it to do so.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


def _of_the_machine(error: Exception, config: Config, folder: Path) -> str | None:
    """A line for a full disk or a lost process, if that is the cause of ``error``; else None."""
    no_space = disk.full(error, folder)
    if no_space is not None:
        return f"{no_space}; make room"
    if "WORLD_SIZE" in os.environ:
        from grit.core import processes  # imports torch

        if processes.is_alone(error):
            return (
                "another process of this run has ended, or has not answered for "
                f"trainer.max_silence={config.trainer.max_silence:g} s: see what it said last"
            )
    return None
