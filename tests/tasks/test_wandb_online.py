"""Commands that speak with W&B's server: a real client, and a server on loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wandb
from chat_service import Play, is_silent
from wandb_service import ENTITY, KEY, WandbService, error, logged_run


@pytest.fixture
def seeds(finished_run, tmp_path: Path) -> Path:
    """A folder of finished runs."""
    folder = tmp_path / "seeds"
    for seed in (0, 1):
        finished_run(folder / str(seed), seed=seed)
    return folder


def test_tables_of_a_project(command, seeds: Path, wandb_service: WandbService, caplog) -> None:
    wandb_service.projects["grit"] = [
        logged_run(path.name, {"results": json.loads((path / "results.json").read_text())})
        for path in seeds.iterdir()
    ]
    runs = f"runs=[wandb:{ENTITY}/grit]"
    ended = command("task=tables", runs, "exhibits=[table1]", "hydra.run.dir=out")
    assert ended.code == 0, ended.err
    assert "GRIT, 2 seeds" in Path("out/table1.md").read_text()
    assert nothing_shows_the_key(ended.out, ended.err, caplog.text, Path.cwd())


@pytest.mark.parametrize(
    ("key", "project", "said"),
    [
        (KEY, "other", "Could not find project other"),
        (KEY[:-1] + "X", "grit", "invalid API key"),
    ],
)
def test_tables_that_cannot_be_made_end_in_one_line(
    command, wandb_service: WandbService, monkeypatch, key: str, project: str, said: str
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", key)
    wandb_service.projects["grit"] = []
    ended = command("task=tables", f"runs=[wandb:{ENTITY}/{project}]", "hydra.run.dir=out")
    assert ended.code == 1
    assert ended.err.startswith(f"grit: runs=wandb:{ENTITY}/{project}: W&B: ")
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not list(Path("out").glob("table*"))
    assert nothing_shows_the_key(ended.out, ended.err, "", Path.cwd(), key)


@pytest.mark.parametrize(
    ("overrides", "asked", "play", "said"),
    [
        ([], "GetDefaultEntity", error(403, "locked out"), "whose key this is: locked out; set"),
        (["logger.entity=nobody"], "", None, "was not saved: input: permission denied"),
        ([], "Viewer", is_silent, "no answer in time"),
    ],
)
def test_what_is_not_saved_is_written_all_the_same(
    command,
    seeds: Path,
    wandb_service: WandbService,
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
    asked: str,
    play: Play | None,
    said: str,
) -> None:
    monkeypatch.setattr(wandb.Api, "_HTTP_TIMEOUT", 3)
    if play is not None:
        wandb_service.trouble[asked] = play
    ended = command(
        "task=report", f"runs=[{seeds}]", "hydra.run.dir=out", "logger.mode=online", *overrides
    )
    assert ended.code == 1
    assert said in ended.err
    assert f"({Path('out').resolve()} has report.html and wandb_report.json)" in ended.err
    assert ended.err.count("\n") == 1
    assert "<h1>seeds</h1>" in Path("out/report.html").read_text(encoding="utf-8")
    assert json.loads(Path("out/wandb_report.json").read_text())["displayName"] == "seeds"
    assert not wandb_service.reports


def test_a_report_is_saved_and_no_file_holds_the_key(
    seeds: Path, wandb_service: WandbService, tmp_path: Path
) -> None:
    """In a process of its own, so that the library's files are all here, its log among them."""
    environment = {name: value for name, value in os.environ.items() if "WANDB" not in name}
    places = ("TMPDIR", "WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR")
    environment |= dict.fromkeys(places, str(tmp_path)) | {
        "WANDB_BASE_URL": wandb_service.url,
        "WANDB_API_KEY": KEY,
        "WANDB_ERROR_REPORTING": "false",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "grit", "task=report", f"runs=[{seeds}]", "hydra.run.dir=out"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,  # it imports torch, which takes minutes where others work too
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (saved,) = wandb_service.reports
    written = json.loads((tmp_path / "out" / "wandb_report.json").read_text())
    assert json.loads(saved["spec"]) == written["spec"]
    assert written["entityName"] == ENTITY  # whose key it is
    url = f"{wandb_service.url}/{ENTITY}/grit/reports/seeds--{saved['id']}"
    assert url in ended.stdout
    assert list(tmp_path.rglob("core-debug*.log")), "the library's log is elsewhere"
    assert nothing_shows_the_key(ended.stdout, ended.stderr, "", tmp_path)


def nothing_shows_the_key(out: str, err: str, log: str, folder: Path, key: str = KEY) -> bool:
    """Whether the key is in no text and in no file below the folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    holders = [path for path in files if key.encode() in path.read_bytes()]
    return not holders and not any(key in text for text in (out, err, log))
