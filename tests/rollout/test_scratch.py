"""The next run removes weights that a killed one has left, and no living one's."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from grit.rollout.scratch import Scratch

OTHER = """
import sys, time
from pathlib import Path
from grit.rollout.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]))
(scratch.path / "weights.safetensors").write_bytes(bytes(100))
print(scratch.path, flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    being_made = tmp_path / f"grit-weights-{socket.gethostname()}-new"
    being_made.mkdir()
    (tmp_path / "somebody's").mkdir()
    elsewhere = tmp_path / "grit-weights-another-host-new"
    elsewhere.mkdir()
    (elsewhere / ".lock").touch()
    command = [sys.executable, "-c", OTHER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        mine = Scratch(tmp_path)
        assert left.is_dir()  # it lives
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert left.is_dir()
        later = Scratch(tmp_path)
    assert not left.exists()
    assert mine.path.is_dir()
    mine.remove()
    later.remove()
    left_alone = {being_made.name, elsewhere.name, "somebody's"}
    assert {each.name for each in tmp_path.iterdir()} == left_alone
