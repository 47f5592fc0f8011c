"""vLLM's servers, started as a run starts them; none of this is collected without VLLM_PYTHON.

The folder cannot be named vllm: tests/ is on the path, and TRL would take it for the package.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from composing import config
from whole_runs import PYTHON

from grit.data.shapes.source import ShapesSource
from grit.models.adapter import Adapter
from grit.models.loading import load_base
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.rollout.settings import RolloutSettings
from grit.rollout.vllm_command import ENVIRONMENT, ON_A_CPU, Served
from grit.rollout.vllm_launch import LaunchedServer, free_port

collect_ignore_glob = [] if PYTHON else ["test_*.py"]
START_WITHIN = 900.0


def started(adapter: Adapter, model: str, folder: Path) -> LaunchedServer:
    settings = RolloutSettings(name="vllm", launch=True, python=PYTHON)
    port = free_port()
    served = Served(config(f"model={model}").model)
    command = served.command(adapter, settings, on_gpu=False, port=port)
    environment = ENVIRONMENT | ON_A_CPU | {"OMP_NUM_THREADS": "1"}
    return LaunchedServer(command, environment, port, folder / "vllm.log", START_WITHIN)


@pytest.fixture(scope="session", params=["qwen", "internvl"])
def served(request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[tuple]:
    """A base of each family, and a server of it."""
    adapter = load_base(f"tiny:{request.param}")
    server = started(adapter, f"tiny_{request.param}", tmp_path_factory.mktemp("server"))
    yield adapter, server
    server.close()


@pytest.fixture(scope="session")
def served_lora(tmp_path_factory) -> Iterator[tuple]:
    """tiny_qwen with LoRA, and a server of its base that takes adapters."""
    from settings_of import lora

    adapter = load_base("tiny:qwen")
    add_lora(adapter, lora(4, 8, ["q_proj", "v_proj", "down_proj"]), with_vision=False)
    server = started(adapter, "tiny_qwen", tmp_path_factory.mktemp("server"))
    yield adapter, server
    server.close()


@pytest.fixture(scope="session")
def questions():
    """Encodes drawn scenes as prompts of GRIT: ``questions(adapter, 20)``."""

    def encoded(adapter: Adapter, count: int) -> list:
        sources = [ShapesSource(name, "test", count // 2) for name in ("vsr", "tallyqa")]
        samples = [sample for source in sources for sample in source]
        return [Prompting().encode(sample, adapter) for sample in samples]

    return encoded
