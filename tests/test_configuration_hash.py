"""The hash of a configuration, by which runs are found again."""

import json
import re
from typing import Any

import pytest
from composing import config, with_value
from omegaconf import DictConfig

from grit.configuration import checked, config_hash, plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", 1),
        ("model.path", "tiny:internvl"),
        ("model.seed", 1),
        ("data.seed", 1),
        ("data.sources.vsr.rows", 9),
        ("method.suffix", False),
        ("reward.terms.judge.weight", 2.0),
        ("suite.limit", 5),
        ("suite.sets.vsr.rows", 10),
        ("training.learning_rate", 1e-3),
        ("training.sampling.max_new_tokens", 95),
        ("trainer.max_steps", 59),
        ("trainer.precision", "bf16-mixed"),
    ],
)
def test_the_hash_changes_with_what_can_change_a_result(
    default: DictConfig, field: str, value: Any
) -> None:
    before = config_hash(checked(default))
    assert re.fullmatch(r"[0-9a-f]{12}", before)
    assert config_hash(checked(with_value(default, field, value))) != before


@pytest.mark.parametrize("field", ["checkpoint", "predictions"])
def test_the_hash_changes_with_what_is_evaluated(field: str) -> None:
    found = {config_hash(config("task=evaluate", f"{field}={value}")) for value in ("a", "b")}
    assert len(found) == 2


@pytest.mark.parametrize(
    "overrides",
    [["resume=true"], ["threads=2"], ["logger=none"], ["trainer=zero1", "trainer.devices=2"]],
)
def test_the_hash_stays_with_what_cannot(default: DictConfig, overrides: list[str]) -> None:
    assert config_hash(config(*overrides)) == config_hash(checked(default))


@pytest.mark.parametrize(
    ("override", "same"),
    [
        ("judge.cache=null", True),
        ("judge.in_flight=8", True),
        ("judge.base_url=http://localhost:8000/v1", True),  # where a model is, not which
        ("judge.max_failure_rate=0.1", True),
        ("judge.prices=null", True),
        ("judge.model=another", False),
        ("judge.temperature=null", False),
        ("judge.exact_match_first=true", False),
    ],
)
def test_the_hash_and_the_judge(override: str, same: bool) -> None:
    before = config_hash(config("judge=openai"))
    assert (config_hash(config("judge=openai", override)) == before) is same
    assert before != config_hash(config())


def test_a_configuration_is_written_as_plain_values() -> None:
    values = plain(config("model=internvl3_2b"))
    assert values == json.loads(json.dumps(values))
    assert values["model"]["adaptation"] == "lora"
    assert values["trainer"]["max_steps"] == 200  # nothing is left to resolve
    assert "${" not in json.dumps(values)
