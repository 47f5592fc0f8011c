"""A disk cache of judges' scores, shared by runs and processes.

It is an SQLite table; SQLite does the locking. (The library diskcache is not used: it is no longer
maintained, and unpickles the files in its folder, CVE-2025-69872.)
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from grit.core.errors import GritError

log = logging.getLogger(__name__)
_PATIENCE = 30  # seconds to wait for another process to finish writing
_AT_ONCE = 500  # keys per SELECT statement


def cache_key(*parts: object) -> str:
    """SHA-256 of the parts, in hex; it depends on the boundaries between them too."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class ScoreCache:
    """Key -> score. Every call opens its own connection, so that threads and forks are safe.

    An error after the start (a full disk, say) is logged once, and the run continues without its
    cache.

    Args:
        folder: of the file ``scores.sqlite``; made if it does not exist.

    Raises:
        GritError: the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scores.sqlite"
        self.broken = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._connection() as connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, score REAL NOT NULL)"
                )
        except (OSError, sqlite3.Error) as error:
            raise GritError(
                f"judge.cache: {self.path} cannot be used ({error}): set judge.cache to another "
                "folder, or to null to do without"
            ) from error

    def get(self, keys: Sequence[str]) -> dict[str, float]:
        """The cached scores of ``keys``, by key."""
        found: dict[str, float] = {}
        if self.broken:
            return found
        with self._excused(), self._connection() as connection:
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, score FROM scores WHERE key IN ({marks})", list(part)
                )
                found.update(rows)
        return found

    def put(self, scores: Mapping[str, float]) -> None:
        """Store ``scores`` in one transaction."""
        if self.broken:
            return
        with self._excused(), self._connection() as connection:
            connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", scores.items())

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")  # lost scores can be asked again
            yield connection

    @contextmanager
    def _excused(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if not self.broken:
                log.warning("judge.cache: %s: %s; going on without it", self.path, error)
            self.broken = True
