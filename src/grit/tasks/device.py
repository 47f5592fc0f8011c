"""Where a run computes."""

import torch

from grit.errors import GritError
from grit.schema import Config


def prepare_device(config: Config) -> torch.device:
    """Set the number of CPU threads; the device that ``trainer.accelerator`` means."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    wanted = config.trainer.accelerator
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if wanted in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return torch.device("cuda")
    raise GritError(f"trainer.accelerator={wanted}: not available here; use auto or cpu")
