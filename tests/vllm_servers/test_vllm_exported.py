"""What ``task=export`` writes, served by a plain vLLM and asked by its chat API as strangers do."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import torch
from trained_run import LORA, write_trained_run
from whole_runs import PYTHON

from grit.config.configuration import composed_config
from grit.grounding.prompts import GRIT_SUFFIX
from grit.inference.exported_model import export
from grit.inference.questions import drawn
from grit.inference.settings import ExportSettings
from grit.inference.sources import source_of
from grit.models.loading import save_trained
from grit.models.prompting import Prompting
from grit.models.setup import make_adapter
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.rollout.vllm_command import ON_A_CPU
from grit.rollout.vllm_launch import LaunchedServer, free_port

pytestmark = pytest.mark.vllm
QUESTIONS = ("How many red circles are there?", "Is there a square left of the star?")
ASKED = [drawn(seed, question) for seed in range(4) for question in QUESTIONS]
TOKENS = 60
SHAKE = 0.015  # of LoRA's weights: other words than the base's, but words


def served(folder: Path, *words: str) -> LaunchedServer:
    """``vllm serve FOLDER --dtype float32``: by default it rounds float32 to 16 bits."""
    port = free_port()
    command = [str(PYTHON), "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), *words]
    command += ["--dtype", "float32", "--enforce-eager"]  # starts sooner
    environment = ON_A_CPU | {"VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"}
    log_file = folder.with_name(f"{folder.name}.log")
    return LaunchedServer(command, environment, port, log_file, 900.0)


def exported(run: Path, folder: Path, **settings: Any) -> Path:
    config = replace(composed_config("task=export", "checkpoint=x"), checkpoint=str(run))
    return export(source_of(config, ["task=export"]), ExportSettings(**settings), folder).folder


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """The merged model of a run of tiny_internvl, at a server of its own."""
    place = tmp_path_factory.mktemp("merged")
    torch.manual_seed(0)  # of LoRA's weights
    adapter = write_trained_run(place / "run", *LORA, "model=tiny_internvl", shake=SHAKE)
    folder = exported(place / "run", place / "model")
    server = served(folder)
    yield adapter, server, str(folder)
    server.close()


def penalise(base: Path) -> None:
    """Give a base a penalty of repetitions, as Qwen2.5-VL has one, which no answer is to have."""
    path = base / "generation_config.json"
    fields = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(fields | {"repetition_penalty": 1.05}), encoding="utf-8")


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """The adapter of a run of tiny_qwen, at a server of its base."""
    place = tmp_path_factory.mktemp("adapted")
    save_trained(make_adapter(composed_config().model, learning=False), place / "base")
    torch.manual_seed(0)
    base = f"model.path={place / 'base'}"
    adapter = write_trained_run(place / "run", *LORA, base, shake=SHAKE)
    folder = exported(place / "run", place / "model", base="me/base")
    assert (folder / "adapter_model.safetensors").exists()
    penalise(place / "base")
    options = ("--generation-config", "vllm", "--enable-lora", "--lora-modules", f"mine={folder}")
    server = served(place / "base", *options)
    yield adapter, server, "mine"
    server.close()


def ours(adapter: Any) -> list[tuple[list[int], str]]:
    prompts = [Prompting().encode(asked.sample(), adapter) for asked in ASKED]
    greedy = Sampling(temperature=0, max_new_tokens=TOKENS)
    groups = Sampler(adapter).sample(prompts, [[0]] * len(prompts), greedy)
    return [(list(said.token_ids), said.text) for (said,) in groups]


def asked(server: LaunchedServer, model: str) -> list[tuple[list[int], str]]:
    """Tokens and text of what the server says."""
    return [_asked(server, model, each) for each in ASKED]


def _asked(server: LaunchedServer, model: str, asked: Any) -> tuple[list[int], str]:
    stream = io.BytesIO()
    asked.picture.load().save(stream, "PNG")
    uri = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    text = f"\nQuestion: {asked.question}{GRIT_SUFFIX}"
    content = [
        {"type": "image_url", "image_url": {"url": uri}},
        {"type": "text", "text": text},
    ]
    body = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": TOKENS,
        "temperature": 0,  # vLLM samples where a model's settings say nothing but do_sample=false
        "stop": ["</answer>"],
        "include_stop_str_in_output": True,
        "return_token_ids": True,
    }
    request = Request(
        f"{server.url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=300) as response:
        (choice,) = json.load(response)["choices"]
    return choice["token_ids"], choice["message"]["content"]


@pytest.mark.parametrize("exported_as", ["merged", "adapted"])
def test_a_plain_server_writes_the_same_tokens(request, exported_as: str) -> None:
    adapter, server, model = request.getfixturevalue(exported_as)
    own = ours(adapter)
    assert asked(server, model) == own
    assert any("<answer>" in text for _, text in own)


def test_an_adapter_is_what_makes_the_difference(adapted) -> None:
    _, server, model = adapted
    base = str(Path(server.log_file).with_suffix(""))
    assert asked(server, base) != asked(server, model)
