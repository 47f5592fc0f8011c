from pathlib import Path

import pytest
import wandb

from grit.core.errors import GritError
from grit.tracking import wandb_log
from grit.tracking.wandb_log import wandb_logger, wandb_mode


@pytest.mark.parametrize(
    ("configured", "environment", "expected"),
    [
        ("auto", {}, "offline"),
        ("auto", {"WANDB_API_KEY": "k"}, "online"),
        ("auto", {"WANDB_API_KEY": "k", "WANDB_MODE": "offline"}, "offline"),
        ("auto", {"WANDB_API_KEY": "k", "WANDB_MODE": "nonsense"}, "online"),
        ("auto", {"WANDB_API_KEY": "k", "WANDB_MODE": "dryrun"}, "offline"),
        ("auto", {"WANDB_MODE": "run"}, "online"),
        ("disabled", {"WANDB_API_KEY": "k"}, "disabled"),
        ("online", {}, "online"),
    ],
)
def test_online_only_with_a_key(monkeypatch, configured, environment, expected):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wandb_mode(configured) == expected


@pytest.mark.parametrize("wrong", [{"project": "team/proj"}, {"tags": [""]}])
@pytest.mark.parametrize("mode", ["offline", "online"])
def test_what_the_client_refuses_is_one_line(monkeypatch, tmp_path, wrong, mode):
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    given = {"project": "grit", "entity": None, "name": "run", "mode": mode, "tags": ["a"]}
    with pytest.raises(GritError, match=r"W&B: the run cannot be begun: .*logger=none") as refusal:
        wandb_logger(tmp_path, {}, **(given | wrong))
    assert "\n" not in str(refusal.value)


def test_an_unreachable_server_is_no_reason_to_stop_or_to_wait_for_long(
    monkeypatch, tmp_path, caplog
):
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setattr(wandb_log, "INIT_TIMEOUT", 1)
    try:
        logger = wandb_logger(
            tmp_path,
            {"seed": 0},
            project="grit",
            entity=None,
            name="run",
            mode="online",
            tags=["a"],
        )
        assert logger.experiment.settings._offline
        assert dict(logger.experiment.config) == {"grit": {"seed": 0}}
        (said,) = [line for line in caplog.messages if "logged offline" in line]
        assert f"`wandb sync {Path(logger.experiment.dir).parent}` sends it" in said
    finally:
        wandb.finish()
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_without_a_key_an_online_run_says_which_variable_counts(
    wandb_service, monkeypatch, tmp_path, caplog
):
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    try:
        wandb_logger(tmp_path, {}, project="grit", entity=None, name="run", mode="online", tags=[])
        (said,) = [line for line in caplog.messages if "logged offline" in line]
        assert "WANDB_API_KEY" in said
        assert "wandb login" not in said
    finally:
        wandb.finish()
