"""The device of a run: CPU threads, process group, accelerator and autocast."""

import importlib.util
import os
from contextlib import AbstractContextManager
from datetime import timedelta
from shlex import join

import torch
import torch.distributed as dist
from lightning_utilities.core.rank_zero import rank_zero_only

from grit.core.errors import GritError
from grit.core.processes import torchrun
from grit.models.settings import ModelSettings
from grit.rollout.settings import DecodeMode
from grit.rollout.static_decoding import check_capturing
from grit.training.settings import TrainerSettings


def prepare_device(trainer: TrainerSettings, threads: int | None) -> torch.device:
    """Set the number of CPU threads, initialise the process group, and choose the device.

    Processes are started by torchrun, also under SLURM; Lightning uses the initialised group.

    Raises:
        GritError: the device is not available, or the world size differs from the configuration.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    wanted = trainer.accelerator
    has_gpu = torch.cuda.is_available()
    if wanted not in ("auto", "cpu") and not (wanted in ("gpu", "cuda") and has_gpu):
        raise GritError(f"trainer.accelerator={wanted}: not available here; use auto or cpu")
    on_gpu = has_gpu and wanted != "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    wanted_processes = trainer.devices * trainer.num_nodes
    if processes > 1 and trainer.strategy == "auto":
        raise GritError(
            f"{processes} processes run, and the default trainer is for one: add trainer=ddp, "
            "zero1, fsdp or deepspeed_zero2, whose number of devices is that of the processes"
        )
    if processes != wanted_processes:
        raise GritError(
            f"trainer.devices x num_nodes is {wanted_processes}, but {processes} processes run: "
            f"start with {join(torchrun(trainer.num_nodes, trainer.devices))} "
            f"-m grit ... trainer={'ddp' if trainer.strategy == 'auto' else trainer.strategy}"
        )
    rank_here = int(os.environ.get("LOCAL_RANK", "0"))
    if on_gpu and rank_here >= (there := torch.cuda.device_count()):
        raise GritError(
            f"trainer.devices={trainer.devices}: this machine shows {there} GPUs; start as many "
            "processes, or look at CUDA_VISIBLE_DEVICES"
        )
    if processes > 1 and not dist.is_initialized():
        silence = timedelta(seconds=trainer.max_silence)
        dist.init_process_group("nccl" if on_gpu else "gloo", timeout=silence)
    # Lightning takes a SLURM task's number, and tasks may each have a run of their own. It keeps
    # the rank as an attribute of this function, of which mypy knows nothing.
    rank_zero_only.rank = dist.get_rank() if processes > 1 else 0  # type: ignore[attr-defined]
    if not on_gpu:
        return torch.device("cpu")
    device = torch.device("cuda", rank_here)
    torch.cuda.set_device(device)
    return device


def check_device(device: torch.device, model: ModelSettings, decode: DecodeMode) -> None:
    """Raise GritError for a decode mode or an attention that the device does not support.

    Args:
        device: of the run.
        model: its settings.
        decode: the mode of decoding.
    """
    attention = model.attention
    if decode == "captured":
        check_capturing(device)
    if attention == "flash_attention_2":
        if device.type != "cuda":
            raise GritError(
                f"model.attention=flash_attention_2 needs an NVIDIA GPU, and the model is on the "
                f"{device.type}; use sdpa"
            )
        if importlib.util.find_spec("flash_attn") is None:
            raise GritError(
                "model.attention=flash_attention_2 needs the package flash_attn, which is not "
                "installed; use sdpa"
            )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """The autocast context of evaluation: the precision that Lightning uses in training."""
    mixed = precision == "bf16-mixed"
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed, cache_enabled=False)
