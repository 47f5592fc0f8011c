"""W&B's own agent, offline: it gets its runs from a list instead of from a server."""

import queue
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import wandb.apis.public.sweeps as server
import yaml
from wandb import wandb_agent


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Let the agent do the runs of a sweep, each with the values of one combination."""
    monkeypatch.chdir(tmp_path)
    for name in ("WANDB_DIR", "WANDB_RUN_ID", "WANDB_SWEEP_PARAM_PATH"):
        monkeypatch.setenv(name, str(tmp_path))  # the agent sets them: put back at the end
    monkeypatch.setenv("WANDB_SWEEP_ID", "offline")
    monkeypatch.setattr(wandb_agent.Agent, "POLL_INTERVAL", 0.1)
    monkeypatch.setattr(wandb_agent.wandb, "Api", lambda: None)
    monkeypatch.setattr(server, "_register_agent", lambda *_, **__: {"id": "agent"})

    def start(config: Mapping[str, Any], combinations: list[dict[str, Any]]) -> None:
        waiting = [
            {
                "type": "run",
                "run_id": f"run{number}",
                "program": config["program"],
                "args": {name: {"value": value} for name, value in values.items()},
            }
            for number, values in enumerate(combinations)
        ]

        def heartbeat(_api: Any, _agent: str, _metrics: Any, running: dict[str, bool]) -> list[Any]:
            if running:
                return []
            return [waiting.pop(0)] if waiting else [{"type": "exit"}]

        monkeypatch.setattr(server, "_sweep_with_runs", lambda *_: {"config": yaml.dump(config)})
        monkeypatch.setattr(server, "_agent_heartbeat", heartbeat)
        wandb_agent.Agent(None, queue.Queue(), sweep_id="offline").run()

    return start
