"""Ends of runs that the server has taken, or not all of; the real client."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from chat_service import sends
from PIL import Image
from wandb.sdk.lib.wbauth import unauthenticate_session
from wandb_runs_service import WandbRunsService
from wandb_service import KEY

from grit.tracking.wandb_end import _faults, finish, limits
from grit.tracking.wandb_log import wandb_logger

LOSES = """
import sys, psutil
from pathlib import Path
from grit.tracking.wandb_dashboard import WandbDashboard
from grit.tracking.wandb_end import finish
from grit.tracking.wandb_log import wandb_logger
names = {"project": "grit", "entity": None, "mode": "offline", "tags": ["a"]}
logger = wandb_logger(Path(sys.argv[1]), {}, name="first", **names)
logger.log_metrics({"train/reward": 0.5}, 1)
cores = [p for p in psutil.Process().children(recursive=True) if "wandb-core" in p.name()]
for core in cores:
    core.terminate()
psutil.wait_procs(cores, timeout=10)
print("one was ended" if len(cores) == 1 else cores)
for step in (2, 3):
    logger.log_metrics({"train/reward": 0.5}, step)
    WandbDashboard(logger).numbers({"eval/mean/acc": 0.5}, step)
    WandbDashboard(logger).completions([], step)
finish(logger.experiment, failed=True, faults=logger.faults)
print("the first goes on")
following = wandb_logger(Path(sys.argv[1]), {}, name="second", **names)
following.log_metrics({"train/reward": 0.5}, 1)
finish(following.experiment, faults=following.faults)
print("the next has", len(following.faults), "faults")
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbRunsService]:
    usual = wandb.setup().settings.base_url  # it reads the environment once
    unauthenticate_session()
    made = WandbRunsService()
    wandb.setup(wandb.Settings(base_url=made.url))
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    yield made
    wandb.finish()
    wandb.setup(wandb.Settings(base_url=usual))
    unauthenticate_session()
    made.close()


def logged(folder: Path) -> wandb.Run:
    """A run with a picture, which is a file to be sent."""
    names = {"project": "grit", "entity": None, "name": "run"}
    run = wandb_logger(folder, {"seed": 0}, **names, mode="online", tags=["a"]).experiment
    run.log({"picture": wandb.Image(Image.new("RGB", (8, 8)))})
    return run


@pytest.mark.parametrize(("failed", "state"), [(False, "finished"), (True, "failed")])
def test_what_is_taken_is_no_news(
    service: WandbRunsService, tmp_path: Path, caplog, failed: bool, state: str
) -> None:
    finish(logged(tmp_path), failed=failed)
    (run,) = service.projects["grit"]
    assert run["state"] == state
    assert "misses" not in caplog.text


def test_a_refused_file_is_named(service: WandbRunsService, tmp_path: Path, caplog) -> None:
    service.trouble["/storage"] = sends(403, "this disk is full")
    run = logged(tmp_path)
    finish(run)
    (said,) = [line for line in caplog.messages if "misses" in line]
    assert "(api: HTTP error 403)" in said
    assert f"`wandb sync --include-online {Path(run.dir).parent}`" in said


def test_the_end_of_the_clients_process_costs_neither_this_run_nor_the_next(tmp_path: Path) -> None:
    """A SIGTERM to a whole job ends it at once, before the run has written its checkpoint."""
    words = [sys.executable, "-c", LOSES, str(tmp_path)]
    own = {k: v for k, v in os.environ.items() if k != "WANDB_SERVICE"}  # not the tests' process
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "one was ended",
        "the first goes on",
        "the next has 0 faults",
    ]
    assert done.stderr.count("ended before this run") == 1
    assert "sync --include-online" in done.stderr
    assert "Traceback" not in done.stderr  # of what the client does at exit, either
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 2


def test_the_environment_bounds_the_wait_before_we_do(monkeypatch) -> None:
    for name in ("WANDB_FINISH_TIMEOUT", "WANDB_X_GRAPHQL_RETRY_MAX"):
        monkeypatch.delenv(name, raising=False)
    assert 0 < limits()["finish_timeout"] <= 300
    assert limits()["x_graphql_retry_max"] < 20
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "7")
    assert "finish_timeout" not in limits()
    assert wandb.Settings(**limits()).finish_timeout_raises


def test_a_torn_log_of_the_upload_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    assert list(_faults(tmp_path)) == []  # nothing says that something was lost
    (tmp_path / "logs").mkdir()
    lines = ['{"level": "ERROR", "msg": "ga', "plain", "[1]", '{"level": 4}', '{"level": "INFO"}']
    lines.append('{"level": "ERROR+4", "msg": "gave up", "status": 500}')
    (tmp_path / "logs" / "debug-internal.log").write_text("\n".join(lines))
    assert list(_faults(tmp_path)) == ["gave up 500"]
