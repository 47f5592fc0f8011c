"""``python -m grit`` as a fork of a process that has imported the libraries already.

A command spends most of its first seconds on importing torch and transformers. Tests that start
many share one such import for each worker of pytest: a process waits here with all of it loaded
and forks for each command. The fork has an id, an environment, a working folder, signals and an
end of its own, as a new process has. What a command imports, and when, is seen by whole processes
alone (``Desk.process``, tests/test_help.py).
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

LIBRARIES = (
    *("hydra", "omegaconf", "numpy", "torch", "torchvision", "torch.distributed.fsdp"),
    *("transformers", "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl"),
    *("transformers.models.internvl.modeling_internvl", "pytorch_lightning", "torchmetrics"),
    *("peft", "safetensors.torch", "wandb", "PIL.Image", "jinja2", "rich.table"),
)
PATIENCE = 600  # seconds for a command
FIXED = {
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "OMP_NUM_THREADS": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no pool of processes
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # a GPU that was looked for otherwise is lost to forks
}
"""What libraries read while they are imported; besides, ``HF_HOME`` is an empty folder."""


class Order(NamedTuple):
    """A command: a script, or a module after ``-m``, and its arguments.

    ``takes_down``: whether it ends by taking the libraries down too, as the interpreter does.
    """

    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    stdin: str
    stdout: str
    stderr: str
    takes_down: bool


# --- the process that waits


def load() -> None:
    """Import libraries and the modules of ``grit``, but for what W&B looks for and advises on."""
    import grit

    for name in LIBRARIES:
        importlib.import_module(name)
    if find_spec("deepspeed"):  # which transformers imports wherever a model is saved
        importlib.import_module("deepspeed")
    sys.modules["openai"] = None  # type: ignore[assignment]  # cannot be imported meanwhile
    for module in pkgutil.walk_packages(grit.__path__, "grit."):
        if module.name != "grit.__main__":
            with suppress(ImportError):
                importlib.import_module(module.name)
    del sys.modules["openai"]


def serve(connection: IO[str]) -> Order | None:
    """Fork for each order that comes. Returns in each fork, and with None after the last order."""
    for line in connection:
        what, value = json.loads(line)
        if what == "start":
            gc.freeze()  # a fork that looks through all objects would copy their pages
            pid = os.fork()
            if pid == 0:
                connection.close()
                own_temporary_folder()
                return Order(*value)
            answer = pid
        elif what == "load":
            importlib.import_module(value)
            answer = None
        else:
            pid, status = os.waitpid(value, os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        connection.write(json.dumps(answer) + "\n")
        connection.flush()
    return None


def own_temporary_folder() -> None:
    """W&B makes a folder when it is imported, and removes it at the end: each fork has one."""
    from wandb.sdk.data_types._private import MEDIA_TMP

    for removal in weakref.finalize._registry:  # type: ignore[attr-defined]
        removal.atexit = False
    MEDIA_TMP.__init__("wandb-media")  # type: ignore[misc]


def become(order: Order) -> int:
    """Be the process that was ordered, up to its end; its exit code."""
    for number, (name, flags) in enumerate(
        [
            (order.stdin, os.O_RDONLY),
            (order.stdout, os.O_WRONLY | os.O_APPEND),
            (order.stderr, os.O_WRONLY | os.O_APPEND),
        ]
    ):
        opened = os.open(name, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.folder)
    first, *rest = order.arguments
    module = first == "-m"
    here = order.folder if module else str(Path(first).parent)
    added = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:1] = [here, *added]
    sys.argv = rest if module else [first, *rest]
    try:
        if module:
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(first, run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001  # said as the interpreter says what nobody has caught
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1
    return 0


def leave(code: int) -> NoReturn:
    """End as the interpreter does, but for taking the libraries down, which takes a second."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def main() -> None:
    from grit.core.fingerprints import code_fingerprint

    with socket.socket(fileno=int(sys.argv[1])) as pair:
        load()
        code_fingerprint("tiny:qwen")  # half a second, of which each fork has the most
        order = serve(pair.makefile("rw"))
    if order is not None:
        code = become(order)
        if order.takes_down:
            sys.exit(code)
        leave(code)


# --- whoever gives orders


class Started:
    """A command that runs; the same part of ``subprocess.Popen``'s interface that tests need."""

    def __init__(self, server: "Server", pid: int, outputs: tuple[Path, Path], order: Order):
        self.pid = pid
        self.returncode: int | None = None
        self._server, self._outputs, self._order = server, outputs, order

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ask("ended", self.pid)
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                self.kill()
                raise subprocess.TimeoutExpired(list(self._order.arguments), timeout)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            while self.poll() is None:
                time.sleep(0.01)

    def done(self, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """Wait for the end; what it has said."""
        code = self.wait(timeout)
        said = [path.read_text(encoding="utf-8") for path in self._outputs]
        for path in self._outputs:
            path.unlink()
        return subprocess.CompletedProcess(list(self._order.arguments), code, *said)


class Server:
    """The process with the libraries, from this side."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="grit-warmed-")
        ours, theirs = socket.socketpair()
        self._connection = ours.makefile("rw")
        ours.close()
        self._orders = 0
        self._loaded: set[str] = set()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=os.environ | FIXED | {"HF_HOME": f"{self.folder.name}/hub"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        self._connection.close()
        self._process.wait()
        self.folder.cleanup()

    def load(self, module: str) -> None:
        """Import one more module, once, for the commands that follow."""
        if module not in self._loaded:
            self._loaded.add(module)
            self.ask("load", module)

    def ask(self, what: str, value: Any) -> Any:
        self._connection.write(json.dumps([what, value]) + "\n")
        self._connection.flush()
        answer = self._connection.readline()
        assert answer, "the process that has the libraries has ended"
        return json.loads(answer)

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdin: str = "",
        takes_down: bool = False,
    ) -> Started:
        """Start ``python ARGUMENTS`` in a folder, with what it may read at its terminal."""
        self._orders += 1
        paths = [Path(self.folder.name) / f"{self._orders}.{end}" for end in ("in", "out", "err")]
        for path, text in zip(paths, (stdin, "", ""), strict=True):
            path.write_text(text, encoding="utf-8")
        where = str(folder), dict(environment), *map(str, paths)
        order = Order(list(arguments), *where, takes_down)
        return Started(self, self.ask("start", order), (paths[1], paths[2]), order)


@cache
def server() -> Server:
    """The one of this process."""
    return Server()


if __name__ == "__main__":
    main()
