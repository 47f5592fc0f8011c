"""Where a run computes: threads, devices, processes."""

import os
from contextlib import AbstractContextManager
from datetime import timedelta
from shlex import join

import torch
import torch.distributed as dist

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.processes import torchrun


def prepare_device(config: Config) -> torch.device:
    """Set the number of CPU threads, meet the other processes, choose the device.

    Processes are those that torchrun or SLURM's torchrun started; Lightning finds them met already.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    wanted = config.trainer.accelerator
    has_gpu = torch.cuda.is_available()
    if wanted not in ("auto", "cpu") and not (wanted in ("gpu", "cuda") and has_gpu):
        raise GritError(f"trainer.accelerator={wanted}: not available here; use auto or cpu")
    on_gpu = has_gpu and wanted != "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    strategy = config.trainer.strategy
    wanted_processes = config.trainer.devices * config.trainer.num_nodes
    if processes != wanted_processes:
        raise GritError(
            f"trainer.devices x num_nodes is {wanted_processes}, but {processes} processes run: "
            f"start with {join(torchrun(config.trainer.num_nodes, config.trainer.devices))} "
            f"-m grit ... trainer={'ddp' if strategy == 'auto' else strategy}"
        )
    if processes > 1 and not dist.is_initialized():
        silence = timedelta(seconds=config.trainer.max_silence)
        dist.init_process_group("nccl" if on_gpu else "gloo", timeout=silence)
    if not on_gpu:
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def autocast(config: Config, device: torch.device) -> AbstractContextManager[object]:
    """What the model evaluates in: the precision that Lightning has it draw and learn in."""
    mixed = config.trainer.precision == "bf16-mixed"
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed, cache_enabled=False)
