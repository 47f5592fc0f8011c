"""Values and combinations that cannot work are refused in one line."""

import dataclasses
from typing import Any

import pytest
from composing import (
    composed,
    config,
    refusal,
    with_value,
)
from omegaconf import DictConfig, OmegaConf

from grit.config.identity import plain
from grit.config.schema import Config
from grit.config.validating import validated
from grit.judge.settings import ServiceJudgeSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("training.group_size", 1),
        ("training.prompts_per_step", 0),
        ("training.updates_per_rollout", 0),
        ("training.steps", 0),
        ("training.learning_rate", 0.0),
        ("training.learning_rate", float("nan")),
        ("training.learning_rate", float("inf")),
        ("training.sft.learning_rate", 0.0),
        ("training.warmup_steps", -1),
        ("training.beta", -0.01),
        ("training.beta", float("nan")),
        ("training.epsilon", -0.2),
        ("training.advantage.delta", -1.0),
        ("rollout.sampling.temperature", 0.0),
        ("rollout.sampling.top_p", 0.0),
        ("rollout.sampling.top_p", 1.5),
        ("rollout.sampling.max_new_tokens", 0),
        ("rollout.tokens_per_batch", 0),
        ("rollout.name", "sglang"),
        ("rollout.importance_cap", 0.0),
        ("rollout.timeout", 0.0),
        ("training.tokens_per_pass", 0),
        ("training.tokens_per_chunk", -1),
        ("evaluation.max_new_tokens", 0),
        ("trainer.max_steps", 0),
        ("trainer.max_steps", -1),
        ("trainer.devices", 0),
        ("trainer.num_nodes", 0),
        ("trainer.checkpoint_every", 0),
        ("trainer.precision", "half"),
        ("trainer.strategy", "none"),
        ("model.attention", "none"),
        ("logger.mode", "sometimes"),
        ("logger.sample_every", 0),
        ("pretrain.pool", 7),
        ("pretrain.small_pool", 7),
        ("pretrain.leading_pool", 7),
        ("suite.limit", 0),
        ("suite.limit", -1),
        ("threads", 0),
        ("model.lora.rank", 0),
        ("data.sources.vsr.rows", -1),
    ],
)
def test_a_value_that_cannot_work_is_named(default: DictConfig, field: str, value: Any) -> None:
    assert field in refusal(with_value(default, field, value))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["task=score"], ["input", "output"]),
        (["task=score", "input=a.jsonl"], ["output"]),
        (["task=score", "output=a.jsonl"], ["input"]),
        # a field of another task would be passed over in silence
        (["input=a.jsonl"], ["input", "score"]),
        (["output=a.jsonl"], ["output", "score"]),
        (["predictions=a.jsonl"], ["predictions", "evaluate"]),
        (["checkpoint=run"], ["checkpoint", "evaluate"]),
        (["task=evaluate", "predictions=a.jsonl", "checkpoint=run"], ["predictions", "checkpoint"]),
        (["method.example=true", "method.suffix=false"], ["method.example", "method.suffix"]),
        (["method.tagged_answer=false"], ["method.tagged_answer", "method.training"]),
        (["method=cot", "method.tagged_answer=false"], ["method.tagged_answer", "method.suffix"]),
        (["trainer.devices=2"], ["trainer.devices", "strategy"]),
        (["trainer=ddp", "trainer.devices=5"], ["training.prompts_per_step", "multiple of 5"]),
        (["model.adaptation=lora"], ["model.lora.target_modules"]),
        (["model.dtype=bfloat16"], ["model.dtype", "model.adaptation"]),
        (
            [
                *("model.attention=flash_attention_2", "rollout.decode=static"),
                "training.share_prompt=false",
            ],
            ["rollout.decode", "model.attention", "sdpa"],
        ),
        (["rollout.merge_lora=true"], ["rollout.merge_lora=true", "model.adaptation=full"]),
        (
            ["rollout.decode=captured", "trainer=fsdp"],
            ["rollout.decode=captured", "trainer=fsdp's", "rollout.decode=auto"],
        ),
        (
            ["rollout.merge_lora=true", "model=qwen2_5_vl_3b", "trainer=fsdp"],
            ["rollout.merge_lora=true", "trainer=fsdp"],
        ),
        (
            ["trainer=ddp", "trainer.devices=8", "training.prompts_per_step=2"],
            ["training.prompts_per_step=2", "a multiple of 8", "or 2 of them"],
        ),
        *(
            (["model=qwen2_5_vl_3b", "model.lora.dropout=0.1", other], ["model.lora.dropout=0.1"])
            for other in ("training.updates_per_rollout=2", "objective=vppo", "rollout=vllm")
        ),
        (["model.attention=flash_attention_2"], ["training.share_prompt=false", "sdpa does"]),
        (
            ["model.attention=flash_attention_2", "training.share_prompt=false"],
            ["model.attention=flash_attention_2", "trainer.precision=bf16-mixed"],
        ),
        (
            ["rollout=vllm", "training.logp_temperature=0.8"],
            ["training.logp_temperature=0.8", "rollout.importance_cap=null"],
        ),
        (
            ["data=vsr_tally_7000", "data.sources.tallyqa.rows=1000"],
            ["data.sources.tallyqa.rows=1000", "data.total=7000"],
        ),
        (["model=qwen2_5_vl_3b", "model.adaptation=full"], ["model.dtype", "model.adaptation"]),
        (["rollout=vllm", "rollout.launch=false"], ["rollout.urls", "rollout.launch=true"]),
        (["rollout=vllm", "rollout.urls=[host:1]"], ["rollout.urls", "http://HOST:PORT", "host:1"]),
        (["logger.project=team/proj"], ["logger.project", "team/proj", "logger.entity"]),
        ([f"logger.project={'x' * 129}"], ["logger.project", "128"]),
        (["logger.tags=['']"], ["logger.tags"]),
        (["rollout=vllm", "rollout.urls=['http://127.0.0.1:abc']"], ["rollout.urls", ":abc"]),
        (["rollout=vllm", "rollout.urls=['http://host:99999']"], ["rollout.urls", ":99999"]),
        (
            ["rollout=vllm", "trainer=ddp", "trainer.num_nodes=2"],
            ["trainer.num_nodes=2", "rollout.urls", "rollout.weights_folder"],
        ),
        (["data.sources.vsr.kind=null"], ["data.sources.vsr", "file", "kind"]),
        (["+data.sources.vsr.file=a.jsonl"], ["data.sources.vsr", "file", "kind"]),
        (["data.sources.vsr.rows=null"], ["data.sources.vsr.rows"]),
        (["suite.sets.gqa.kind=null"], ["suite.sets.gqa", "file", "kind"]),
        (["objective=vppo", "training.ratio=sequence"], ["top_share", "training.ratio=sequence"]),
        (["training.objective.ratio_limit=0.28"], ["ratio_limit=0.28", "above 1.2"]),
        (
            ["training.objective.ratio_limit=1.28", "training.objective.epsilon_high=0.28"],
            ["ratio_limit=1.28", "above 1.28"],
        ),
    ],
)
def test_an_impossible_combination_is_refused(overrides: list[str], named: list[str]) -> None:
    message = refusal(composed(*overrides))
    assert [name for name in named if name not in message] == []


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("judge.in_flight=0", "judge.in_flight"),
        ("judge.attempts=0", "judge.attempts"),
        ("judge.timeout=0", "judge.timeout"),
        ("judge.total_timeout=.nan", "judge.total_timeout"),
        ("judge.backoff=-1", "judge.backoff"),
        ("judge.temperature=-1", "judge.temperature"),
        ("judge.max_tokens=0", "judge.max_tokens"),
        ("judge.max_failure_rate=1.1", "judge.max_failure_rate"),
        ("judge.max_failure_rate=few", "judge.max_failure_rate"),
        ("judge.base_url=localhost:8000", "judge.base_url"),
        ("judge.base_url=ftp://localhost", "judge.base_url"),
        ("judge.base_url=http://host:port/", "judge.base_url: Port could not be cast"),
        ("judge.base_url=http://host:99999/", "judge.base_url: Port out of range"),
        ("judge.base_url=null", "judge.base_url"),
        ("judge.model=null", "judge.model"),
        ("judge.prices.gpt-4o.input=-1", "judge.prices.gpt-4o"),
        ("+judge.api_key=sk-secret", "judge.api_key"),
    ],
)
def test_what_a_service_cannot_be_is_named(override: str, named: str) -> None:
    message = refusal(composed("judge=openai", override))
    assert named in message
    assert "sk-secret" not in message


@pytest.mark.parametrize(
    "address", ["https://me:sk-secret@host/v1", "https://host/v1?key=sk-secret"]
)
def test_an_address_with_a_secret_is_refused_and_not_repeated(address: str) -> None:
    message = refusal(composed("judge=openai", f"judge.base_url='{address}'"))
    assert "judge.base_url" in message
    assert "sk-secret" not in message


def test_the_rules_have_no_field_but_their_name() -> None:
    assert plain(config())["judge"] == {"name": "rules"}


def test_the_judge_that_is_a_service() -> None:
    judge = config("judge=openai").judge
    assert isinstance(judge, ServiceJudgeSettings)
    assert (judge.model, judge.in_flight, judge.exact_match_first) == ("gpt-4o", 64, False)
    assert judge.cache is not None
    assert judge.cache.endswith("/grit/judge")
    assert config("judge=openai", "judge.prices=null").judge.prices is None
    assert {f.name for f in dataclasses.fields(judge)} == set(
        plain(config("judge=openai"))["judge"]
    )
    assert set(composed("judge=openai").judge) == set(plain(config("judge=openai"))["judge"])


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=qwen2_5_vl_3b", "model.adaptation=full", "model.dtype=float32"],
        ["task=score", "input=a.jsonl", "output=b.jsonl"],
        ["task=evaluate", "predictions=a.jsonl"],
        ["task=evaluate", "checkpoint=run"],
        ["method=direct", "model=tiny_internvl"],
        ["training.beta=0"],
        ["suite.sets={}"],
        ["rollout=vllm", "rollout.urls=['http://host:1']", "trainer=ddp", "trainer.num_nodes=2"],
        ["logger=trackio", "logger.project=team/proj"],
    ],
)
def test_a_possible_one_is_not(overrides: list[str]) -> None:
    config(*overrides)


@pytest.mark.parametrize(("name", "value"), [("max_pixels", 0), ("min_patches", -1)])
def test_image_settings_are_positive(default: DictConfig, name: str, value: int) -> None:
    message = refusal(with_value(default, "model.image", {name: value}))
    assert f"model.image.{name} must be at least 1, not {value}" in message


@pytest.mark.parametrize(
    "setting",
    [
        *("data.root", "suite.root", "validation.root", "model.path", "checkpoint", "predictions"),
        *(
            "input",
            "output",
            "image",
            "demo.beside",
            "rollout.python",
            "rollout.weights_folder",
            "runs",
        ),
    ],
)
def test_a_path_may_begin_with_the_home_folder(
    default: DictConfig, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shells leave ~ as it is behind a name with a dot, and files of choices have no shell."""
    monkeypatch.setenv("HOME", "/home/me")
    written = {"runs": ["~/a"]}.get(setting, "~/a")
    values = OmegaConf.to_container(with_value(default, setting, written), resolve=True)
    node: Any = validated(Config, values)
    for name in setting.split("."):
        node = getattr(node, name)
    assert node in ("/home/me/a", ["/home/me/a"])
