"""What the command line says of mistakes, and of what is not there: one line."""

import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from desk import Desk, files, refused

# --- what is not there


def test_data_that_are_not_there(desk: Desk) -> None:
    done = desk.grit(
        "model=internvl3_2b", "data=vsr_tally", "data.root=nowhere", "hydra.run.dir=no-data"
    )
    message = refused(done)
    for word in ("nowhere/vsr_cot_train_10.jsonl", "data.root", "yfan1997/GRIT_data"):
        assert word in message
    assert set(files(desk.folder / "no-data")) <= {"grit.log"} | {
        f".hydra/{name}.yaml" for name in ("config", "hydra", "overrides")
    }


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[float]]]:
    """A Hub that takes every connection and never says a word; when it was first called."""
    calls: list[float] = []
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    calls.append(time.monotonic())

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
    for connection in held:
        connection.close()


def unreachable(message: str) -> None:
    assert "OpenGVLab/InternVL3-2B-hf" in message
    assert "model.path" in message
    assert re.search("download|HF_ENDPOINT", message)


def test_a_hub_that_refuses(desk: Desk) -> None:
    wrong = "model=internvl3_2b", "experiment=smoke", "hydra.run.dir=no-hub"
    unreachable(refused(desk.grit(*wrong)))
    assert set(files(desk.folder / "no-hub")) <= {"grit.log"}  # the folder is free for a new try


def test_a_hub_that_never_answers(desk: Desk) -> None:
    """The clock runs from the first call: how long libraries take to load is another matter."""
    with listening() as (endpoint, calls):
        try:
            done = subprocess.run(
                [sys.executable, "-m", "grit", "model=internvl3_2b", "experiment=smoke"],
                cwd=desk.folder,
                env=desk.environment | {"HF_ENDPOINT": endpoint},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        except subprocess.TimeoutExpired:
            pytest.fail("the command still waits for the Hub after 120 s")
        assert time.monotonic() - calls[0] < 30
    unreachable(refused(done))


# --- mistakes; the tables of test_wrong_commands_*.py have more


def test_a_folder_that_takes_no_file(desk: Desk) -> None:
    (desk.folder / "closed" / "grit.log").mkdir(parents=True)
    assert "closed/grit.log" in refused(desk.grit("experiment=smoke", "hydra.run.dir=closed"))


def test_a_refused_run_leaves_no_folder(desk: Desk) -> None:
    refused(desk.grit("training.beta=-1", "hydra.run.dir=negative"))
    assert not (desk.folder / "negative").exists()
