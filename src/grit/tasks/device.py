"""Where a run computes: threads, devices, processes."""

import os

import torch
import torch.distributed as dist

from grit.errors import GritError
from grit.schema import Config


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
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if config.trainer.strategy == "auto":
            raise GritError("several processes need a strategy: trainer=ddp")
        dist.init_process_group("nccl" if on_gpu else "gloo")
    if not on_gpu:
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device
