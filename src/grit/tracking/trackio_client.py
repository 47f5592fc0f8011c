"""trackio's own client, kept on this machine: no Space, no server, no question who is logged in."""

import os
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from grit.core.errors import GritError

PLACE = "TRACKIO_DIR"


def library_in(folder: Path) -> Any:
    """The module ``trackio``, whose files are below ``folder``.

    It reads the place from the environment while it is imported, and the jobs of a multirun share
    a process: for another folder it is imported anew.
    """
    loaded = sys.modules.get("trackio")
    if loaded is not None and folder == loaded.TRACKIO_DIR:
        return loaded
    for name in [name for name in sys.modules if name.partition(".")[0] == "trackio"]:
        del sys.modules[name]
    former = os.environ.get(PLACE)
    os.environ[PLACE] = str(folder)
    try:
        return import_module("trackio")
    finally:
        if former is None:
            del os.environ[PLACE]
        else:
            os.environ[PLACE] = former


def local_run(library: Any, **fields: Any) -> Any:
    """A run of trackio in its folder.

    ``trackio.init`` follows TRACKIO_SPACE_ID and TRACKIO_SERVER_URL, and its run asks the Hub, with
    the machine's token, for the user's name.

    Args:
        library: the module.
        fields: of ``trackio.Run``: project, name, run_id, group, config.
    """

    class LocalRun(library.Run):
        def _get_username(self) -> None:
            return None

    return LocalRun(url=None, client=None, **fields)


def rewind(library: Any, project: str, run_id: str, step: int) -> None:
    """Delete the points of ``step`` and later steps, for which the client has no call.

    Raises:
        GritError: the database cannot be written.
    """
    import_module("trackio.fragments").import_inbox_dir()  # where trackio has not opened it itself
    database: Path = import_module("trackio.sqlite_storage").SQLiteStorage.get_project_db_path(
        project
    )
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database, timeout=30)) as tables, tables:
            tables.execute("DELETE FROM metrics WHERE run_id = ? AND step >= ?", (run_id, step))
    except sqlite3.Error as error:
        raise GritError(
            f"{database}: the steps that the resumed run does again cannot be taken back: {error}; "
            "logger=none goes on without trackio"
        ) from error
