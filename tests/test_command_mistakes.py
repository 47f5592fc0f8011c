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


# --- mistakes

MINE = {
    "model/misspelt.yaml": "# mine\ndefaults: [tiny_qwen, _self_]\npth: somewhere\n",
    "model/broken.yaml": "# mine\nname: broken\n\tpath: somewhere\n",
    "experiment/outside.yaml": "# mine\ntraining:\n  steps: 3\n",
    "experiment/unknown.yaml": "# @package _global_\n# mine\ntrainning:\n  steps: 3\n",
    "experiment/nothing.yaml": "# @package _global_\n# mine\ndefaults: [override /method: gritt]\n",
}


@pytest.fixture(scope="module")
def mine(desk: Desk) -> str:
    """A folder of somebody's own choices, each with a mistake."""
    folder = desk.folder / "mine"
    for name, text in MINE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder)


def test_a_folder_that_takes_no_file(desk: Desk) -> None:
    (desk.folder / "closed" / "grit.log").mkdir(parents=True)
    assert "closed/grit.log" in refused(desk.grit("experiment=smoke", "hydra.run.dir=closed"))


def test_a_refused_run_leaves_no_folder(desk: Desk) -> None:
    refused(desk.grit("training.beta=-1", "hydra.run.dir=negative"))
    assert not (desk.folder / "negative").exists()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["model=tiny_qwem"], ["model", "tiny_qwem", "tiny_qwen", "internvl3_2b"]),
        (["trainer.max_stepps=3"], ["trainer.max_stepps", "trainer.max_steps?"]),
        (["rewards=released"], ["rewards is no field", "reward?"]),
        (["reward.terms.count.wieght=1"], ["wieght", "reward.terms.count.weight?"]),
        (["data.sources.mine.kind=vsr"], ["data.sources.mine", "+data.sources.mine.kind=vsr"]),
        (["training.beta.x=1"], ["training.beta is a value"]),
        (["judge.model=gpt-4o"], ["judge=openai"]),
        (["judge=openai", "judge.modle=gpt-4o"], ["judge.model?"]),
        (["xyzzy=1"], ["xyzzy is no field", "--cfg job"]),
        (["task=trian"], ["task", "trian", "train, evaluate, score"]),
        (["+training.stepps=3"], ["training.stepps", "training.steps?"]),
        (["train"], ["train"]),
        (["model=null"], ["model"]),
        (["seed=1,2"], ["seed=1,2", "-m"]),
        (["hydra.run.dir=mine/model/broken.yaml/run"], ["mine/model/broken.yaml/run"]),
        (["--config-dir", "mine", "model=misspelt"], ["model.pth", "model.path?"]),
        (["--config-dir", "mine", "model=broken"], ["broken.yaml", "line 3"]),
        (["--config-dir", "mine", "experiment=unknown"], ["trainning"]),
        (
            ["--config-dir", "mine", "experiment=outside", "task=score", "input=i", "output=o"],
            ["experiment"],
        ),
        (["--config-dir", "mine", "experiment=nothing"], ["method", "gritt"]),
        (
            ["experiment=table1", "model=internvl3_2b", "data=vsr_tally", "method=grit", "seed=0"],
            ["table1 of model=internvl3_2b, suite=paper", "say judge=openai, or judge=rules"],
        ),
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("mine")
def test_a_mistake_is_one_line(desk: Desk, arguments: list[str], named: list[str]) -> None:
    message = refused(desk.grit(*arguments))
    assert [word for word in named if word not in message] == []
