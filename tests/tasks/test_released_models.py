"""Released models by the command line: from the Hub, which is on this machine here, to a table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from desk import Desk
from loopback import COMMIT, Loopback, status
from replicas import linked

from grit.models.processors import INTERNVL_TEMPLATE
from grit.runs.evaluated import RELEASED

Command = Callable[..., Any]
QUESTIONS = (
    *("suite=shapes", "suite.limit=1", "evaluation.max_new_tokens=4"),
    *("~suite.sets.gqa", "~suite.sets.mathvista", "~suite.sets.mme", "~suite.sets.ovd"),
    *("logger.mode=disabled", "trainer.progress_bar=false"),
)
FAMILIES = {  # model=, its replica, and what is on the Hub under the base's name
    "qwen": ("qwen2_5_vl_3b", "Qwen/Qwen2.5-VL-3B-Instruct"),
    "internvl": ("internvl3_2b", "OpenGVLab/InternVL3-2B-hf"),
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def completions(folder: Path) -> list[str]:
    lines = (folder / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["completion"] for line in lines]


def one_line(ended: Any) -> str:
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("grit: ")
    return ended.err


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_the_hub_is_evaluated(
    command: Command, hub: Loopback, replica, desk: Desk, tmp_path: Path, family: str
) -> None:
    """As it is with the same files in a folder; the base's weights are not even downloaded.

    The first is a process of its own, which has the Hub's address from its environment.
    """
    model, base = FAMILIES[family]
    hub.put_model(base, linked(replica(family), tmp_path / "base"))
    hub.put_model("me/released", linked(replica(f"{family}_released"), tmp_path / "files"))
    evaluate = ("task=evaluate", f"model={model}", "method=grit", *QUESTIONS)
    run = tmp_path / "run"
    where = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
    done = desk.process(*evaluate, "checkpoint=me/released", f"hydra.run.dir={run}", **where)
    assert done.returncode == 0, done.stderr
    assert "HTTP Request" not in done.stdout
    asked = [path for path in hub.asked if not path.startswith("/api/")]
    assert not any(path.endswith(".py") for path in asked)
    of_base = [path for path in asked if path.startswith(f"/{base}/")]
    assert not any(path.endswith(".safetensors") for path in of_base)
    found, record = read(run / "results.json"), read(run / "run.json")
    assert (found["checkpoint"], found["checkpoint_commit"]) == ("me/released", COMMIT)
    assert record["checkpoint"] == {"name": "me/released", "commit": COMMIT}
    assert found["triplets"] is None
    folder = tmp_path / "files"
    assert command(*evaluate, f"checkpoint={folder}", "hydra.run.dir=local").code == 0
    assert completions(run) == completions(tmp_path / "local")
    local = read(tmp_path / "local" / "results.json")
    assert (local["checkpoint"], local["checkpoint_commit"]) == (str(folder), None)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_line_evaluates_what_was_released(
    command: Command, hub: Loopback, replica, tmp_path: Path, family: str
) -> None:
    model, base = FAMILIES[family]
    name = RELEASED[list(FAMILIES).index(family)]
    hub.put_model(base, linked(replica(family), tmp_path / "base"))
    hub.put_model(name, linked(replica(f"{family}_released"), tmp_path / "files"))
    line = (f"experiment=released_{family}", "judge=rules", *QUESTIONS)
    ended = command(*line)
    assert ended.code == 0, ended.err
    assert "GRIT (released)" in ended.out
    printed = [row.split() for row in ended.out.splitlines()]
    paper = {"qwen": "72.9", "internvl": "64.9"}[family]
    (vsr,) = (row for row in printed if row[:2] == ["VSR", "ACC"])
    assert vsr[-1] == paper
    sweep = tmp_path / "runs" / "experiments" / f"released_{family}"
    (run,) = sweep.glob("evaluate-*")
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert (config["checkpoint"], config["model"]["name"]) == (name, model)
    assert config["model"]["prompt"] == ("released" if family == "internvl" else "processor")
    table = (sweep / "table1" / "table1.md").read_text()
    assert "| GRIT (released) |" in table
    assert f"| *paper* | {paper} |" in table.replace("**", "")
    assert f"{name.replace('_', chr(92) + '_')}, commit {COMMIT}" in table
    hub.put(f"/api/models/{name}", status(503))
    again = command(*line)  # what is done is not done again
    assert again.code == 0
    assert len(list(sweep.glob("evaluate-*"))) == 1


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        ("me/nothing", "checkpoint=me/nothing: no folder here"),
        ("me/nothing/here", "checkpoint=me/nothing/here: expected a .ckpt file"),
        ("nothing", "checkpoint=nothing: expected a .ckpt file"),
    ],
)
def test_what_is_no_checkpoint_is_one_line(
    command: Command, hub: Loopback, checkpoint: str, said: str
) -> None:
    ended = command("task=evaluate", f"checkpoint={checkpoint}", *QUESTIONS, "hydra.run.dir=run")
    assert said in one_line(ended)
    assert not Path("run", "results.json").exists()


def test_the_template_is_that_of_the_copies_for_transformers(replica) -> None:
    assert (replica("internvl") / "chat_template.jinja").read_text() == INTERNVL_TEMPLATE
