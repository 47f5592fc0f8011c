"""A mistake in a YAML file ends in one line that names it."""

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from composing import (
    refusal,
    with_value,
)
from omegaconf import DictConfig

from grit.config.configuration import checked
from grit.config.schema import Config


def _nodes(kind: type, path: str = "") -> Iterator[str]:
    yield path.removesuffix(".")
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _nodes(typing.cast(type, hints[field.name]), f"{path}{field.name}.")


NODES = [
    *_nodes(Config),
    "pretrain",
    "model.image",
    "data.sources.vsr",
    "suite.sets.gqa",
    "reward.terms.judge",
]


@pytest.mark.parametrize("node", NODES)
def test_an_unknown_key_anywhere_is_refused(default: DictConfig, node: str) -> None:
    field = f"{node}.misspelt" if node else "misspelt"
    assert "misspelt" in refusal(with_value(default, field, 1))


@pytest.mark.parametrize("source", ["data.sources.misspelt", "suite.sets.misspelt"])
def test_a_source_that_is_none_is_refused(default: DictConfig, source: str) -> None:
    assert source in refusal(with_value(default, source, {}))
    assert source in refusal(with_value(default, source, 3))


def test_an_experiment_without_its_package_line_is_refused(default: DictConfig) -> None:
    """Its fields would land under ``experiment`` and change nothing."""
    assert "experiment" in refusal(with_value(default, "experiment", {"training": {"steps": 1}}))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("seed", "many", "many"),
        ("seed", 1.5, "1.5"),
        ("task", "trian", "train, evaluate, score"),
        ("resume", "perhaps", "perhaps"),
        ("training.steps", "ten", "ten"),
        ("training.learning_rate", "fast", "fast"),
        ("training.beta", [1], "training.beta"),
        ("training.ratio", "word", "token, sequence"),
        ("rollout.sampling", 3, "rollout.sampling"),
        ("training", None, "training"),
        ("model", "tiny_qwen", "tiny_qwen"),
        ("model.dtype", "float16", "float32, bfloat16"),
        ("model.adaptation", "qlora", "full, lora"),
        ("model.freeze_vision", "maybe", "model.freeze_vision"),
        ("model.image", {"max_pixels": "large"}, "large"),
        ("model.lora.target_modules", "q_proj", "model.lora.target_modules"),
        ("method.suffix", "maybe", "method.suffix"),
        ("method.training", "ppo", "none, grpo_gr, sft"),
        ("data.sources.vsr.rows", "all", "all"),
        ("suite.limit", "few", "few"),
        ("suite.sets.vsr", "vsr.jsonl", "suite.sets.vsr"),
        ("reward.terms.judge.weight", "heavy", "heavy"),
        ("reward.counting_datasets", "tallyqa", "reward.counting_datasets"),
        ("logger.tags", "mine", "logger.tags"),
    ],
)
def test_a_wrong_type_is_refused(default: DictConfig, field: str, value: Any, said: str) -> None:
    message = refusal(with_value(default, field, value))
    assert field in message
    assert said in message


@pytest.mark.parametrize(
    "field", ["model.path", "data.root", "method.suffix", "reward.terms.judge.weight", "suite.name"]
)
def test_a_field_without_a_value_is_named(default: DictConfig, field: str) -> None:
    assert field in refusal(with_value(default, field, "???"))


def test_a_broken_interpolation_is_named(default: DictConfig) -> None:
    broken = with_value(default, "data.root", "${oc.env:NOT_SET_ANYWHERE}")
    assert "NOT_SET_ANYWHERE" in refusal(broken)
    message = refusal(with_value(default, "seed", "${nothing.of.the.kind}"))
    assert "seed" in message
    assert "nothing.of.the.kind" in message


FILE = {"file": "rows.jsonl", "images": "images"}
DRAWN = {"kind": "tallyqa", "rows": 4}


@pytest.mark.parametrize(
    ("source", "value", "setting"),
    [
        ("data.sources.mine", {**FILE, "split": "test"}, "split"),
        ("suite.sets.mine", {**FILE, "split": "test"}, "split"),
        ("data.sources.mine", {**FILE, "balance_counts": True}, "balance_counts"),
        ("data.sources.mine", {**DRAWN, "images": "images"}, "images"),
        ("data.sources.mine", {**DRAWN, "apart_from_tests": True}, "apart_from_tests"),
        ("suite.sets.mine", {**FILE, "apart_from_tests": True}, "apart_from_tests"),
        ("validation.sets.mine", {**FILE, "rows": 3, "balance_counts": True}, "balance_counts"),
    ],
)
def test_a_setting_of_a_source_that_would_change_nothing_is_refused(
    default: DictConfig, source: str, value: dict[str, Any], setting: str
) -> None:
    """Rows of one file would be trained on and tested, or counts be as uneven as before."""
    assert f"{source}.{setting} would change nothing" in refusal(with_value(default, source, value))


def test_the_source_that_makes_up_a_total_may_balance_its_counts(default: DictConfig) -> None:
    mixed = with_value(default, "data.sources.mine", {**FILE, "balance_counts": True})
    assert checked(with_value(mixed, "data.total", 30)).data.total == 30
