"""``grit.load``: which model a name means, and that it is asked as an evaluation asks it."""

import shutil
import subprocess
import sys
import tempfile
import weakref
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from composing import config
from fake_vllm import FakeVLLM
from PIL import Image
from replicas import IMAGE_SETTINGS
from settings_of import lora as lora_settings
from trained_run import LORA, write_trained_run

import grit
from grit.config.configuration import composed_config
from grit.core.errors import GritError
from grit.inference.answer_files import PartialRows, write_answers
from grit.inference.questions import Asked, Photograph, drawn
from grit.inference.sources import source_of
from grit.models.loading import load_base, save_trained
from grit.models.lora import add_lora
from grit.models.prompting import Prompting
from grit.models.setup import make_adapter
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling

QUESTION = "How many red circles are there?"
SHORT = ("trainer.accelerator=cpu", "evaluation.max_new_tokens=24")
ASKED = drawn(0, QUESTION)
SCENE = ASKED.picture.load()


def greedy(adapter, prompting: Prompting | None = None) -> str:
    """What the evaluation loop's sampler makes of the question."""
    prompt = (prompting or Prompting()).encode(ASKED.sample(), adapter)
    (group,) = Sampler(adapter).sample([prompt], [[0]], Sampling(temperature=0, max_new_tokens=24))
    return group[0].text


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory):
    """A run that trained all weights: its folder, and what its model says."""
    folder = tmp_path_factory.mktemp("runs") / "full"
    return folder, greedy(write_trained_run(folder))


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("runs") / "lora"
    return folder, greedy(write_trained_run(folder, *LORA, "model=tiny_internvl", shake=0.2))


@pytest.fixture(scope="module")
def base():
    return grit.load(None, *SHORT)


def test_importing_grit_loads_nothing_heavy():
    program = "import grit, sys; print({'torch', 'transformers', 'hydra'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_without_a_name_it_is_the_miniature(base):
    assert base.name == "tiny_qwen"
    assert base.ask(SCENE, QUESTION).completion == greedy(base.adapter)


def test_another_engine_is_asked_where_it_is_named(base):
    prompt = base.prompting.encode(ASKED.sample(), base.adapter)
    server = FakeVLLM(base.adapter, [prompt])
    model = grit.load(None, *SHORT, "rollout=vllm", f"rollout.urls=[{server.url}]")
    try:
        assert model.ask(SCENE, QUESTION).completion == greedy(base.adapter)
        *_, whole = model.stream(SCENE, QUESTION)
        assert whole.completion == greedy(base.adapter)
        assert sum(path.endswith("generate") for path in server.paths()) == 2
    finally:
        model.close()
        server.close()


def test_the_log_of_an_engine_that_cannot_be_started_is_there_to_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(GritError, match="the server ended") as said:
        grit.load(None, *SHORT, "rollout=vllm", "rollout.python=/bin/false")
    (log,) = tmp_path.glob("grit-*/vllm.log")
    assert str(log) in str(said.value)


def test_the_folder_of_an_engine_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = grit.load(None, *SHORT)
    assert list(tmp_path.glob("grit-*"))
    model.close()
    assert not list(tmp_path.glob("grit-*"))


@pytest.mark.parametrize("run", ["full", "lora"])
def test_a_run_is_asked_by_its_own_settings(request, base, run):
    folder, said = request.getfixturevalue(run)
    for name in (folder, folder / "model"):
        model = grit.load(name)
        assert model.name == folder.name
        assert model.config.model.name == ("tiny_internvl" if run == "lora" else "tiny_qwen")
        assert model.ask(SCENE, QUESTION).completion == said
    assert said != base.ask(SCENE, QUESTION).completion


def test_the_command_line_counts_more_than_the_run(full):
    folder, _ = full
    model = grit.load(
        folder,
        *("evaluation.max_new_tokens=3", "method=direct", "model.attention=eager"),
        "rollout.tokens_per_batch=99",
    )
    assert model.config.evaluation.max_new_tokens == 3
    assert model.engine.tokens_per_batch == 99
    assert model.config.method.name == "direct"
    assert model.config.model.attention == "eager"
    assert not model.prompting.suffix
    answer = model.ask(SCENE, QUESTION)
    assert len(model.adapter.tokenizer(answer.completion)["input_ids"]) <= 3
    assert answer.answer == answer.completion.strip()


@pytest.mark.parametrize(
    ("overrides", "of_run", "of_folder"),
    [
        ((), 24, 1000),
        (("evaluation.temperature=0.7",), 24, 1000),
        (("rollout.decode=dynamic",), 24, 1000),
        (("rollout.sampling.max_new_tokens=33",), 33, 33),
        (("evaluation.max_new_tokens=7", "rollout.sampling.max_new_tokens=33"), 7, 7),
    ],
    ids=str,
)
def test_a_chain_is_as_long_as_the_run_or_the_command_line_says(
    full, tmp_path, overrides, of_run, of_folder
):
    """And as long as real models' chains are where the model is no run: never the miniature's."""
    folder, _ = full
    elsewhere = shutil.copytree(folder / "model", tmp_path / "model")
    for name, length in ((folder, of_run), (elsewhere, of_folder)):
        found = source_of(config("task=infer", f"checkpoint={name}", *overrides), overrides).config
        assert found.evaluation.max_new_tokens == length


def test_the_longest_prompt_is_the_command_lines_and_no_other_setting_of_its_data(full):
    folder, _ = full
    model = grit.load(folder, "data.max_prompt_tokens=20")
    line = (
        r"^the image: its prompt has \d+ tokens, .* at most 20 are allowed \(data\.max_prompt_tok"
    )
    with pytest.raises(GritError, match=line):
        model.ask(SCENE, QUESTION)
    chosen = grit.load(folder, "data=vsr_tally", "data.max_prompt_tokens=20").config
    assert chosen.data == replace(grit.load(folder).config.data, max_prompt_tokens=20)


def test_a_model_folder_of_elsewhere_says_itself_what_it_is(full, tmp_path):
    folder, said = full
    model = tmp_path / "model"
    (folder / "model").rename(model)  # no run's settings beside it
    try:
        loaded = grit.load(model, "trainer.accelerator=cpu")
        assert (loaded.name, loaded.config.model.dtype) == ("model", "float32")
        assert loaded.config.evaluation.max_new_tokens == 1000
        short = grit.load(model, *SHORT)
        assert short.ask(SCENE, QUESTION).completion == said
    finally:
        model.rename(folder / "model")


def test_an_adapter_of_elsewhere_names_its_base(tmp_path):
    adapter = write_trained_run(tmp_path / "run", *LORA, shake=0.2)
    said = greedy(adapter)
    base = tmp_path / "base"
    with adapter.without_lora():
        plain = grit.load(None, *SHORT).adapter
    save_trained(plain, base)
    alone = tmp_path / "adapter"
    adapter.model.peft_config["default"].base_model_name_or_path = str(base)
    save_trained(adapter, alone)
    assert grit.load(alone, *SHORT).ask(SCENE, QUESTION).completion == said
    base.rename(tmp_path / "gone")
    with pytest.raises(GritError, match="which is not here: say by model="):
        grit.load(alone)
    assert grit.load(alone, "model=tiny_qwen", *SHORT).ask(SCENE, QUESTION).completion == said


@pytest.mark.parametrize("family", ["qwen", "internvl"])
def test_an_adapter_of_elsewhere_is_asked_at_the_image_sizes_of_its_training(
    replica, tmp_path, family
):
    trained = load_base(str(replica(family)), image=IMAGE_SETTINGS[family])
    add_lora(trained, lora_settings(2, 4, ["q_proj"]), with_vision=False)
    alone = tmp_path / "adapter"
    save_trained(trained, alone)
    config = replace(composed_config("task=infer"), checkpoint=str(alone))
    found = source_of(config, [])
    assert found.config.model.image == IMAGE_SETTINGS[family]
    asked = make_adapter(found.config.model, learning=False, checkpoint=found.checkpoint)
    assert asked.image_tokens(1280, 960) == trained.image_tokens(1280, 960)
    assert asked.image_tokens(1280, 960) != load_base(str(replica(family))).image_tokens(1280, 960)
    name, smaller = ("max_pixels", 50176) if family == "qwen" else ("max_patches", 1)
    set_here = f"model.image.{name}={smaller}"
    given = composed_config("task=infer", f"+{set_here}")
    assert source_of(replace(given, checkpoint=str(alone)), [set_here]).config.model.image == {
        **IMAGE_SETTINGS[family],
        name: smaller,
    }


def test_a_model_of_the_hub(hub, full):
    folder, said = full
    hub.put_model("me/some-model", folder / "model")
    model = grit.load("me/some-model", *SHORT)
    assert model.name == "me/some-model"
    assert model.ask(SCENE, QUESTION).completion == said


def test_a_name_that_is_nothing(hub):
    with pytest.raises(GritError, match="checkpoint=nowhere: expected"):
        grit.load("nowhere")
    with pytest.raises(GritError, match="cannot give it"):
        grit.load("me/nothing")
    with pytest.raises(GritError, match="grup_size"):
        grit.load(None, "training.grup_size=3")


def test_what_load_would_not_go_by_is_refused():
    with pytest.raises(GritError, match="checkpoint=nowhere: expected"):
        grit.load(None, "checkpoint=nowhere")
    with pytest.raises(GritError, match="runs/a and checkpoint=runs/b: name one model"):
        grit.load("runs/a", "checkpoint=runs/b")
    with pytest.raises(GritError, match=r"samples=4 says nothing of a model: ask\("):
        grit.load(None, "samples=4")


def test_a_stream_grows_to_the_answer(base):
    parts = list(base.stream(SCENE, QUESTION))
    whole = base.ask(SCENE, QUESTION)
    assert len(parts) > 5
    assert parts[-1] == whole
    for shorter, longer in pairwise(parts):
        assert longer.completion.startswith(shorter.completion)
    counts = [len(part.boxes) for part in parts]
    assert counts == sorted(counts)
    assert all(part.boxes == whole.boxes[: len(part.boxes)] for part in parts)


def test_a_box_is_whole_when_it_appears(base, monkeypatch):
    said = "<think> a [36, 73, 48, 85] </think> <answer> [1, 2, 3, 456"
    monkeypatch.setattr(base.adapter, "decode", lambda ids: said[: len(ids)])
    seen = {box for part in base.stream(SCENE, QUESTION) for box in part.boxes}
    assert seen == set(base.ask(SCENE, QUESTION).boxes)


def test_a_stream_that_nobody_wants_stops_the_model(base, monkeypatch):
    steps = []
    logits = base.adapter.logits
    monkeypatch.setattr(base.adapter, "logits", lambda h: steps.append(1) or logits(h))
    stream = base.stream(SCENE, QUESTION)
    next(stream)
    stream.close()
    base.ask(SCENE, "?")  # waits for the lock
    asked = len(steps)
    list(base.stream(SCENE, QUESTION))
    assert asked < 2 * (len(steps) - asked) + 3


def test_a_stream_ends_with_its_time_also_where_no_token_comes(base):
    with base._lock, pytest.raises(TimeoutError):  # another question is being answered
        next(base.stream(SCENE, QUESTION, within=0.2))
    assert list(base.stream(SCENE, QUESTION, within=600))[-1] == base.ask(SCENE, QUESTION)


def test_where_it_looked_while_it_wrote_a_box(base):
    answer = replace(base.ask(SCENE, QUESTION), completion="<think> a [8, 9, 70, 80] </think>")
    found = base.attention(answer, 1)
    assert found.shape == (6, 6)
    assert 0 < found.sum() < 1
    with pytest.raises(KeyError):
        base.attention(answer, 2)


def test_an_error_in_a_stream_is_raised(base, monkeypatch):
    def broken(*_):
        raise RuntimeError("the model broke")

    monkeypatch.setattr(base.adapter, "logits", broken)
    with pytest.raises(RuntimeError, match="the model broke"):
        list(base.stream(SCENE, QUESTION))


def test_samples_differ_and_come_again(base):
    first, again = (base.sample(SCENE, QUESTION, 4) for _ in range(2))
    assert [each.completion for each in first] == [each.completion for each in again]
    assert [each.sample for each in first] == [1, 2, 3, 4]
    assert len({each.completion for each in first}) > 1
    other = base.sample(SCENE, QUESTION, 4, seed=1)
    assert [each.completion for each in other] != [each.completion for each in first]


def test_questions_in_one_batch_are_answered_as_alone(base):
    questions = [drawn(0, QUESTION), drawn(1), drawn(2)]
    groups = list(base.answered(questions))
    assert [group[0].question for group in groups] == [each.question for each in questions]
    for asked, (answer,) in zip(questions, groups, strict=True):
        assert answer.completion == base.ask(asked.picture.load(), asked.question).completion


def test_pictures_of_many_questions_are_not_kept(base, tmp_path):
    """Decoded ones of a telephone take 36 MB each."""
    kept: list[weakref.ref] = []
    questions = []
    for number in range(3):
        file = tmp_path / f"{number}.png"
        SCENE.save(file)
        questions.append(Asked(file.name, Photograph(file), QUESTION))

    def answers():
        for (answer,) in base.answered(questions):
            assert [each for each in kept[:-1] if each() is not None] == []  # but the one in hand
            kept.append(weakref.ref(answer.image))
            yield answer

    assert len(list(write_answers(answers(), tmp_path, "m", PartialRows(tmp_path, "x", 1)))) == 3
    assert len(kept) == 3
    assert len((tmp_path / "inference.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "most", ["inference.grounded_model.AT_A_TIME", "rollout.parts.BYTES_AT_A_TIME"]
)
def test_more_questions_than_are_in_memory_are_told_by_their_own_number(base, monkeypatch, most):
    monkeypatch.setattr(f"grit.{most}", 2)
    seen: dict[int, bool] = {}
    list(
        base.answered(
            [drawn(n) for n in range(3)], watch=lambda q, _, __, end: seen.update({q: end})
        )
    )
    assert sorted(seen) == [0, 1, 2]


def test_what_cannot_be_asked(base, tmp_path):
    with pytest.raises(GritError, match="is missing"):
        base.ask(tmp_path / "none.png", QUESTION)
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(GritError, match="cannot be read as an image"):
        base.ask(tmp_path / "a.png", QUESTION)
    with pytest.raises(GritError, match="tokens"):
        base.ask(SCENE, "why " * 3000)
    assert base.ask(Image.new("RGB", (300, 20)), QUESTION).image.size == (300, 20)


def test_several_threads_wait_in_line(base):
    from concurrent.futures import ThreadPoolExecutor

    alone = base.ask(SCENE, QUESTION).completion
    with ThreadPoolExecutor(3) as pool:
        said = pool.map(lambda _: base.ask(SCENE, QUESTION).completion, range(3))
        assert set(said) == {alone}
    assert torch.is_grad_enabled()


def test_a_path_is_named_without_its_place(full):
    assert str(Path(full[0]).parent) not in grit.load(full[0]).name
