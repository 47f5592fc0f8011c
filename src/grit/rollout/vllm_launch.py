"""A vLLM server that a run starts and ends: ``rollout.launch=true``."""

import logging
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from grit.core.errors import GritError
from grit.core.secrets import excerpt
from grit.rollout import keeper
from grit.rollout.vllm_server import VLLMServer

log = logging.getLogger(__name__)
_SHOWN = 200  # characters of the server's last line
_NO_REASON = ("WARN", "See root cause above")  # in lines that give none
_OF_TORCHRUN = (
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE"),
    *("ROLE_NAME", "ROLE_RANK", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
)


class LaunchedServer:
    """A server as a process of its own, which ends with this one, however this one ends.

    Args:
        command: of the server, which listens at ``port``.
        environment: what it has besides this process's, of which it does not get torchrun's part.
        port: of this machine.
        log_file: where its output goes.
        start_within: seconds that it may take until it answers.

    Raises:
        GritError: it has ended, or does not answer in time.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        port: int,
        log_file: Path,
        start_within: float,
    ) -> None:
        self.url, self.log_file = f"http://127.0.0.1:{port}", log_file
        shown = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
        log.info("rollout.launch: %s %s > %s", " ".join(shown), shlex.join(command), log_file)
        with log_file.open("ab") as output:
            self._begins = output.tell()  # before it are former starts, of a run that is resumed
            self._keeper = subprocess.Popen(
                [sys.executable, str(keeper.__file__), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=without_torchrun(os.environ) | dict(environment),
                start_new_session=True,  # Ctrl-C is for the run, which then ends the server
            )
        try:
            self._wait(start_within)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the server and wait until it has ended."""
        if self._keeper.stdin is not None:
            with suppress(OSError):
                self._keeper.stdin.close()
        try:
            self._keeper.wait(2 * keeper.GRACE)
        except subprocess.TimeoutExpired:
            self._keeper.kill()

    def _wait(self, seconds: float) -> None:
        began = time.monotonic()
        server = VLLMServer(self.url, timeout=5.0)
        while not server.is_up():
            if (code := self._keeper.poll()) is not None:
                raise GritError(
                    f"rollout.launch: the server ended with code {code}: {self._last()}"
                )
            if time.monotonic() - began > seconds:
                raise GritError(
                    f"rollout.launch: the server does not answer {seconds:g} s after its start "
                    f"(rollout.start_within): {self._last()}"
                )
            time.sleep(0.5)
        server.close()
        log.info("rollout.launch: %s after %.0f s", self.url, time.monotonic() - began)

    def _last(self) -> str:
        """The last line of this start that speaks of an error, else the last; where the log is."""
        said = self.log_file.read_bytes()[self._begins :]
        lines = said.decode("utf-8", "replace").strip().splitlines()
        errors = [
            each
            for each in lines
            if "error" in each.lower() and not any(said in each for said in _NO_REASON)
        ]
        last = excerpt([*lines, *errors][-1].strip(), _SHOWN) if lines else "it said nothing"
        return f"{last} ({self.log_file})"


def without_torchrun(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables without those by which torchrun tells a rank its place.

    A server is no rank: with them its own process group would wait for torchrun's store
    (TORCHELASTIC_USE_AGENT_STORE), and have the single thread of a rank among many.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _OF_TORCHRUN and not name.startswith("TORCHELASTIC_")
    }
    if len(kept) < len(environment) and kept.get("OMP_NUM_THREADS") == "1":
        del kept["OMP_NUM_THREADS"]  # torchrun's default
    return kept


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
