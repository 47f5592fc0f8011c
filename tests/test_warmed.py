"""Commands in forks of a waiting process end as commands in processes of their own do."""

import os
import signal
from pathlib import Path

import pytest
from desk import Desk, refused
from warmed import server

SAYS = """
import os
import sys
from pathlib import Path

print(sys.argv[1:], sys.stdin.read(), Path.cwd(), __name__, os.environ.get("SAID"), os.getpid())
print(sys.path[0], file=sys.stderr)
sys.exit(eval(sys.argv[1]))
"""


@pytest.fixture
def says(tmp_path: Path) -> str:
    (tmp_path / "script").mkdir()
    path = tmp_path / "script" / "says.py"
    path.write_text(SAYS, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("arguments", [["--version"], ["training.beta=-1"], ["--help", "data"]])
def test_it_says_what_a_process_says(desk: Desk, arguments: list[str]) -> None:
    ours, theirs = desk.grit(*arguments), desk.process(*arguments)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        theirs.returncode,
        theirs.stdout,
        theirs.stderr,
    )


@pytest.mark.parametrize(("ended", "code"), [("None", 0), ("3", 3), ("'a line'", 1)])
def test_a_script_has_its_own_streams_folder_and_environment(
    says: str, tmp_path: Path, ended: str, code: int
) -> None:
    started = server().start([says, ended], tmp_path, {"SAID": "this"}, stdin="typed")
    done = started.done()
    assert done.returncode == code
    assert done.stdout == f"['{ended}'] typed {tmp_path} __main__ this {started.pid}\n".replace(
        "[''a line'']", "[\"'a line'\"]"
    )
    assert done.stderr.splitlines() == [str(Path(says).parent), *(["a line"] if code == 1 else [])]
    assert started.pid != os.getpid()


def test_a_fault_ends_in_a_traceback(says: str, tmp_path: Path) -> None:
    done = server().start([says, "1 / 0"], tmp_path, {}).done()
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_one_that_is_killed_has_the_code_of_its_signal(says: str, tmp_path: Path) -> None:
    killed = f"os.kill(os.getpid(), {int(signal.SIGKILL)})"
    assert server().start([says, killed], tmp_path, {}).done().returncode == -signal.SIGKILL


def test_modules_of_a_folder_are_this_command_s_alone(desk: Desk) -> None:
    (desk.folder / "mine_too.py").write_text("1 / 0\n")
    own = ("judge=own", "judge.call=mine_too.judge")
    assert "ZeroDivisionError" in refused(desk.grit(*own))
    (desk.folder / "mine_too.py").write_text("judge = 3\n")
    assert "ZeroDivisionError" not in refused(desk.grit(*own))
