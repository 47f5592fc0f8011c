"""Keeps a server as long as its parent lives: ``python keeper.py COMMAND...``.

The parent holds the other end of standard input. When it closes, because the parent has closed it
or is gone, also by SIGKILL, the server and all its processes are ended. Imports nothing of the
suite, so that it starts at once.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

GRACE = 10.0  # seconds between SIGTERM and SIGKILL


def main(command: list[str]) -> int:
    """Run the command in a process group of its own until it or standard input ends."""
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end(*_: object) -> None:
        _signal(server, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(GRACE)
        _signal(server, signal.SIGKILL)

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):  # no buffer, whose lock the exit would wait for
            pass
        end()

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=end).start())
    code = server.wait()
    _signal(server, signal.SIGKILL)  # its workers, if it left some
    return code


def _signal(server: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
