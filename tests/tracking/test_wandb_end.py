"""Ends of runs that the server has taken, or not all of; the real client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from chat_service import sends
from PIL import Image
from wandb.sdk.lib.wbauth import unauthenticate_session
from wandb_runs_service import WandbRunsService
from wandb_service import KEY

from grit.tracking.wandb_end import finish, limits
from grit.tracking.wandb_log import wandb_logger


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


def test_the_environment_bounds_the_wait_before_we_do(monkeypatch) -> None:
    for name in ("WANDB_FINISH_TIMEOUT", "WANDB_X_GRAPHQL_RETRY_MAX"):
        monkeypatch.delenv(name, raising=False)
    assert 0 < limits()["finish_timeout"] <= 300
    assert limits()["x_graphql_retry_max"] < 20
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "7")
    assert "finish_timeout" not in limits()
    assert wandb.Settings(**limits()).finish_timeout_raises
