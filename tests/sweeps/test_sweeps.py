"""Every sweep file is what W&B expects, and every run of it is one that ``grit`` accepts."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from wandb import wandb_agent

from grit.config.configuration import CONF, checked, register

pytestmark = pytest.mark.slow

SWEEPS = CONF.parent / "sweeps"
FILES = sorted(SWEEPS.glob("*.yaml"))
# The schema that W&B's server checks with: sweeps 0.3.0 on PyPI, sweeps/config/schema.json (MIT).
SCHEMA = json.loads((Path(__file__).parent / "wandb_schema.json").read_text(encoding="utf-8"))


def sweep(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def grid(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of a grid sweep."""
    names = list(config["parameters"])
    values = (config["parameters"][name]["values"] for name in names)
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)]


def test_the_sweeps_that_the_design_names_are_there() -> None:
    assert {"data_scale", "base_model", "reward_ablation", "methods"} <= {
        path.stem for path in FILES
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sweep_is_valid(path: Path) -> None:
    config = sweep(path)
    jsonschema.validate(config, SCHEMA)
    assert config["name"] == path.stem
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config | {"method": "gird"}, SCHEMA)


class Recorded:
    """A process of the agent that has ended as soon as it began."""

    commands: list[list[str]]

    def __init__(self, *, command: list[str], **_: Any) -> None:
        self.commands.append(command)
        self.last_sigterm_time = None

    def poll(self) -> int:
        return 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_command_of_the_agent_composes(
    path: Path, agent: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = type("Recorder", (Recorded,), {"commands": []})
    monkeypatch.setattr(wandb_agent, "AgentProcess", recorded)
    monkeypatch.setattr(wandb_agent.wandb, "teardown", lambda _: None)
    config = sweep(path)
    combinations = grid(config)
    agent(config, combinations)
    assert len(recorded.commands) == len(combinations) >= 10
    register()
    once: dict[tuple[Any, ...], list[str]] = {}  # of commands that differ in their seed alone
    for command, values in zip(recorded.commands, combinations, strict=True):
        assert command[:4] == ["/usr/bin/env", "python", "-m", "grit"]
        assert command[-len(values) :] == [f"{name}={value}" for name, value in values.items()]
        once.setdefault(tuple(values[name] for name in values if name != "seed"), command[4:])
    assert len(set(map(tuple, recorded.commands))) == len(combinations)
    assert len(set(map(_composed, once.values()))) == len(once)


def _composed(overrides: list[str]) -> str:
    """The parts of the run that a command would start, each as its sweep asks for it."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = checked(compose("config", overrides=overrides))
    for group, choice in (override.split("=", 1) for override in overrides):
        if group in ("data", "model", "reward"):
            assert getattr(run, group).name == choice
    what = run.method.name, run.reward.name, run.training.objective.name
    return " ".join((run.model.name, run.data.name, *what, str(run.seed)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_multirun_of_the_readme_is_the_same_grid(path: Path) -> None:
    (line,) = re.findall(
        rf"`{path.stem}` \| `python -m grit -m (.*?)`", (SWEEPS / "README.md").read_text()
    )
    multirun = {name: values.split(",") for name, values in (o.split("=") for o in line.split())}
    parameters = sweep(path)["parameters"]
    assert multirun == {n: [str(v) for v in p["values"]] for n, p in parameters.items()}


def test_a_sweep_runs(
    agent: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the agent's own loop and its own process; ``python`` is this one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    config = sweep(SWEEPS / "reward_ablation.yaml")
    small = ["experiment=smoke", "suite.limit=1", "trainer.max_steps=1", "logger.mode=offline"]
    config["command"][-1:-1] = [*small, "evaluation.before_training=false"]
    agent(config, [{"reward": "no_boxes", "seed": 3}])
    run = tmp_path / "runs" / "sweeps" / "reward_ablation" / "run0"
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert (results["reward"], results["seed"]) == ("no_boxes", 3)
    (log,) = run.glob("wandb/offline-run-*/run-run0.wandb")
    logged = _config_of(log)
    assert (logged["reward"], logged["seed"]) == ("no_boxes", 3)  # as the sweep has set them
    assert logged["grit"]["reward"]["name"] == "no_boxes"
    assert logged["grit"]["reward"]["terms"]["box_format"]["weight"] == 0


def _config_of(log: Path) -> dict[str, Any]:
    """The run's config as its transaction log holds it."""
    inspect = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    lines = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.splitlines()
    config: dict[str, Any] = {}
    for record in map(json.loads, lines):
        if record["type"] in ("run", "config"):
            found = record[record["type"]]
            config |= found.get("config", found).get("update", {})
    return config
