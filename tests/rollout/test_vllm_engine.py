"""The client of vLLM's servers, against one on this machine that answers as they do, or wrongly."""

import re
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from composing import config
from fake_vllm import FakeVLLM
from safetensors import SafetensorError
from safetensors.torch import load_file
from settings_of import lora as lora_of

from grit.core.errors import GritError, Resumable
from grit.models.loading import load_base
from grit.models.lora import add_lora
from grit.models.settings import ModelSettings
from grit.rollout import vllm_engine
from grit.rollout.engines import engine_of
from grit.rollout.sampler import Sampler
from grit.rollout.settings import GREEDY, RolloutSettings, Sampling
from grit.rollout.vllm_command import Served, check_lora
from grit.rollout.vllm_engine import VLLM
from grit.rollout.vllm_server import KEY, EngineFailed, VLLMServer

SHORT = Sampling(max_new_tokens=8)


@pytest.fixture
def fakes(adapter, prompts):
    made = [FakeVLLM(adapter, prompts) for _ in range(2)]
    yield made
    for each in made:
        each.close()


def engine(adapter, fakes, folder=None, timeout=20.0):
    made = VLLM(adapter, [VLLMServer(each.url, timeout) for each in fakes], folder)
    try:
        made.update(0, adapter.model.state_dict)
    except Resumable:
        made.close()
        raise
    return made


def bare(groups):
    return [[replace(each, logps=None) for each in group] for group in groups]


def test_completions_are_those_of_the_model_behind_it(adapter, prompts, fakes, tmp_path):
    seeds = [[7, 2**62], [8, 9], [10, 11]]
    with engine(adapter, fakes, tmp_path) as vllm:
        said = vllm.sample(prompts, seeds, SHORT)
        greedy = vllm.sample(prompts, [[0]] * 3, replace(SHORT, temperature=0.0))
    assert bare(said) == Sampler(adapter).sample(prompts, seeds, SHORT)
    assert bare(greedy) == Sampler(adapter).sample(
        prompts, [[0]] * 3, replace(SHORT, temperature=0.0)
    )
    assert all(each.logps == (-0.5,) * len(each.token_ids) for group in said for each in group)
    asked = [sum(path.endswith("generate") for path in each.paths()) for each in fakes]
    assert asked == [4 + 2, 2 + 1]  # prompts go round the servers


def test_the_home_folder_in_the_servers_interpreter_is_this_users():
    found = config("rollout=vllm", "rollout.python='~/vllm/bin/python'", "rollout.launch=true")
    adapter = SimpleNamespace(model=None)
    words = Served(found.model).command(adapter, found.rollout, on_gpu=True)
    assert words[0] == str(Path.home() / "vllm" / "bin" / "python")


def test_what_watches_is_told_of_whole_completions(adapter, prompts, fakes, tmp_path):
    told = {}

    def watch(place, number, token_ids, ended):
        told[place, number] = token_ids, ended

    with engine(adapter, fakes, tmp_path) as vllm:
        said = vllm.sample(prompts, [[7, 8]] * 3, SHORT, watch)
    assert told == {
        (place, number): (each.token_ids, not each.truncated)
        for place, group in enumerate(said)
        for number, each in enumerate(group)
    }


def test_all_weights_reach_every_server_before_its_first_completion(
    adapter, prompts, fakes, tmp_path
):
    files = {}

    def noted(fake):
        answer = fake.answer

        def answering(path, asked):
            if path == "/update_weights":
                files[fake.url] = load_file(asked["update_info"]["path"])
            return answer(path, asked)

        fake.answer = answering

    for each in fakes:
        noted(each)
    with engine(adapter, fakes, tmp_path) as vllm:
        vllm.update(0, lambda: pytest.fail("it has them"))
        first = vllm.label
        vllm.update(1, adapter.model.state_dict)
        assert vllm.label != first
        vllm.sample(prompts[:1], [[0]], SHORT)
    expected = dict(adapter.plain.named_parameters())
    for each in fakes:
        order = [path for path in each.paths() if not path.endswith("generate")]
        once = ["/pause", "/start_weight_update", "/update_weights"]
        assert order == [*once, "/finish_weight_update", "/resume"] * 2
        assert files[each.url].keys() == expected.keys()
        assert all(torch.equal(files[each.url][name], expected[name]) for name in expected)
    assert not list(tmp_path.iterdir())  # nothing is left


def test_lora_is_sent_by_a_new_name_each_time(prompts, tmp_path):
    adapter = load_base("tiny:qwen-random", seed=0)
    add_lora(adapter, lora_of(2, 4, ["q_proj"]), with_vision=False)
    fake = FakeVLLM(adapter, prompts)
    with engine(adapter, [fake], tmp_path) as vllm:
        first = vllm.label
        (folder,) = tmp_path.iterdir()
        assert {"adapter_config.json", "adapter_model.safetensors"} <= {
            path.name for path in folder.iterdir()
        }
        vllm.update(1, adapter.model.state_dict)
        second = vllm.label
    fake.close()
    loaded = [(path, asked["lora_name"]) for path, asked in fake.posted]
    assert loaded == [
        ("/v1/load_lora_adapter", first),
        ("/v1/load_lora_adapter", second),
        ("/v1/unload_lora_adapter", first),
        ("/v1/unload_lora_adapter", second),  # at the end
    ]
    assert first != second


def test_lora_is_not_sampled_on_a_base_that_another_run_has_replaced(adapter, prompts, tmp_path):
    """A server keeps the weights that it was sent; the prompts' ids do not tell."""
    learning = type(adapter)(deepcopy(adapter.model), adapter.processor)
    add_lora(learning, lora_of(2, 4, ["q_proj"]), with_vision=False)
    fake = FakeVLLM(adapter, prompts)
    with engine(learning, [fake], tmp_path) as vllm:
        vllm.sample(prompts[:1], [[0]], SHORT)
    with engine(adapter, [fake], tmp_path) as vllm:
        left = vllm.label
    said = f"has weights of version {left} in the place of its base"
    with engine(learning, [fake], tmp_path) as vllm, pytest.raises(GritError, match=said):
        vllm.sample(prompts[:1], [[0]], SHORT)
    fake.close()


def test_lora_that_vllm_would_leave_out_is_refused():
    adapter = load_base("tiny:internvl-random", seed=0)
    add_lora(adapter, lora_of(2, 4, ["q_proj"]), with_vision=True)
    with pytest.raises(GritError, match=r"vLLM has no LoRA in InternVL's vision tower"):
        check_lora(adapter)


def test_a_server_has_the_context_that_fits_on_a_gpu(adapter):
    found = config("rollout=vllm", "rollout.launch=true")
    words = Served(found.model).command(adapter, found.rollout, on_gpu=True)
    assert words[words.index("--max-model-len") + 1] == "auto"


FAULTS = {
    "another prompt": (lambda a: a["prompt_token_ids"].pop(3), "first other one at 3"),
    "old weights": (
        lambda a: a["choices"][0]["weight_versions"][0].update(version="default"),
        "weights of version default",
    ),
    "no version": (lambda a: a["choices"][0].update(weight_versions=None), "version none"),
    "an early end": (
        lambda a: (
            a["choices"][0]["token_ids"].__setitem__(slice(None), [40]),
            a["choices"][0]["logprobs"]["content"].__delitem__(slice(1, None)),
        ),
        "ended a completion after 1 tokens",
    ),
    "no log-probabilities": (
        lambda a: a["choices"][0]["logprobs"]["content"].pop(),
        "log-probabilities",
    ),
    "no choice": (lambda a: a.update(choices=[]), "another form"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_answer_is_one_line(adapter, prompts, fakes, tmp_path, fault):
    change, says = FAULTS[fault]
    fakes[1].change = lambda answer: (change(answer), answer)[1]
    with engine(adapter, fakes, tmp_path) as vllm, pytest.raises(EngineFailed, match=says) as said:
        vllm.sample(prompts, [[0], [1], [2]], SHORT)
    assert fakes[1].url in str(said.value)
    assert "\n" not in str(said.value)


def test_who_does_not_answer_is_named(adapter, prompts, fakes, tmp_path):
    with engine(adapter, fakes[:1], tmp_path, timeout=0.3) as vllm:
        fakes[0].hangs = 1.0
        with pytest.raises(EngineFailed, match=r"not answered for 0\.3 s \(rollout\.timeout\)"):
            vllm.sample(prompts[:1], [[0]], SHORT)
    with engine(adapter, fakes[1:], tmp_path) as vllm:
        fakes[1].close()
        with pytest.raises(EngineFailed, match="does not answer any more"):
            vllm.sample(prompts[:1], [[0]], SHORT)
        fakes[1].close = lambda: None


def test_a_refusal_is_one_line_and_the_server_goes_on(adapter, fakes, tmp_path):
    fakes[0].refused["/update_weights"] = 500
    with pytest.raises(Resumable, match="answers 500 to /update_weights") as said:
        engine(adapter, fakes[:1], tmp_path)
    assert "\n" not in str(said.value)
    assert fakes[0].paths()[-1] == "/resume"
    assert fakes[0].version == "broken"  # and no weights that any run asks for


def test_what_fails_first_is_said_and_the_update_is_ended(adapter, fakes, tmp_path):
    """vLLM begins no other update before; a dead engine refuses all that follows."""
    fakes[0].refused |= {"/update_weights": 500, "/finish_weight_update": 500, "/resume": 500}
    with pytest.raises(Resumable, match="answers 500 to /update_weights"):
        engine(adapter, fakes[:1], tmp_path)
    assert fakes[0].paths()[-2:] == ["/finish_weight_update", "/resume"]


@pytest.mark.parametrize("kind", ["missing", "a file"])
def test_a_folder_that_weights_cannot_be_written_to_is_one_line(adapter, tmp_path, kind):
    folder = tmp_path / "weights"
    if kind == "a file":
        folder.write_text("")
    settings = RolloutSettings(name="vllm", urls=["http://127.0.0.1:1"], weights_folder=str(folder))
    says = re.escape(f"rollout.weights_folder={folder}: there is no such folder")
    opened = engine_of(adapter, settings, Served(ModelSettings(name="m", path="m")), tmp_path)
    with pytest.raises(GritError, match=says), opened:
        pass


@pytest.mark.parametrize("ends", ["", "\n", "\r\n"])
def test_the_key_of_the_environment_is_sent(monkeypatch, ends):
    monkeypatch.setenv(KEY, f"of-the-tests-0123456789{ends}")
    headers = VLLMServer("http://127.0.0.1:1", 1.0)._client.headers
    assert headers["Authorization"] == "Bearer of-the-tests-0123456789"


def test_a_key_that_can_be_none_is_one_line(monkeypatch):
    monkeypatch.setenv(KEY, "of-thé-tests-0123456789")
    with pytest.raises(GritError, match=r"VLLM_API_KEY: .* outside ASCII"):
        VLLMServer("http://127.0.0.1:1", 1.0)


def test_waiting_can_be_interrupted(adapter, prompts, fakes, tmp_path):
    """The thread that waits for servers is no reason to wait for it."""
    import signal

    class Now(Exception):
        pass

    def now(*_):
        raise Now

    with engine(adapter, fakes[:1], tmp_path) as vllm:
        fakes[0].hangs = 5.0
        before = signal.signal(signal.SIGALRM, now)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        began = time.monotonic()
        try:
            with pytest.raises(Now):
                vllm.sample(prompts[:1], [[0]], GREEDY)
        finally:
            signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("token_ids", [[40, 41, 42]])
def test_a_prompt_is_sent_with_one_placeholder(adapter, prompts, token_ids):
    for prompt in prompts:
        sent = adapter.with_one_placeholder(prompt.input_ids.tolist())
        assert sent.count(adapter.image_id) == 1
        again = adapter.with_one_placeholder([*prompt.input_ids.tolist(), *token_ids])
        assert again == [*sent, *token_ids]
        assert re.sub(r"\s", "", adapter.decode(sent)) == re.sub(
            r"\s", "", adapter.decode(prompt.input_ids.tolist())
        )


def no_room(*_, **__):
    raise SafetensorError(
        "Error while serializing: I/O error: No space left on device (os error 28)"
    )


def test_a_full_folder_of_weights_is_named_with_what_to_do(adapter, fakes, monkeypatch, tmp_path):
    monkeypatch.setattr(vllm_engine, "save_file", no_room)
    monkeypatch.setattr(vllm_engine, "MEMORY", tmp_path)
    with pytest.raises(GritError) as raised:
        engine(adapter, fakes)
    assert re.fullmatch(
        rf"a version of the weights takes [0-9.]+ MB, and {tmp_path} has no room for it: name "
        r"another place by rollout\.weights_folder=FOLDER, or enlarge it \(docker run --shm-size\)",
        str(raised.value),
    )


def test_servers_of_another_user_can_read_the_weights(adapter, fakes, tmp_path):
    modes, answer = [], fakes[0].answer

    def answering(path, asked):
        if path == "/update_weights":
            file = Path(asked["update_info"]["path"])
            modes.extend(oct(each.stat().st_mode & 0o777) for each in (file.parent, file))
        return answer(path, asked)

    fakes[0].answer = answering
    engine(adapter, fakes, tmp_path).close()
    assert modes == ["0o755", "0o644"]
