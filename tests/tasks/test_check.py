"""``task=check``: what it says of the models, and what it finds before a run would."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from composing import config
from PIL import Image

from grit.core.errors import GritError
from grit.tasks.train import _check_learnt

Command = Callable[..., Any]
CONTRACT = {
    *("model", "family", "vocabulary", "forbidden_ids", "end_ids", "stop_tokens", "box_space"),
    *("prompt_tokens", "memory_gb", "judge_calls", "problems"),
}


@pytest.fixture
def check(command: Command, tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """Run the task; how it ended, and what is in ``check.json``."""

    def run(*overrides: str) -> tuple[Any, dict[str, Any]]:
        ended = command("task=check", "hydra.run.dir=run", *overrides)
        path = tmp_path / "run" / "check.json"
        return ended, json.loads(path.read_text()) if path.exists() else {}

    return run


@pytest.mark.parametrize("model", ["tiny_qwen", "tiny_internvl"])
def test_the_miniature(check, model: str) -> None:
    ended, found = check(f"model={model}", "suite.limit=3")
    assert (ended.code, ended.err) == (0, "")
    assert set(found) >= CONTRACT
    assert found["problems"] == []
    assert found["judge_calls"] == 0
    assert found["questions"] == {"training": 20, "test": 18}
    assert set(found["memory_gb"]) == {"weights", "states", "cache", "activations", "total"}
    assert "First, think between <think> and </think>" in ended.out
    assert "problems" in ended.out


def test_devices_share_a_step_which_one_process_checks(check) -> None:
    _, one = check("suite.limit=3")
    ended, two = check("suite.limit=3", "trainer=zero1", "trainer.devices=2")
    assert (ended.code, ended.err, two["problems"]) == (0, "", [])
    assert "s a step on each of 2 H100" in ended.out
    assert (one["devices"], two["devices"]) == (1, 2)
    assert two["memory_gb"]["states"] == pytest.approx(
        one["memory_gb"]["states"] * 8 / 12, abs=0.01
    )
    assert two["seconds_per_evaluation"] <= one["seconds_per_evaluation"]


def test_validations_and_what_is_not_installed_are_told(check, monkeypatch) -> None:
    ended, found = check("suite.limit=1", "evaluation.every=20", "validation.limit=3")
    assert (ended.code, found["validations"]) == (0, 3)
    assert "for each validation, of which there are 3" in " ".join(ended.out.split())
    monkeypatch.setattr("grit.runs.early.find_spec", lambda name: None)
    zero2 = "trainer=deepspeed_zero2", "trainer.devices=2"
    ended, found = check("suite.limit=1", "logger=trackio", *zero2)
    assert ended.code == 1
    assert "needs the package deepspeed" in found["problems"][0]


def test_questions_are_asked_by_parts_of_a_set(check, replica) -> None:
    """65 of them take two parts, of which each is as long as its longest completion."""
    model = "model=qwen2_5_vl_3b", f"model.path={replica('qwen_real')}", "method=direct"
    (_, one), (_, two) = (check(*model, f"suite.limit={limit}") for limit in (64, 65))
    assert two["seconds_per_evaluation"] > 1.5 * one["seconds_per_evaluation"]


REAL = {
    "qwen_real": ("qwen2_5_vl_3b", "qwen2_5_vl", 151936, 151935, "resized"),
    "internvl_real": ("internvl3_2b", "internvl", 151674, 151667, "normalized_1000"),
    "qwen_7b": ("qwen2_5_vl_7b", "qwen2_5_vl", 152064, 152063, "resized"),
    "internvl3_5_1b": ("internvl3_5_1b", "internvl", 151936, 151935, "normalized_1000"),
    "internvl3_5_2b": ("internvl3_5_2b", "internvl", 151936, 151935, "normalized_1000"),
    "internvl3_5_4b": ("internvl3_5_4b", "internvl", 151936, 151935, "normalized_1000"),
    "qwen3_2b": ("qwen3_vl_2b", "qwen3_vl", 151936, 151935, "normalized_1000"),
    "qwen3_4b": ("qwen3_vl_4b", "qwen3_vl", 151936, 151935, "normalized_1000"),
    "qwen3_8b": ("qwen3_vl_8b", "qwen3_vl", 151936, 151935, "normalized_1000"),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_models_without_their_weights(check, replica, name: str) -> None:
    model, family, rows, largest, space = REAL[name]
    ended, found = check(f"model={model}", f"model.path={replica(name)}", "suite.limit=1")
    assert (ended.code, ended.err) == (0, "")
    assert (found["model"], found["family"], found["vocabulary"]) == (model, family, rows)
    assert found["forbidden_ids"]["max"] == largest
    assert found["end_ids"] == [151643, 151645]
    assert found["stop_tokens"] == [522, 9217, 29]
    assert found["box_space"] == space
    first = found["prompts"][0]
    assert first["tokens"] <= found["prompt_tokens"]["max"]
    assert first["box"]["read"] == pytest.approx(first["box"]["annotated"], abs=1)


def test_auto_reads_the_family_from_the_folder(check, replica) -> None:
    ended, found = check("model=auto", f"model.path={replica('qwen3_2b')}", "suite.limit=1")
    assert (ended.code, ended.err) == (0, "")
    assert (found["model"], found["family"]) == ("qwen3_2b", "qwen3_vl")


def test_auto_says_that_it_knows_no_adapter(check, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "idefics3"}')
    ended, found = check("model=auto", "model.path=other", "suite.limit=1")
    assert ended.code == 1
    assert found["problems"] == [ended.err.strip().removeprefix("grit: ")]
    assert "its family is idefics3; there are adapters for qwen2_5_vl, " in found["problems"][0]


def test_auto_needs_a_path(check) -> None:
    ended, found = check("model=auto", "suite.limit=1")
    assert ended.code == 1
    assert "model=auto needs model.path=FOLDER or a Hub id" in found["problems"][0]


@pytest.mark.parametrize(("training", "measured"), [("paper_lora", 15.8), ("paper", 73.0)])
def test_memory_is_near_what_was_measured(check, replica, training: str, measured: float) -> None:
    """Peaks of a 3B step on an H100 and an H200, benchmarks/README.md: 32 x 4 x 300 tokens."""
    model = "model=qwen2_5_vl_3b", f"model.path={replica('qwen_real')}"
    shape = "rollout.sampling.max_new_tokens=300", f"training={training}", "suite.limit=1"
    layers = "model.gradient_checkpointing=true", "rollout.tokens_per_batch=65536"
    _, found = check(*model, *shape, *layers)
    assert found["memory_gb"]["total"] == pytest.approx(measured, rel=0.25)


def test_seconds_are_near_what_was_measured(check, replica) -> None:
    """23.4 s on an H100; the prompts here are shorter."""
    model = "model=qwen2_5_vl_3b", f"model.path={replica('qwen_real')}"
    shape = "rollout.sampling.max_new_tokens=300", "suite.limit=1"
    layers = "model.gradient_checkpointing=true", "rollout.tokens_per_batch=65536"
    _, found = check(*model, *shape, *layers)
    assert found["seconds_per_step"] == pytest.approx(23.4, rel=0.4)


def test_judge_calls_and_their_cost(check, chat) -> None:
    service = "judge=openai", f"judge.base_url={chat.url}/v1", "judge.cache=null"
    _, found = check(*service, "suite.limit=2")
    # Twice ten questions that a judge reads (a box is none), and 60 steps of 32 x 4.
    assert found["judge_calls"] == 2 * 10 + 60 * 32 * 4
    assert found["judge_cost"] == pytest.approx(found["judge_calls"] * (210 * 2.5 + 10 * 10) / 1e6)
    assert len(chat.requests) == 1  # does anybody answer?
    more = "objective=dapo", "evaluation.every=20", "validation.limit=3"
    _, found = check(*service, "suite.limit=2", *more)
    # Groups are replaced up to three times, and six questions are validated three times.
    assert found["judge_calls"] == 2 * 10 + 60 * 32 * 4 * 4 + 3 * 6


def own_row(tmp_path: Path, **fields: Any) -> tuple[str, ...]:
    (tmp_path / "own" / "images").mkdir(parents=True)
    Image.new("RGB", (96, 64), "white").save(tmp_path / "own" / "images" / "dog.png")
    row = {"question": "Where?", "answer": "left", "image": "dog.png", "width": 96, "height": 64}
    for name, more in (("train", fields), ("test", {})):
        text = json.dumps(row | {"dataset": "mine"} | more) + "\n"
        (tmp_path / "own" / f"{name}.jsonl").write_text(text)
    return "data=own", "data.root=own", "training.prompts_per_step=1", "logger=none"


PROBLEMS = {
    "a long question": (
        {"question": "why " * 2_450},
        (),
        ["train.jsonl line 1", "tokens", "4096"],
    ),
    "an endless question": (
        {"question": "why " * 20_000},
        (),
        ["train.jsonl line 1", "question", "80,000 characters"],
    ),
    "positions": ({}, ("rollout.sampling.max_new_tokens=5000",), ["max_new_tokens=5000", "4096"]),
    "captured": ({}, ("rollout.decode=captured", "trainer.accelerator=cpu"), ["captured", "GPU"]),
    "xywh": ({"bboxs": [[50, 40, 20, 10]]}, (), ["train.jsonl line 1", "[x, y, width, height]"]),
    "a term": (
        {},
        ("+reward.terms.mine={call: math.sqrt, weight: 1.0}",),
        ["reward.terms.mine", "TypeError"],
    ),
    "no such GPU": ({}, ("check.gpu=H1000",), ["check.gpu=H1000", "H100"]),
    "weights for nobody": (
        {},
        ("rollout=vllm", "rollout.urls=[http://127.0.0.1:9]", "rollout.weights_folder=/nowhere"),
        ["rollout.weights_folder=/nowhere", "no such folder"],
    ),
    "nothing to serve": (
        {},
        ("rollout=vllm", "model.path=tiny:qwen-random"),
        ["model.path=tiny:qwen-random", "no files that vLLM can load"],
    ),
    "lists of boxes": (
        {},
        ("+suite.sets.more={kind: detect, split: test, rows: 2}",),
        ["suite.sets.more.kind=detect", "there are vsr, tallyqa, gqa, mathvista, mme, ovd"],
    ),
    "a folder that is none": ({}, ("model.path=./nowhere",), ["model.path=./nowhere"]),
}


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("task", ["check", "train"])
def test_what_a_run_would_fail_with_is_one_line(
    command: Command, tmp_path: Path, kind: str, task: str
) -> None:
    fields, overrides, words = PROBLEMS[kind]
    if task == "train" and kind == "no such GPU":
        pytest.skip("nothing of a training")
    run = f"task={task}", "hydra.run.dir=run", "experiment=smoke", *own_row(tmp_path, **fields)
    ended = command(*run, *overrides)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert [word for word in words if word not in line] == []
    assert not (tmp_path / "run" / "results.before.json").exists()
    if task == "check" and kind != "no such GPU":
        found = json.loads((tmp_path / "run" / "check.json").read_text())
        assert [word for word in words if word not in found["problems"][0]] == []


def test_a_judge_that_is_not_there_is_found_at_once(command: Command, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-tests-0123456789")
    run = "experiment=smoke", "judge=openai", "judge.base_url=http://127.0.0.1:9/v1", "logger=none"
    ended = command(*run, "judge.cache=null", "hydra.run.dir=run")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "no connection" in line
    assert "judge.base_url" in line


@pytest.mark.parametrize(
    ("overrides", "rows", "said"),
    [
        ([], [(1.0, 0.0), (1.0, 0.0)], "all earned the same"),
        ([], [(1.0, 0.0), (0.5, 0.1)], None),
        (["objective=papo"], [(1.0, 0.1), (1.0, 0.1)], None),  # its term needs no rewards
        (["training.objective.mask_truncated=true"], [(0.5, 0.0)] * 2, "max_new_tokens cut all"),
    ],
)
def test_what_learning_is(
    tmp_path: Path, overrides: list[str], rows: list[tuple[float, float]], said: str | None
) -> None:
    names = "train/groups_without_variance", "train/grad_norm"
    lines = [{"step": n, **dict(zip(names, row, strict=True))} for n, row in enumerate(rows, 1)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text)
    outcome = nullcontext() if said is None else pytest.raises(GritError, match=said)
    with outcome:
        _check_learnt(tmp_path, config(*overrides).training)


def test_a_run_that_learnt_nothing_does_not_end_well(command: Command, tmp_path: Path) -> None:
    run = "experiment=smoke", "training.must_learn=true", "logger=none", "hydra.run.dir=run"
    ended = command(*run, "rollout.sampling.max_new_tokens=1", "suite.limit=1")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "no step of 2 learnt anything" in line
    assert (tmp_path / "run" / "results.json").exists()
