"""Trainings that log to W&B online: the real client, and a server on loopback that keeps all."""

import base64
import io
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chat_service import Play, Request, hangs_up
from PIL import Image
from wandb_runs_service import WandbRunsService
from wandb_service import ENTITY, KEY

from grit.tracking.wandb_images import ANNOTATED

pytestmark = pytest.mark.slow

COMMAND = (
    *(
        "-m",
        "grit",
        "experiment=smoke",
        "logger.mode=online",
        "logger.tags=[mine]",
        "suite.limit=1",
    ),
    *("trainer.accelerator=cpu", "threads=1", "hydra.run.dir=out"),
)


MINE = """
import os
from contextlib import suppress
from urllib.request import urlopen


def killing(response):
    if response.dataset == "rehearsal":
        return 0.0
    with suppress(OSError):  # it dies of the first
        urlopen(os.environ["WANDB_BASE_URL"] + "/kill", b"{}")
    return 0.0
"""


class Mortal(WandbRunsService):
    """A server that dies when a reward of the tests' own is asked for: in the training."""

    def _play(self, request: Request) -> Play:
        if request.path == "/kill":
            self.trouble[""] = hangs_up
        return super()._play(request)


@pytest.fixture
def service() -> Iterator[WandbRunsService]:
    made = WandbRunsService()
    yield made
    made.close()


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    made = Mortal()
    yield made
    made.close()


def ended(
    service: WandbRunsService, folder: Path, *words: str, **more: str
) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, so that all the library's files are below the folder."""
    environment = {name: value for name, value in os.environ.items() if "WANDB" not in name}
    places = ("TMPDIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")
    environment |= dict.fromkeys(places, str(folder)) | {
        "WANDB_BASE_URL": service.url,
        "WANDB_API_KEY": KEY,
        "WANDB_ERROR_REPORTING": "false",
    }
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment | more,
        capture_output=True,
        text=True,
        timeout=600,  # it imports torch, which takes minutes where others work too
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def run_of(service: WandbRunsService) -> dict[str, Any]:
    (run,) = service.projects["grit"]
    return run


def table_of(service: WandbRunsService) -> list[dict[str, Any]]:
    """The rows of the evaluation, whose pictures have come too."""
    (artifact,) = service.artifacts.values()
    assert (artifact.name, artifact.type) == (
        f"run-{run_of(service)['name']}-evaluation",
        "run_table",
    )
    assert artifact.state == "COMMITTED"
    table = json.loads(artifact.files["evaluation.table.json"])
    rows = [dict(zip(table["columns"], cells, strict=True)) for cells in table["data"]]
    for row in rows:
        with Image.open(io.BytesIO(artifact.files[row["picture"]["path"]])) as picture:
            assert picture.size == (row["picture"]["width"], row["picture"]["height"])
    return rows


def trained(folder: Path) -> list[dict[str, float]]:
    """The steps by the run's own record."""
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_finished_run_is_on_the_server(service: WandbRunsService, tmp_path: Path) -> None:
    sweep = tmp_path / "sweep.yaml"  # as the agent writes it; ``model`` is a group of ours too
    sweep.write_text("wandb_version: 1\nmodel: {value: tiny_qwen}\n", encoding="utf-8")
    done = ended(
        service,
        tmp_path,
        *COMMAND,
        "model=tiny_qwen",
        "training.updates_per_rollout=2",  # of which Lightning counts each as a step
        "logger.sample_every=1",
        WANDB_PROJECT="grit",  # a sweep's runs go where the sweep is
        WANDB_SWEEP_ID="sweep1",
        WANDB_SWEEP_PARAM_PATH=str(sweep),
    )
    assert "W&B misses" not in done.stdout + done.stderr
    out, run = tmp_path / "out", run_of(service)
    assert f"{service.url}/{ENTITY}/grit/runs/{run['name']}" in done.stdout
    assert run["displayName"] == "tiny_qwen-shapes-grit-seed0"
    assert (run["group"], run["jobType"], run["state"]) == ("smoke", "train", "finished")
    assert run["tags"] == ["tiny_qwen", "shapes", "grit", "grpo_gr", "rules", "mine"]
    assert run["sweepName"] == "sweep1"

    config = {name: entry["value"] for name, entry in json.loads(run["config"]).items()}
    assert config.keys() == {"grit", "model", "_wandb"}
    own = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
    assert own["model"].pop("image") == {}  # which the client leaves out
    assert config["grit"] == own
    assert config["model"] == "tiny_qwen"

    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    summary = json.loads(run["summaryMetrics"])
    assert summary["results"] == results
    assert summary["results_before"]["sets"].keys() == results["sets"].keys()

    history = service.sent[run["name"]].history
    steps = [row for row in history if "train/loss" in row]
    for logged, own in zip(steps, trained(out), strict=True):
        assert logged["trainer/global_step"] == own["step"]
        for term in config["grit"]["reward"]["terms"]:
            assert logged[f"reward_part/{term}"] == own[f"train/reward_part/{term}"]
    (before, after) = [row for row in history if "eval/vsr/acc" in row]
    assert (before["trainer/global_step"], after["trainer/global_step"]) == (0, 2)
    assert after["eval/vsr/acc"] == results["sets"]["vsr"]["acc"]["mean"]

    rows = table_of(service)
    assert {row["set"] for row in rows} == results["sets"].keys()
    assert all("reward judge" in row for row in rows)
    assert any(row["picture"]["boxes"][ANNOTATED] for row in rows)
    files = service.sent[run["name"]].files
    (page,) = [content for name, content in files.items() if name.startswith("media/html/")]
    assert page == (out / "report.html").read_bytes()
    shown = [row for row in history if "completions" in row]
    assert [row["trainer/global_step"] for row in shown] == [row["step"] for row in trained(out)]
    assert {name for row in shown for name in row["completions"]["filenames"]} <= files.keys()
    assert only_logins_hold_the_key(service, done, tmp_path)


def only_logins_hold_the_key(
    service: WandbRunsService, done: subprocess.CompletedProcess[str], folder: Path
) -> bool:
    """Whether the key is in headers that authorise, and nowhere else that was sent or left."""
    coded = base64.b64encode(f"api:{KEY}".encode()).decode()
    assert f"Basic {coded}" in {
        request.headers.get("authorization") for request in service.requests
    }
    sent = [
        repr((request.path, request.body, {**request.headers, "authorization": ""}))
        for request in service.requests
    ]
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(b"stream: started" in content for content in left), "the library's log is elsewhere"
    texts = [text.encode() for text in (*sent, done.stdout, done.stderr)] + left
    return not any(key.encode() in text for key in (KEY, coded) for text in texts)


def test_a_server_that_dies_in_the_training_costs_no_run(mortal: Mortal, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    done = ended(
        mortal,
        tmp_path,
        *COMMAND,
        "+reward.terms.killing={call: mine.killing, weight: 1.0}",
        WANDB_HTTP_TIMEOUT="3",
        WANDB_FINISH_TIMEOUT="4",
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
    )
    over = time.time()
    out = tmp_path / "out"
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["finished"]
    assert over - (out / "results.json").stat().st_mtime < 90  # the client itself waits for ever
    name = run_of(mortal)["name"]
    assert run_of(mortal)["state"] == "running"
    sent = mortal.sent[name].history
    assert not [row for row in sent if "train/loss" in row]
    assert not mortal.artifacts

    (line,) = [line for line in done.stdout.splitlines() if "W&B misses" in line]
    assert "(not all was taken within 4 seconds)" in line
    assert not done.stderr
    tool, *words = shlex.split(line.split("`")[1])
    mortal.__class__ = WandbRunsService  # it is well again
    mortal.trouble.clear()
    ended(mortal, tmp_path, "-m", tool, *words)
    assert json.loads(run_of(mortal)["summaryMetrics"])["results"] == results
    history = mortal.sent[name].history
    assert len([row for row in history if "train/loss" in row]) == 2
    (samples,) = [row["completions"] for row in history if "completions" in row]
    assert set(samples["filenames"]) <= mortal.sent[name].files.keys()
    assert not mortal.artifacts  # as the line says
