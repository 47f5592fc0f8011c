"""The hash of a configuration, by which runs are found again."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from composing import composed, config, with_value
from omegaconf import DictConfig, OmegaConf

from grit.config.configuration import checked, figure_settings
from grit.config.identity import (
    code_hash,
    config_hash,
    folder_name,
    plain,
    rescored_hash,
    settings_hash,
    without_unused_seed,
)
from grit.runs.twins import distinctions


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
        ("rollout.sampling.max_new_tokens", 95),
        ("rollout.importance_cap", 3.0),
        ("rollout.server_options", ["--quantization", "fp8"]),
        ("trainer.max_steps", 59),
        ("evaluation.samples", 4),
        ("evaluation.temperature", 0.5),
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
    [
        ["resume=true"],
        ["threads=2"],
        ["rollout.urls=[http://a:1]", "rollout.timeout=9"],
        ["logger=none"],
        ["trainer=zero1", "trainer.devices=2"],
        ["training.tokens_per_pass=99", "rollout.tokens_per_batch=99"],  # after an OOM
        ["model.gradient_checkpointing=true", "training.tokens_per_chunk=9"],
    ],
)
def test_the_hash_stays_with_what_cannot(default: DictConfig, overrides: list[str]) -> None:
    assert config_hash(config(*overrides)) == config_hash(checked(default))


@pytest.mark.parametrize("override", ["evaluation.every=4", "validation.sets.vsr.rows=3"])
@pytest.mark.parametrize(("patience", "same"), [("null", True), (1, False)])
def test_validations_count_where_they_can_end_training(
    override: str, patience: object, same: bool
) -> None:
    common = "evaluation.every=1", f"evaluation.patience={patience}"
    one, other = config(*common), config(*common, override)
    assert (config_hash(one) == config_hash(other)) is same
    assert (settings_hash(one) == settings_hash(other)) is same
    assert (folder_name(one) == folder_name(other)) is same
    assert distinctions([plain(one), plain(other)])[1] == (() if same else (override,))


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


PROMPT = "{question} {answer} {predicted_answer}"


def test_a_prompt_counts_by_what_it_says(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.txt" for name in ("one", "same", "other")}
    for name, file in files.items():
        file.write_text(f"Score: {PROMPT}\n" if name == "other" else f"{PROMPT}\n")
    paper = config("judge=openai")
    one, same, other = (config("judge=openai", f"judge.prompt_file={f}") for f in files.values())
    given = config("judge=openai", f"judge.prompt='{PROMPT}'")
    hashes = [config_hash(each) for each in (paper, one, same, other, given)]
    assert hashes[1] == hashes[2] == hashes[4]
    assert len(set(hashes)) == 3
    labels = [each.judge.label for each in (paper, one, same, other)]
    assert labels[0] == "openai"
    assert labels[1] == labels[2] != labels[3]
    figures = figure_settings(composed("judge=openai", f"judge.prompt_file={files['one']}"))
    assert figures.judge == one.judge
    # What is written down is complete without the file, and is read again as it is.
    files["one"].unlink()
    assert plain(one)["judge"]["prompt"] == PROMPT
    assert config_hash(checked(OmegaConf.create(plain(one)))) == hashes[1]


def test_the_hash_and_the_label_know_an_own_judge() -> None:
    found = [config("judge=own", f"judge.call=mine.{name}") for name in ("strict", "mild")]
    assert config_hash(found[0]) != config_hash(found[1])
    assert [each.judge.label for each in found] == ["own (mine.strict)", "own (mine.mild)"]


def test_the_code_behind_results_knows_an_own_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for number, text in enumerate(("return 1", "return 0", "return 0  # a comment")):
        (tmp_path / f"judge_{number}").mkdir()
        (tmp_path / f"judge_{number}" / "mine.py").write_text(f"def judge(q, t, p): {text}\n")
        found.append(code_hash(config("judge=own", f"judge.call=judge_{number}.mine.judge")))
    assert found[0] != found[1] == found[2]
    assert code_hash(config()) not in found


def test_a_configuration_is_written_as_plain_values() -> None:
    values = plain(config("model=internvl3_2b"))
    assert values == json.loads(json.dumps(values))
    assert values["model"]["adaptation"] == "lora"
    assert values["trainer"]["max_steps"] == 200  # nothing is left to resolve
    assert "${" not in json.dumps(values)


def test_runs_of_other_seeds_and_draws_are_repetitions() -> None:
    hashes = [settings_hash(config(*each)) for each in ([], ["seed=1"], ["data.seed=1"])]
    assert len(set(hashes)) == 1
    names = [folder_name(config(*each)) for each in ([], ["seed=1"], ["data.seed=1"])]
    assert len(set(names)) == 3
    assert settings_hash(config("training.learning_rate=1e-3")) not in hashes


@pytest.mark.parametrize("group", ["data", "suite"])
def test_rows_of_other_folders_are_no_repetitions(group: str) -> None:
    """The same rows may have other pictures there, which no fingerprint in results.json tells."""
    here, there = (config(f"{group}=own", f"{group}.root={root}") for root in ("cups", "blurred"))
    assert settings_hash(here) != settings_hash(there)


def test_scores_of_another_judge_are_no_repetitions() -> None:
    ways = ([], ["judge=openai"], ["judge=openai", "judge.model=other"], ["method=direct"])
    asked = [config("task=evaluate", "predictions=a", *each) for each in ways]
    found = {rescored_hash(trained, each) for trained in ("one", "other") for each in asked}
    assert len(found) == 2 * len(ways)
    same = config("task=evaluate", "predictions=b", "judge=openai", "judge.in_flight=2", "seed=1")
    assert rescored_hash("one", same) == rescored_hash("one", asked[1])


def test_an_untrained_method_depends_on_neither_seed() -> None:
    untrained = [
        config("method=direct", *each) for each in ([], ["seed=1"], ["data.seed=1", "seed=2"])
    ]
    assert len({settings_hash(each) for each in untrained}) == 1
    assert len({folder_name(each) for each in untrained}) == 1
    unused = ["training.steps=15"], ["rollout.sampling.temperature=0.9", "reward=no_count"]
    assert {settings_hash(config("method=direct", *each)) for each in unused} == {
        settings_hash(untrained[0])
    }
    assert without_unused_seed(untrained[0]) == without_unused_seed(untrained[2])
    drawing = config("task=data", "method=direct", "data.seed=3")
    assert without_unused_seed(drawing).data.seed == 3
