"""LoRA adapters at a real vLLM server, and a server that dies."""

from dataclasses import replace

import psutil
import pytest
import torch
from test_vllm_parity import CLOSE, DRAWN, GREEDY, bare, furthest, own

from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_server import EngineFailed, VLLMServer

pytestmark = pytest.mark.vllm


def trained(adapter, seed):
    """Weights as if it had learnt: B is not 0 any more."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapter.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.1 * torch.randn_like(weight))


def test_every_version_of_an_adapter_is_computed_with(served_lora, questions):
    adapter, server = served_lora
    prompts = questions(adapter, 8)
    once, seeds = [[0]] * len(prompts), [[1, 2]] * len(prompts)
    with VLLM(adapter, [VLLMServer(server.url, 300.0)]) as engine:
        seen = []
        for version in range(3):
            if version:
                trained(adapter, version)
            engine.update(version, adapter.model.state_dict)
            said = engine.sample(prompts, once, GREEDY)
            assert bare(said) == own(adapter, prompts, once, GREEDY)
            drawn = engine.sample(prompts, seeds, DRAWN)
            assert furthest(adapter, prompts, drawn) < CLOSE
            seen.append(tuple(each.token_ids for (each,) in said))
        assert len(set(seen)) == 3
        engine._run = "gone"  # as after a restart, the server has no adapter of this name
        with pytest.raises(EngineFailed, match="answers 404"):
            engine.sample(prompts[:1], [[0]], GREEDY)


def test_a_server_that_dies_is_one_line_and_leaves_no_process(served_lora, questions):
    """The last test of this server."""
    adapter, server = served_lora
    prompts = questions(adapter, 8)
    long = replace(GREEDY, temperature=1.0, max_new_tokens=400)
    with VLLM(adapter, [VLLMServer(server.url, 300.0)]) as engine:
        engine.update(0, adapter.model.state_dict)
        started = psutil.Process(server._keeper.pid).children(recursive=True)
        assert len(started) > 2  # vLLM's workers too
        server.close()
        with pytest.raises(EngineFailed, match="does not answer any more") as said:
            engine.sample(prompts, [[0]] * len(prompts), long)
    assert "\n" not in str(said.value)
    assert server.url in str(said.value)
    _, alive = psutil.wait_procs(started, timeout=30)
    assert [each for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
