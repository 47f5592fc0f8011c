"""Every shipped choice composes, and any field can be set by its name."""

import dataclasses
import importlib.util
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from composing import (
    ARMS,
    DEFAULTS,
    EXPERIMENTS,
    FILES,
    choice,
    config,
)
from omegaconf import DictConfig

from grit.config.configuration import GROUPS
from grit.config.schema import Config, Task

NAMED = {  # by the design
    "model": {
        *("tiny_qwen", "tiny_qwen3", "tiny_internvl", "auto"),
        *("qwen2_5_vl_3b", "qwen2_5_vl_7b", "qwen3_vl_2b", "qwen3_vl_4b", "qwen3_vl_8b"),
        *("internvl3_2b", "internvl3_5_1b", "internvl3_5_2b", "internvl3_5_4b"),
    },
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
    "logger": {"wandb", "tensorboard", "trackio", "none"},
    "rollout": {"native", "vllm"},
    "experiment": {
        "smoke",
        "table1",
        "table2",
        "table3",
        "figure4",
        "figure5",
        "figure6",
        "faithfulness",
    },
}


@pytest.mark.parametrize("path", FILES + EXPERIMENTS + ARMS, ids=choice)
def test_every_shipped_choice_composes_and_passes_the_check(path: Path) -> None:
    found = config(choice(path))
    if path.parent.name not in (
        "arm",
        "experiment",
        "objective",
        "training",
        "trainer",
        "pretrain",
    ):
        assert getattr(found, path.parent.name).name == path.stem


# These presets train all weights of a large model; the others leave it to LoRA.
ALL_WEIGHTS = ("training=paper", "training=released", "training=released_internvl")


@pytest.mark.parametrize("path", FILES + EXPERIMENTS, ids=choice)
def test_every_choice_goes_with_a_large_model(path: Path) -> None:
    if path.parent.name == "model":
        return
    found = config("model=internvl3_2b", choice(path))
    whole = choice(path) in ALL_WEIGHTS
    assert found.model.adaptation == ("full" if whole else "lora")
    assert found.model.freeze_vision is not whole
    assert found.model.dtype == ("float32" if whole else "bfloat16")
    assert found.trainer.precision == ("bf16-mixed" if whole else "32-true")


def test_released_is_what_the_script_sets() -> None:
    found = config("model=qwen2_5_vl_3b", "training=released")
    training, sampling = found.training, found.rollout.sampling
    assert (sampling.temperature, sampling.top_k, training.logp_temperature) == (0.9, 50, 1.0)
    assert (training.advantage.delta, training.advantage.sample_std) == (1e-4, True)
    assert (training.append_eos, training.beta, training.learning_rate) == (True, 0.01, 2e-6)
    assert (training.steps, training.prompts_per_step, training.group_size) == (2000, 2, 4)
    other = config("model=internvl3_2b", "training=released_internvl").training
    assert (other.steps, other.prompts_per_step, other.append_eos) == (200, 32, True)


def test_every_folder_of_choices_is_a_group_that_help_knows() -> None:
    assert {path.parent.name for path in FILES} | {"arm", "experiment"} == set(GROUPS)


@pytest.mark.parametrize("group", NAMED)
def test_the_choices_that_the_design_names_are_there(group: str) -> None:
    there = {path.stem for path in FILES + EXPERIMENTS if path.parent.name == group}
    assert there >= NAMED[group]


def test_whole_completions_are_judged_only_where_a_method_has_no_tags() -> None:
    methods = {name: config(f"method={name}").method for name in NAMED["method"]}
    untagged = {name for name, method in methods.items() if not method.tagged_answer}
    assert untagged == {name for name, method in methods.items() if not method.suffix} == {"direct"}


def test_the_defaults_are_those_of_the_design() -> None:
    found = config()
    assert {group: getattr(found, group).name for group in DEFAULTS} == DEFAULTS
    assert found.task == "train"


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_its_module(task: str) -> None:
    assert importlib.util.find_spec(f"grit.tasks.{task}") is not None


def test_the_sizes_of_the_paper_follow_the_large_models() -> None:
    found = config("model=internvl3_2b", "data=vsr_tally")
    training = found.training
    assert (training.steps, found.trainer.max_steps) == (200, 200)
    assert (training.prompts_per_step, training.group_size) == (32, 4)
    # LoRA's, ten times the paper's, which is for all weights.
    assert (training.learning_rate, training.sft.learning_rate, training.beta) == (2e-5, 2e-5, 0.01)
    assert config("model=internvl3_2b", "training=paper").training.learning_rate == 2e-6
    rollout = found.rollout
    assert (rollout.sampling.temperature, rollout.sampling.max_new_tokens) == (1.0, 1000)
    assert (rollout.tokens_per_batch, config().rollout.tokens_per_batch) == (262144, 65536)
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
        ("vsr_tally_7000", {"vsr": 3300, "tallyqa": None}),  # the rest of 7000
        ("vsr_only", {"vsr": 20}),
        ("shapes", {"vsr": 10, "tallyqa": 10}),
    ],
)
def test_the_mixtures(choice: str, rows: dict[str, int | None]) -> None:
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
        (["method=sft"], "shapes", 10),
        (["method=sft", "model=tiny_internvl"], "shapes", 20),
        (["model=tiny_internvl"], "shapes", 60),
        (["trainer.max_steps=4"], "shapes", 4),
        (["training.steps=7"], "shapes", 7),
    ],
)
def test_what_is_asked_for_wins_over_what_follows(
    overrides: list[str], suite: str, steps: int
) -> None:
    found = config(*overrides)
    assert (found.suite.name, found.trainer.max_steps) == (suite, steps)


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


@pytest.mark.parametrize("name", ["cispo", "dapo", "dr_grpo", "gdpo", "gspo"])
def test_a_preset_of_training_is_its_objective(name: str) -> None:
    """Tables call a run by its objective: DAPO's training is not to stand there as GRIT."""
    preset, chosen = config(f"training={name}"), config(f"objective={name}")
    assert preset.training == chosen.training
    assert preset.training.objective.name == name


@pytest.mark.parametrize(
    ("overrides", "label"),
    [
        ([], "grpo_gr"),
        (["training=released"], "grpo_gr"),
        (["training.beta=0", "training.epsilon=0.3"], "grpo_gr"),
        (["objective=dapo", "training.objective.mask_truncated=true"], "dapo"),
        (["training.objective.aggregation=token_mean"], "grpo_gr, changed"),
        (["training.advantage.scale=none"], "grpo_gr, changed"),
        (["training.ratio=sequence"], "grpo_gr"),  # equation 3 as it is printed
        (["training.ratio=sequence_mean"], "grpo_gr, changed"),
        (["training.perception.gamma=0.01"], "grpo_gr, changed"),
    ],
)
def test_an_objective_changed_by_its_parts_is_not_the_papers(
    overrides: list[str], label: str
) -> None:
    """Tables would set it beside the paper's numbers."""
    assert config(*overrides).training.objective_label == label
