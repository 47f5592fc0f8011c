"""``task=demo`` as a command: how it starts, what it says, how it ends."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from grit.config.configuration import composed_config
from grit.core.errors import GritError
from grit.demo import serving
from grit.demo.settings import DemoSettings
from grit.demo.shown_models import models_of
from grit.models.tiny import shipped_folder

DEMO = [sys.executable, "-m", "grit", "task=demo", "trainer.accelerator=cpu"]


def test_without_gradio_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda _: None)
    with pytest.raises(GritError, match=r"pip install .* -e '\.\[demo\]'"):
        serving.listen(DemoSettings(port=0))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(GritError, match=r"demo\.host=192\.0\.2\.1 .*cannot listen there"):
        serving.listen(DemoSettings(host="192.0.2.1", port=0))


def test_two_models_on_one_server_are_refused() -> None:
    """The second one's weights would answer in the first one's name."""
    words = ("task=demo", "rollout=vllm", "rollout.urls=[http://127.0.0.1:1]")
    config = composed_config(*words, f"demo.beside={shipped_folder('qwen')}")
    with pytest.raises(GritError, match=r"demo\.beside: a server of rollout\.urls has"):
        models_of(config, words)


@pytest.mark.slow
def test_it_ends_quietly_and_leaves_its_log_alone(tmp_path: Path) -> None:
    command = [*DEMO, "demo.port=0", "hydra.run.dir=run"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"(http://127\.0\.0\.1:\d+) \(Ctrl-C ends it\)\n", line)
        assert found, (line, process.kill(), process.communicate())
        with urllib.request.urlopen(found[1], timeout=60) as answer:
            assert b"GRIT demo" in answer.read()
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, said, errors) == (0, "the demo has ended\n", "")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["grit.log"]
    assert not list(tmp_path.glob("grit-demo-*"))


@pytest.mark.slow
def test_mistakes_end_in_one_line_before_a_model_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        began = time.monotonic()
        _refused(tmp_path, f"demo.port={port}", f"demo.port={port}: another program listens there")
        assert time.monotonic() - began < 60
    _refused(tmp_path, "demo.port=70000", "demo.port must be from 0 to 65535")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beside", "problem"),
    [("base", "demo.beside=base: the demo's model is a base itself"), ("nowhere", "nowhere")],
)
def test_a_model_that_is_not_there(tmp_path: Path, beside: str, problem: str) -> None:
    _refused(tmp_path, f"demo.beside={beside}", problem, "demo.port=0")


def _refused(folder: Path, override: str, problem: str, *more: str) -> None:
    command = [*DEMO, override, *more, "hydra.run.dir=refused"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "refused").exists() or list((folder / "refused").iterdir())
