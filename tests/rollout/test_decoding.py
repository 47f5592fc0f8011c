"""Buffers of fixed shapes against transformers' own growing cache, and against no cache at all."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import torch
from settings_of import lora as lora_of
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

from grit.core.errors import GritError
from grit.models.loading import ADAPTERS
from grit.models.lora import add_lora
from grit.models.tiny import build_tiny
from grit.rollout import sampler as sampler_module
from grit.rollout import static_decoding
from grit.rollout.sampler import Sampler, begin_decoding
from grit.rollout.settings import Sampling
from grit.rollout.static_decoding import SLOTS, Stepper, fix_frequencies, row_room

WAYS = ("dynamic", "static")
SHORT = Sampling(max_new_tokens=12)
# CUDA graphs and Triton kernels have nothing to run on elsewhere.
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.fixture
def ending(adapter, monkeypatch):
    """Every seventh token ends a completion: rows leave the batch at different steps."""
    monkeypatch.setattr(adapter, "end_ids", frozenset(range(0, len(adapter.tokenizer), 7)))


@pytest.fixture(params=["sdpa", "eager"])
def attention(adapter, request):
    """Each way to attend that knows masks of four dimensions; eager ones add theirs to scores."""
    adapter.plain.set_attn_implementation(request.param)
    yield
    adapter.plain.set_attn_implementation("sdpa")


@pytest.fixture
def shapes(monkeypatch):
    """The shapes of the buffers that are made, in order."""
    seen = []
    made = Stepper.buffers

    def spy(self, rows, slots, like):
        seen.append((rows, slots))
        return made(self, rows, slots, like)

    monkeypatch.setattr(Stepper, "buffers", spy)
    return seen


def seeds_for(prompts, n):
    return [[100 * i + k for k in range(n)] for i in range(len(prompts))]


def lengths(groups):
    return {len(c.token_ids) for group in groups for c in group}


@pytest.mark.parametrize("compact", [True, False])
@pytest.mark.parametrize("share_prefill", [True, False])
def test_fixed_shapes_change_no_token(
    adapter, prompts, ending, shapes, monkeypatch, compact, share_prefill
):
    monkeypatch.setattr(static_decoding, "SLOTS", 8)
    seeds = seeds_for(prompts, 5)
    parts = {"compact": compact, "share_prefill": share_prefill}
    expected = Sampler(adapter, **parts).sample(prompts, seeds, SHORT)
    found = Sampler(adapter, **parts, decode="static").sample(prompts, seeds, SHORT)
    assert found == expected
    assert len(lengths(found)) > 3
    assert shapes[0][0] == 16  # for 15 rows
    assert len({slots for _, slots in shapes}) > 1
    assert (len({rows for rows, _ in shapes}) > 1) == compact


@pytest.mark.usefixtures("attention")
def test_greedy_completions_are_the_same(adapter, prompts):
    greedy, once = Sampling(temperature=0, max_new_tokens=12), [[0]] * len(prompts)
    expected = Sampler(adapter).sample(prompts, once, greedy)
    assert Sampler(adapter, decode="static").sample(prompts, once, greedy) == expected


@pytest.mark.usefixtures("attention")
def test_every_step_predicts_what_a_full_forward_predicts(adapter, prompts, monkeypatch):
    """Logits, of rows with padding before them, through buffers that grow and shrink."""
    monkeypatch.setattr(static_decoding, "SLOTS", 8)
    sampler = Sampler(adapter)
    with torch.no_grad():
        _, prefilled = sampler._start(prompts, 4)
        decoding = begin_decoding(adapter, "static", prefilled)
        rows = torch.arange(12)
        random = torch.Generator().manual_seed(3)
        tokens = torch.randint(10, len(adapter.tokenizer), (12, 9), generator=random)
        for step in range(9):
            if step == 4:
                assert decoding.should_compact(6)
                assert not decoding.should_compact(7)
                rows = torch.tensor([0, 5, 6, 9, 11])
                decoding.keep(rows)
            ours = decoding.step(tokens[rows, step])
            for row, logits in zip(rows.tolist(), ours, strict=True):
                prompt = prompts[row // 4]
                ids = torch.cat([prompt.input_ids, tokens[row, : step + 1]])[None]
                inputs = dict(prompt.vision)
                if adapter.position_rows == 3:
                    inputs["mm_token_type_ids"] = (ids == adapter.image_id).int()
                whole = adapter.plain(
                    input_ids=ids, attention_mask=torch.ones_like(ids), **inputs
                ).logits
                torch.testing.assert_close(logits, whole[0, -1], atol=1e-5, rtol=0)


def test_under_autocast_the_buffers_have_its_type_and_round_no_more(adapter, prompts):
    """Its keys are float32 and its values bfloat16; attention makes bfloat16 of both."""
    tokens = torch.randint(10, 300, (6, 4), generator=torch.Generator().manual_seed(3))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        ways = [begin_decoding(adapter, w, Sampler(adapter)._start(prompts, 2)[1]) for w in WAYS]
        for step in range(4):
            dynamic, static = (way.step(tokens[:, step]).float() for way in ways)
            assert (static - dynamic).abs().max() < 0.02 * dynamic.abs().max()
    assert ways[1].buffers.layers[0].keys.dtype is torch.bfloat16


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "with_lora"), [("qwen", False), ("qwen3", False), ("internvl", True)]
)
def test_a_step_is_one_graph_for_all_positions(photographs, family, with_lora, monkeypatch):
    """torch.compile traces it once without a break, as a CUDA graph has to: no value is asked for.

    With InternVL3's own kind of RoPE, which asks for one in every step, as well.
    """
    from torch._dynamo.testing import CompileCounterWithBackend

    model, processor = build_tiny(family, seed=0)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    if family == "internvl":
        language_model = model.model.language_model
        language_model.config.rope_parameters |= {"rope_type": "dynamic", "factor": 2.0}
        language_model.rotary_emb = Qwen2RotaryEmbedding(language_model.config)
    if with_lora:
        add_lora(adapter, lora_of(4, 8, ["q_proj", "v_proj"]), with_vision=False)
        adapter.plain.activation_checkpointing_enable({"use_reentrant": False})
        adapter.model.train()
    prompt = adapter.encode("p", "\nQuestion: How many?", photographs[0], picture="i")
    expected = Sampler(adapter).sample([prompt], [[0, 1, 2]], SHORT)
    compiler = CompileCounterWithBackend("aot_eager")
    traced = torch.compile(static_decoding.step, fullgraph=True, dynamic=False, backend=compiler)
    monkeypatch.setattr(static_decoding, "step", traced)
    assert Sampler(adapter, decode="static").sample([prompt], [[0, 1, 2]], SHORT) == expected
    assert len(prompt.input_ids) + 12 <= SLOTS
    assert compiler.frame_count == 1
    assert lengths(expected) == {12}


def test_a_cache_beyond_where_dynamic_rope_stays_the_same_is_refused():
    model, processor = build_tiny("internvl", seed=0)
    language_model = model.model.language_model
    language_model.config.rope_parameters |= {"rope_type": "dynamic", "factor": 2.0}
    language_model.rotary_emb = Qwen2RotaryEmbedding(language_model.config)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    longest = language_model.config.max_position_embeddings
    with pytest.raises(GritError, match=f"more than the {longest}"):
        fix_frequencies(adapter, longest + 1)
    assert language_model.rotary_emb.rope_type == "dynamic"
    fix_frequencies(adapter, longest)
    assert language_model.rotary_emb.rope_type == "default"
    with pytest.raises(GritError, match=f"more than the {longest}"):
        fix_frequencies(adapter, longest + 1)


def test_cuda_graphs_need_a_gpu(adapter, prompts):
    with pytest.raises(GritError, match=r"rollout\.decode=captured: the model is on the cpu"):
        Sampler(adapter, decode="captured").sample(prompts[:1], [[0]], SHORT)


@pytest.mark.parametrize("family", ["qwen", "qwen3", "internvl"])
def test_auto_captures_only_what_was_measured(family, monkeypatch):
    """A model on the GPU as far as it says, which is all that is asked."""
    model, processor = build_tiny(family, seed=0)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    chosen = []
    monkeypatch.setattr(sampler_module, "Captured", lambda adapter: "graphs")
    monkeypatch.setattr(
        sampler_module, "StaticDecoding", lambda stepper, prefilled: chosen.append(stepper)
    )
    monkeypatch.setattr(sampler_module, "DynamicDecoding", lambda *_: chosen.append("dynamic"))
    begin_decoding(adapter, "auto", None)
    monkeypatch.setattr(type(adapter), "device", torch.device("cuda"))
    begin_decoding(adapter, "auto", None)
    model.config._attn_implementation = "flash_attention_2"
    begin_decoding(adapter, "auto", None)
    model.config._attn_implementation = "sdpa"
    monkeypatch.setattr(sampler_module, "FSDPModule", type(model))  # as if its layers were in parts
    begin_decoding(adapter, "auto", None)
    assert chosen == ["dynamic", "graphs", "dynamic", "dynamic"]


@needs_gpu
@pytest.mark.parametrize("way", ["auto", "static", "captured"])
@pytest.mark.parametrize("family", ["qwen", "qwen3", "internvl"])
def test_on_a_gpu_every_way_changes_no_token(photographs, family, way, monkeypatch):
    monkeypatch.setattr(static_decoding, "SLOTS", 64)  # 52 or 53 tokens and 40 more: it grows
    model, processor = build_tiny(family, seed=0)
    adapter = ADAPTERS[model.config.model_type](model.cuda(), processor)
    adapter.end_ids = frozenset(range(0, len(adapter.tokenizer), 40))
    prompt = adapter.encode("p", "\nQuestion: How many?", photographs[0], picture="i")
    sampling, seeds = Sampling(max_new_tokens=40), [list(range(12))]
    expected = Sampler(adapter).sample([prompt], seeds, sampling)
    sampler = Sampler(adapter, decode=way)
    for _ in range(2):
        assert sampler.sample([prompt], seeds, sampling) == expected


@needs_gpu
@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("family", ["qwen", "qwen3", "internvl"])
def test_on_a_gpu_graphs_hold_autocast_and_lora(photographs, family, lora, monkeypatch):
    """The captured step against the same step uncaptured, as Lightning's bf16-mixed runs it."""
    monkeypatch.setattr(static_decoding, "SLOTS", 64)
    model, processor = build_tiny(family, seed=0)
    adapter = ADAPTERS[model.config.model_type](model.cuda(), processor)
    if lora:
        add_lora(adapter, lora_of(4, 64, ["q_proj", "down_proj"]), with_vision=False)
        for name, parameter in adapter.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
    adapter.end_ids = frozenset(range(0, len(adapter.tokenizer), 40))
    prompt = adapter.encode("p", "\nQuestion: How many?", photographs[0], picture="i")
    sampling, seeds = Sampling(max_new_tokens=40), [list(range(12))]
    with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
        expected = Sampler(adapter, decode="static").sample([prompt], seeds, sampling)
        found = Sampler(adapter, decode="auto").sample([prompt], seeds, sampling)
    assert found == expected
    assert found != Sampler(adapter).sample([prompt], seeds, sampling)  # it was cast


def test_there_are_few_sizes_and_little_room_is_left_over():
    found = {row_room(rows) for rows in range(1, 129)}
    assert sorted(found) == [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]
    assert all(rows <= row_room(rows) <= max(4, 1.5 * rows) for rows in range(1, 129))


def test_one_graph_is_captured_at_a_time(monkeypatch):
    """CUDA knows no two captures in one process: two models may be asked in the same moment."""
    under_way, most = [], []

    def capturing(self, buffers):
        under_way.append(self)
        most.append(len(under_way))
        time.sleep(0.05)
        under_way.remove(self)
        return SimpleNamespace(replay=lambda: None), "logits"

    monkeypatch.setattr(static_decoding.Captured, "_captured", capturing)
    steppers = [object.__new__(static_decoding.Captured) for _ in range(4)]
    for each in steppers:
        each._of = None
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda each: each(object()), steppers)) == ["logits"] * 4
    assert most == [1] * 4
