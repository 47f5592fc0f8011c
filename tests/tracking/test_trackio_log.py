"""A real database of trackio, read back by its own API."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from chat_service import ChatService
from composing import config
from shown_run import begun, evaluate, findings, resumed, train

from grit.config.identity import plain
from grit.core.errors import GritError
from grit.tracking.dashboard import evaluation_numbers
from grit.tracking.trackio_client import library_in
from grit.tracking.trackio_log import trackio

RUN = config("logger.group=mine")
NAME = "tiny_qwen-shapes-grit-seed0"


@pytest.fixture(autouse=True)
def _without_the_users_own(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TRACKIO_")]:
        monkeypatch.delenv(name)


def run_in(place: Path) -> Any:
    (run,) = library_in(place).Api().runs("grit")
    return run


def points(place: Path, name: str) -> list[tuple[int, Any]]:
    run, storage = run_in(place), library_in(place).sqlite_storage.SQLiteStorage
    rows = storage.get_logs("grit", run.name, run_id=run.id)
    return [(row["step"], row[name]) for row in rows if name in row]


@pytest.fixture(scope="module", params=["sqlite", "jsonl"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run of four steps that is stopped after three and resumed after two.

    On network file systems trackio keeps JSON lines, which its own page moves into the database.
    """
    folder = tmp_path_factory.mktemp("runs") / request.param
    found = findings(folder, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_STORAGE_MODE", request.param)
        with trackio(RUN, begun(folder)) as dashboard:
            dashboard.numbers(evaluation_numbers(found.before.results), 0)
            train(dashboard, range(3), 1.0)
        with trackio(RUN, resumed(folder, 2)) as dashboard:
            assert dashboard.kept == 2
            train(dashboard, range(2, 4), 2.0)
            evaluate(dashboard, found)
        library_in(folder / "trackio").fragments.import_inbox_dir()
    return folder / "trackio"


def test_steps_that_are_done_again_are_there_once_and_in_one_run(place):
    assert points(place, "train/reward") == [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0)]
    assert [step for step, _ in points(place, "reward_part_vsr/bleu")] == [0, 1, 2, 3]
    assert [step for step, _ in points(place, "eval/vsr/acc")] == [0, 4]
    assert [step for step, _ in points(place, "completions/2")] == [0, 1, 2, 3]


def test_the_run_has_its_name_group_and_configuration(place):
    run = run_in(place)
    assert run.name == NAME
    added = {key: value for key, value in run.config.items() if key.startswith("_")}
    assert added.pop("_Created")
    assert added == {"_Username": None, "_Group": "mine"}
    stored = {key: value for key, value in run.config.items() if not key.startswith("_")}
    assert stored == json.loads(json.dumps(plain(RUN)))


def test_results_are_a_table_rows_with_pictures_and_the_page(place):
    ((step, table),) = points(place, "results")
    assert step == 4
    assert "| vsr ACC | 6 | 0.0 [" in table["_value"]
    ((_, evaluation),) = points(place, "evaluation")
    rows = evaluation["_value"]
    assert len(rows) == 4
    for row in rows:
        assert row["answer before"] == "a hippopotamus"
        assert row["reward"] == row["reward think_tags"]
        assert (place / "media" / row["picture"]["file_path"]).read_bytes().startswith(b"\x89PNG")
    ((_, page),) = points(place, "report")
    assert (place / "media" / page["file_path"]).read_text() == "<p>a page"


def test_runs_of_one_process_stay_in_their_folders_or_go_where_the_user_says(tmp_path, monkeypatch):
    for name in ("a", "b"):
        with trackio(RUN, begun(tmp_path / name)) as dashboard:
            dashboard.numbers({"train/reward": 1.0}, 0)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "all"))
    for name in ("c", "d"):
        with trackio(RUN, begun(tmp_path / name)) as dashboard:
            dashboard.numbers({"train/reward": 1.0}, 0)
    for name in ("a", "b"):
        assert points(tmp_path / name / "trackio", "train/reward") == [(0, 1.0)]
    first, second = library_in(tmp_path / "all").Api().runs("grit")
    assert first.name == second.name
    assert first.id != second.id
    assert os.environ["TRACKIO_DIR"] == str(tmp_path / "all")


def test_nothing_leaves_the_machine(tmp_path, monkeypatch):
    """Not to the Hub, which the client asks who is logged in, nor to a Space or a server."""
    service = ChatService()
    monkeypatch.setenv("HF_TOKEN", "hf_dummysecret0123456789")
    monkeypatch.setenv("TRACKIO_SPACE_ID", "me/space")
    monkeypatch.setenv("TRACKIO_SERVER_URL", f"{service.url}?write_token=x")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", service.url)
    asked: list[object] = []
    monkeypatch.setattr("socket.socket.connect", lambda *address: asked.append(address))
    try:
        with trackio(RUN, begun(tmp_path / "run")) as dashboard:
            dashboard.numbers({"train/reward": 1.0}, 0)
    finally:
        service.close()
    assert asked == []
    assert points(tmp_path / "run" / "trackio", "train/reward") == [(0, 1.0)]


def test_a_database_that_cannot_be_written_is_one_line(tmp_path):
    with trackio(RUN, begun(tmp_path / "run")) as dashboard:
        dashboard.numbers({"train/reward": 1.0}, 0)
    for file in (tmp_path / "run" / "trackio").glob("grit.db*"):
        file.write_bytes(b"no database" * 1000)
    started = trackio(RUN, resumed(tmp_path / "run", 0))
    with pytest.raises(GritError, match=r"grit\.db: the steps .* cannot be taken back"), started:
        pass


def test_a_line_says_how_to_look_and_the_client_says_nothing(tmp_path, caplog, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.INFO), trackio(RUN, begun(tmp_path / "a run")):
        pass
    said = "trackio: `TRACKIO_DIR='a run/trackio' trackio show --project grit` shows it"
    assert said in caplog.messages
    assert capsys.readouterr() == ("", "")
