"""A real vLLM server computes what the suite's own engine does, in float32 on the miniatures."""

from dataclasses import replace

import pytest
import torch
from whole_runs import completions, grit

from grit import load
from grit.inference.questions import drawn
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_server import EngineFailed, VLLMServer
from grit.training.groups import Group
from grit.training.policy import Policy

pytestmark = pytest.mark.vllm
GREEDY = Sampling(temperature=0.0, max_new_tokens=120)
DRAWN = Sampling(max_new_tokens=48)
CLOSE = 1e-4  # of log-probabilities, in float32


@pytest.fixture
def engine(served):
    adapter, server = served
    with VLLM(adapter, [VLLMServer(server.url, 300.0)]) as vllm:
        vllm.update(0, adapter.model.state_dict)
        yield vllm


def own(adapter, prompts, seeds, sampling):
    return Sampler(adapter).sample(prompts, seeds, sampling)


def bare(groups):
    return [[replace(each, logps=None) for each in group] for group in groups]


def furthest(adapter, prompts, groups):
    """The largest difference of the engine's log-probabilities from the policy's own."""
    policy = Policy(adapter, share_prompt=True, temperature=1.0, tokens_per_chunk=0)
    ours = policy.logp(
        [
            Group(prompt, tuple(each.token_ids for each in group))
            for prompt, group in zip(prompts, groups, strict=True)
        ]
    )
    theirs = torch.tensor([p for group in groups for each in group for p in each.logps])
    return float((ours - theirs).abs().max())


def test_greedy_completions_are_the_same_tokens(engine, questions):
    prompts = questions(engine.adapter, 40)
    once = [[0]] * len(prompts)
    said = engine.sample(prompts, once, GREEDY)
    assert bare(said) == own(engine.adapter, prompts, once, GREEDY)
    assert any(not completion.truncated for (completion,) in said)
    assert furthest(engine.adapter, prompts, said) < CLOSE


def test_a_seed_is_a_completion_in_any_order_and_its_probability_is_the_policys(engine, questions):
    prompts = questions(engine.adapter, 8)
    seeds = [[10 * place + k for k in range(4)] for place in range(len(prompts))]
    said = engine.sample(prompts, seeds, DRAWN)
    again = engine.sample(prompts[::-1], [group[::-1] for group in seeds[::-1]], DRAWN)
    assert bare(again) == bare([group[::-1] for group in said[::-1]])
    assert len({completion.token_ids for group in said for completion in group}) > len(prompts)
    assert furthest(engine.adapter, prompts, said) < CLOSE
    banned = set(engine.adapter.forbidden_ids.tolist())
    assert not banned & {i for group in said for each in group for i in each.token_ids}


def test_new_weights_are_computed_with_and_old_ones_never_answer(engine, questions):
    adapter = engine.adapter
    prompts = questions(adapter, 8)
    once = [[0]] * len(prompts)
    before = engine.sample(prompts, once, GREEDY)
    kept = {name: weight.clone() for name, weight in adapter.model.state_dict().items()}
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in adapter.model.parameters():
            weight += 0.05 * weight.std() * torch.randn_like(weight)
    adapter.feature_cache = None
    try:
        engine.update(1, adapter.model.state_dict)
        said = engine.sample(prompts, once, GREEDY)
        assert bare(said) == own(adapter, prompts, once, GREEDY)
        assert said != before
        assert furthest(adapter, prompts, said) < CLOSE
    finally:
        adapter.model.load_state_dict(kept)
    # As after a restart, the server has weights of another version.
    with VLLM(adapter, engine.servers) as other:
        other.update(0, adapter.model.state_dict)
        with pytest.raises(EngineFailed, match=f"weights of version {other.label}"):
            engine.sample(prompts[:1], [[0]], GREEDY)


def test_another_model_than_the_servers_is_seen_by_its_prompt(engine, questions):
    (prompt, *_) = questions(engine.adapter, 2)
    other = replace(prompt, input_ids=torch.cat([prompt.input_ids[:1], prompt.input_ids]))
    assert engine.sample([other], [[0]], DRAWN)  # it is a prompt, too
    shorter = replace(prompt, image=prompt.image.resize((480, 480)))
    if engine.adapter.image_tokens(480, 480) != engine.adapter.image_tokens(*prompt.image.size):
        with pytest.raises(EngineFailed, match=r"reads prompt .* as \d+ tokens, not \d+"):
            engine.sample([shorter], [[0]], DRAWN)


def test_completions_cut_off_are_truncated(engine, questions):
    prompts = questions(engine.adapter, 2)
    ((one,), _) = engine.sample(prompts, [[0], [0]], Sampling(temperature=0.0, max_new_tokens=3))
    assert (len(one.token_ids), one.truncated) == (3, True)


def test_an_evaluation_by_a_server_gives_the_tokens_of_native(served, tmp_path):
    """100 questions, by the command and a server that runs already."""
    adapter, server = served
    model = "tiny_qwen" if "qwen" in adapter.plain.config.model_type else "tiny_internvl"
    task = ("task=evaluate", f"model={model}", "suite.limit=17")
    grit(*task, f"hydra.run.dir={tmp_path / 'native'}")
    asks = ("rollout=vllm", f"rollout.urls=[{server.url}]", "rollout.timeout=300")
    grit(*task, *asks, f"hydra.run.dir={tmp_path / 'vllm'}")
    assert len(completions(tmp_path / "native")) == 6 * 17
    assert completions(tmp_path / "vllm") == completions(tmp_path / "native")


def test_a_model_is_asked_by_a_server(served):
    adapter, server = served
    model = "tiny_qwen" if "qwen" in adapter.plain.config.model_type else "tiny_internvl"
    asks = ("rollout=vllm", f"rollout.urls=[{server.url}]", "rollout.timeout=300")
    questions = [drawn(seed) for seed in range(3)]
    said = []
    for how in ((), asks):
        asked = load(None, f"model={model}", "trainer.accelerator=cpu", *how)
        said.append([[each.completion for each in group] for group in asked.answered(questions)])
        asked.close()
    assert said[0] == said[1]
