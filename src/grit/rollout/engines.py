"""The engines by the names of ``rollout.name``: the one place where they are made."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from grit.core import processes
from grit.core.errors import GritError
from grit.models.adapter import Adapter
from grit.models.lora import lora_in_vision
from grit.models.settings import ModelSettings
from grit.rollout.engine import Engine
from grit.rollout.sampler import Sampler
from grit.rollout.settings import RolloutSettings
from grit.rollout.vllm_command import ENVIRONMENT, ON_A_CPU, Served, check_lora, check_servable
from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_launch import LaunchedServer, free_port
from grit.rollout.vllm_server import VLLMServer

log = logging.getLogger(__name__)
_TOWER = (
    "rollout.urls: LoRA in the vision tower needs servers with --enable-tower-connector-lora; "
    "others leave it out, and only their logs say so"
)
_OF_MEMORY = "--gpu-memory-utilization"
_SHARED = (
    "rollout.launch=true: the server is on the run's own GPU, of which vLLM takes nine tenths: "
    f"name another by rollout.gpus, or leave room by rollout.server_options=[{_OF_MEMORY},0.4]"
)
LOG = "vllm.log"  # in a run's folder: what the server that it has started says


@contextmanager
def engine_of(
    adapter: Adapter, settings: RolloutSettings, served: Served, folder: Path
) -> Iterator[Engine]:
    """The engine that the settings choose, with the adapter's present weights.

    Every rank has to enter it. What it has started is ended with the context.

    Args:
        adapter: of the model that learns or is evaluated.
        settings: of the rollout.
        served: what a server has to serve.
        folder: of the run, for a started server's log.

    Raises:
        GritError: a server cannot be started or asked, or what it needs is missing.
    """
    check_weights_folder(settings)
    if settings.name == "native":
        yield make_sampler(adapter, settings, served.temperature)
        return
    check_lora(adapter)
    if settings.urls and lora_in_vision(adapter):
        log.warning(_TOWER)
    launched = None if settings.urls else _launched(adapter, settings, served, folder)
    try:
        urls: Sequence[str] = settings.urls
        if not urls:  # rank 0 has started one
            urls = [url for url in processes.all_gather(launched.url if launched else "") if url]
        servers = [VLLMServer(url, settings.timeout) for url in urls]
        place = settings.weights_folder
        whole = None if place is None else Path(place).absolute()
        with VLLM(adapter, servers, whole) as engine:
            engine.update(0, adapter.model.state_dict)
            yield engine
    finally:
        if launched is not None:
            launched.close()


def check_launch(settings: RolloutSettings, model: ModelSettings) -> None:
    """Raise GritError if a server that is started could not load the model."""
    if settings.name == "vllm" and not settings.urls:
        check_servable(model)


def check_weights_folder(settings: RolloutSettings) -> None:
    """Raise GritError if rank 0 cannot write weights for servers where it is told to."""
    name = settings.weights_folder
    if settings.name == "native" or name is None or processes.rank() > 0:
        return
    place = Path(name)
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise GritError(
            f"rollout.weights_folder={name}: there is no such folder, or one may not write there; "
            "name one that this machine and those of rollout.urls see by the same path"
        )


def make_sampler(
    adapter: Adapter, settings: RolloutSettings, logp_temperature: float | None = None
) -> Sampler:
    """The suite's own engine, whichever the settings choose: what studies of finished runs use."""
    return Sampler(
        adapter,
        settings.tokens_per_batch,
        share_prefill=settings.share_prefill,
        compact=settings.compact,
        decode=settings.decode,
        merge_lora=settings.merge_lora,
        logp_temperature=logp_temperature,
    )


def _launched(
    adapter: Adapter, settings: RolloutSettings, served: Served, folder: Path
) -> LaunchedServer | None:
    """The server that rank 0 starts; None on other ranks."""
    if processes.rank() > 0:
        return None
    on_gpu, port = torch.cuda.is_available(), free_port()
    by_default = {} if on_gpu else ON_A_CPU
    environment = ENVIRONMENT | {k: v for k, v in by_default.items() if k not in os.environ}
    bounded = any(word.startswith(_OF_MEMORY) for word in settings.server_options)
    if on_gpu and settings.gpus is None and not bounded:
        log.warning(_SHARED)
    if settings.gpus is not None:
        environment["CUDA_VISIBLE_DEVICES"] = settings.gpus
    command = served.command(adapter, settings, on_gpu=on_gpu, port=port)
    return LaunchedServer(command, environment, port, folder / LOG, settings.start_within)
