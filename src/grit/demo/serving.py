"""The demo's server: the address it listens on, its start and its end."""

import errno
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib.util import find_spec

from grit.core import interruption
from grit.core.background import in_background
from grit.core.errors import GritError
from grit.demo.doorkeeper import App
from grit.demo.settings import DemoSettings

_VISITORS = 100  # connections at the same time
_GRACE = 2  # seconds that open connections have at the end
log = logging.getLogger(__name__)


def listen(settings: DemoSettings) -> socket.socket:
    """The socket of the demo's address, before anything large is loaded.

    Raises:
        GritError: gradio is not installed, or one cannot listen there.
    """
    if find_spec("gradio") is None:
        raise GritError("task=demo needs gradio: pip install -c constraints.txt -e '.[demo]'")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise GritError(
                f"demo.port={settings.port}: another program listens there; demo.port=0 takes any "
                "that is free"
            ) from error
        raise GritError(
            f"demo.host={settings.host} demo.port={settings.port}: cannot listen there: "
            f"{error.strerror or error}"
        ) from error


def serve(app: App, listening: socket.socket) -> None:
    """Serve an application until Ctrl-C or SIGTERM, which is the way to end it."""
    host, port = listening.getsockname()[:2]
    with served(app, listening) as done:
        log.info("http://%s:%d (Ctrl-C ends it)", f"[{host}]" if ":" in host else host, port)
        try:
            done.result()
        except interruption.Stop:
            log.info("the demo has ended")


@contextmanager
def served(app: App, listening: socket.socket) -> Iterator["Future[None]"]:
    """An application that is served meanwhile, and the future of its server.

    It runs in a thread: uvicorn takes the signals of the main thread for itself.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_VISITORS,
        timeout_graceful_shutdown=_GRACE,
    )
    server = uvicorn.Server(config)
    done = in_background(lambda: server.run(sockets=[listening]))
    try:
        yield done
    finally:
        server.should_exit = True
        done.result(timeout=10 * _GRACE)
