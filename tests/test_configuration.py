"""Every shipped choice composes; a mistake in a configuration ends in one line that names it."""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from grit.configuration import CONF, GROUPS, checked, config_hash, plain, register
from grit.errors import GritError
from grit.judge_settings import ServiceJudgeConfig
from grit.schema import Adaptation, Config, Task

ROOT = CONF.parent
FILES = sorted(path for path in CONF.glob("*/*.yaml"))
EXPERIMENTS = sorted((ROOT / "experiments" / "experiment").glob("*.yaml"))
NAMED = {  # by the design
    "model": {"tiny_qwen", "tiny_internvl", "qwen2_5_vl_3b", "internvl3_2b"},
    "data": {"shapes", "vsr_tally", "vsr_tally_500", "vsr_tally_7000", "vsr_only"},
    "method": {"grit", "direct", "cot", "icl", "sft"},
    "reward": {
        "grpo_gr",
        "released",
        "no_count",
        "no_format",
        "no_boxes",
        "no_bleu",
        "answer_only",
    },
    "judge": {"rules", "openai"},
    "suite": {"paper", "shapes"},
    "trainer": {"default", "ddp", "zero1", "fsdp", "deepspeed_zero2"},
    "logger": {"wandb", "none"},
    "experiment": {"smoke", "table1", "table2", "table3", "figure4", "figure5", "figure6"},
}
DEFAULTS = {
    "model": "tiny_qwen",
    "data": "shapes",
    "method": "grit",
    "reward": "grpo_gr",
    "judge": "rules",
    "suite": "shapes",
    "logger": "wandb",
}


def composed(*overrides: str) -> DictConfig:
    """What the command line composes of ``overrides``."""
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def config(*overrides: str) -> Config:
    return checked(composed(*overrides))


@pytest.fixture(scope="module")
def default() -> DictConfig:
    return composed()


def refusal(broken: DictConfig) -> str:
    """The message that a configuration is refused with: one line."""
    with pytest.raises(GritError) as raised:
        checked(broken)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


# --- every shipped file


def _choice(path: Path) -> str:
    return f"{path.parent.name}={path.stem}"


@pytest.mark.parametrize("path", FILES + EXPERIMENTS, ids=_choice)
def test_every_shipped_choice_composes_and_passes_the_check(path: Path) -> None:
    found = config(_choice(path))
    if path.parent.name not in ("experiment", "training", "trainer"):
        assert getattr(found, path.parent.name).name == path.stem


@pytest.mark.parametrize("path", FILES + EXPERIMENTS, ids=_choice)
def test_every_choice_goes_with_a_large_model(path: Path) -> None:
    if path.parent.name != "model":
        assert config("model=internvl3_2b", _choice(path)).model.adaptation is Adaptation.lora


def test_every_folder_of_choices_is_a_group_that_help_knows() -> None:
    assert {path.parent.name for path in FILES} | {"experiment"} == set(GROUPS)


@pytest.mark.parametrize("group", NAMED)
def test_the_choices_that_the_design_names_are_there(group: str) -> None:
    there = {path.stem for path in FILES + EXPERIMENTS if path.parent.name == group}
    assert there >= NAMED[group]


def test_the_defaults_are_those_of_the_design() -> None:
    found = config()
    assert {group: getattr(found, group).name for group in DEFAULTS} == DEFAULTS
    assert found.task is Task.train


@pytest.mark.parametrize("task", list(Task), ids=lambda task: task.value)
def test_every_task_has_its_module(task: Task) -> None:
    assert importlib.util.find_spec(f"grit.tasks.{task.value}") is not None


def test_the_sizes_of_the_paper_follow_the_large_models() -> None:
    found = config("model=internvl3_2b", "data=vsr_tally")
    training = found.training
    assert (training.steps, found.trainer.max_steps) == (200, 200)
    assert (training.prompts_per_step, training.group_size) == (32, 4)
    # LoRA's, ten times the paper's, which is for all weights.
    assert (training.learning_rate, training.sft.learning_rate, training.beta) == (2e-5, 2e-5, 0.01)
    assert config("model=internvl3_2b", "training=paper").training.learning_rate == 2e-6
    assert (training.sampling.temperature, training.sampling.max_new_tokens) == (1.0, 1000)
    assert found.evaluation.max_new_tokens == 1000
    assert (found.model.path, found.suite.name) == ("OpenGVLab/InternVL3-2B-hf", "paper")
    assert config("model=internvl3_2b", "method=sft").trainer.max_steps == 200
    qwen = config("model=qwen2_5_vl_3b").model
    assert qwen.path == "Qwen/Qwen2.5-VL-3B-Instruct"
    assert qwen.image == {"min_pixels": 3136, "max_pixels": 256 * 28 * 28}


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        ("vsr_tally", {"vsr": 10, "tallyqa": 10}),
        ("vsr_tally_500", {"vsr": 250, "tallyqa": 250}),
        ("vsr_tally_7000", {"vsr": 3300, "tallyqa": 3700}),
        ("vsr_only", {"vsr": 20}),
        ("shapes", {"vsr": 10, "tallyqa": 10}),
    ],
)
def test_the_mixtures(choice: str, rows: dict[str, int]) -> None:
    sources = config(f"data={choice}").data.sources
    assert {name: source.rows for name, source in sources.items()} == rows


@pytest.mark.parametrize(
    ("overrides", "suite", "steps"),
    [
        (["data=vsr_tally", "suite=shapes"], "shapes", 60),
        (["suite=shapes", "data=vsr_tally"], "shapes", 60),
        (["suite=paper"], "paper", 60),
        (["training=paper"], "shapes", 200),
        (["model=internvl3_2b", "training=miniature"], "shapes", 60),
        (["trainer.max_steps=4"], "shapes", 4),
        (["training.steps=7"], "shapes", 7),
    ],
)
def test_what_is_asked_for_wins_over_what_follows(
    overrides: list[str], suite: str, steps: int
) -> None:
    found = config(*overrides)
    assert (found.suite.name, found.trainer.max_steps) == (suite, steps)


# --- every field can be set by its name


def _leaves(kind: type, path: str = "") -> Iterator[str]:
    """The schema's fields that hold a value, by their dotted names."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _leaves(typing.cast(type, hints[field.name]), f"{path}{field.name}.")
        elif field.name != "experiment":
            yield f"{path}{field.name}"


LEAVES = list(_leaves(Config))


def test_the_fields_are_found() -> None:
    assert {"training.beta", "suite.limit", "model.lora.rank", "trainer.precision"} <= set(LEAVES)
    assert len(LEAVES) > 60


@pytest.mark.parametrize("field", LEAVES)
def test_any_field_can_be_overridden(default: DictConfig, field: str) -> None:
    """``--help`` promises it. Hydra refuses ``field=value`` where the composed configuration has
    no such field, and ``--cfg job`` would not show it.
    """
    *path, last = field.split(".")
    node = default
    for name in path:
        assert name in node
        node = node[name]
    assert last in node


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.beta=0.02"],
        ["suite.limit=2"],
        ["trainer.progress_bar=false"],
        ["reward=released", "training.advantage.delta=1e-4", "training.advantage.sample_std=true"],
        ["model=qwen2_5_vl_3b", "training.epsilon=0.3", "model.lora.rank=8", "logger.tags=[a]"],
    ],
)
def test_the_documented_overrides_work(overrides: list[str]) -> None:
    config(*overrides)


# --- mistakes in YAML


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


def with_value(base: DictConfig, field: str, value: Any) -> DictConfig:
    """A copy of ``base`` in which some YAML file has said ``field: value``."""
    changed = base.copy()
    with open_dict(changed):
        OmegaConf.update(changed, field, value, force_add=True, merge=False)
    return changed


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
        ("training.sampling", 3, "training.sampling"),
        ("training", None, "training"),
        ("model", "tiny_qwen", "ModelConfig"),
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
    assert field in message or said == "ModelConfig"  # OmegaConf names only the group's class
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


# --- values and combinations that cannot work


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
        ("training.sampling.temperature", 0.0),
        ("training.sampling.top_p", 0.0),
        ("training.sampling.top_p", 1.5),
        ("training.sampling.max_new_tokens", 0),
        ("training.tokens_per_rollout_batch", 0),
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
        (["trainer.devices=2"], ["trainer.devices", "strategy"]),
        (["trainer=ddp", "trainer.devices=5"], ["training.prompts_per_step", "multiple of 5"]),
        (["model.adaptation=lora"], ["model.lora.target_modules"]),
        (["model.dtype=bfloat16"], ["model.dtype", "model.adaptation"]),
        (
            [
                *("model.attention=flash_attention_2", "training.decode=static"),
                "training.share_prompt=false",
            ],
            ["training.decode", "model.attention", "sdpa"],
        ),
        (["model.attention=flash_attention_2"], ["training.share_prompt=false", "flex_attention"]),
        (["model=qwen2_5_vl_3b", "model.adaptation=full"], ["model.dtype", "model.adaptation"]),
        (["data.sources.vsr.kind=null"], ["data.sources.vsr", "file", "kind"]),
        (["+data.sources.vsr.file=a.jsonl"], ["data.sources.vsr", "file", "kind"]),
        (["data.sources.vsr.rows=null"], ["data.sources.vsr.rows"]),
        (["suite.sets.gqa.kind=null"], ["suite.sets.gqa", "file", "kind"]),
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
    assert isinstance(judge, ServiceJudgeConfig)
    assert (judge.model, judge.in_flight, judge.exact_match_first) == ("gpt-4o", 64, False)
    assert judge.cache is not None
    assert judge.cache.endswith("/grit/judge")
    assert config("judge=openai", "judge.prices=null").judge.prices is None
    assert {f.name for f in dataclasses.fields(judge)} == set(
        plain(config("judge=openai"))["judge"]
    )
    assert set(OmegaConf.load(CONF / "judge" / "openai.yaml")) == set(vars(judge))


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
    ],
)
def test_a_possible_one_is_not(overrides: list[str]) -> None:
    config(*overrides)


# --- the hash of a configuration


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


# --- the help, which must not wait for torch

PROGRAM = """
import sys
sys.argv = ["grit", *sys.argv[1:]]
from grit.__main__ import main
try:
    main()
finally:
    heavy = {"torch", "transformers", "pytorch_lightning", "wandb", "numpy", "PIL", "peft"}
    print("\\nloaded:", *sorted(heavy & set(sys.modules)))
"""


def light(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command and say, in the last line, which heavy libraries it has loaded."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def help_page(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    folder = tmp_path_factory.mktemp("help")
    done = light(folder, "--help")
    assert list(folder.iterdir()) == []  # nothing is left behind
    return done


def test_help_loads_nothing_heavy(help_page: subprocess.CompletedProcess[str]) -> None:
    assert (help_page.returncode, help_page.stderr) == (0, "")
    assert help_page.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize("path", FILES + EXPERIMENTS, ids=_choice)
def test_help_describes_every_choice(
    help_page: subprocess.CompletedProcess[str], path: Path
) -> None:
    lines = re.findall(rf"^ ([* ]) {re.escape(_choice(path))} +(.*)$", help_page.stdout, re.M)
    assert len(lines) == 1
    mark, description = lines[0]
    assert len(description.split()) >= 3
    if path.parent.name in DEFAULTS:
        assert (mark == "*") == (path.stem == DEFAULTS[path.parent.name])


def test_help_groups_choices_and_names_the_tasks(
    help_page: subprocess.CompletedProcess[str],
) -> None:
    lines = help_page.stdout.splitlines()
    for group in GROUPS:
        assert [line for line in lines if re.match(rf"{group}: \S+", line)]
    for task in Task:
        assert [line for line in lines if re.match(rf"task={task.value} +\S+", line)]


def test_help_names_no_choice_that_does_not_exist(
    help_page: subprocess.CompletedProcess[str],
) -> None:
    there = {_choice(path) for path in FILES + EXPERIMENTS}
    said = re.findall(r"\b([a-z_]+)=([\w,]+)", help_page.stdout)
    named = {f"{group}={one}" for group, many in said if group in GROUPS for one in many.split(",")}
    assert named - there == set()


def test_a_mistake_loads_nothing_heavy(tmp_path: Path) -> None:
    done = light(tmp_path, "training.group_size=1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "loaded:"
