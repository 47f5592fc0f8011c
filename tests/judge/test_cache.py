import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.judge.cache import ScoreCache, cache_key

WRITER = """
import sys
from pathlib import Path
from grit.judge.cache import ScoreCache
cache = ScoreCache(Path(sys.argv[1]))
for n in range(40):
    cache.put({f"{sys.argv[2]}-{n}": n / 40, "shared": 0.5})
    assert cache.get(["shared", "nobody's"]) == {"shared": 0.5}
"""


def test_what_was_put_is_there_for_the_next(tmp_path: Path) -> None:
    ScoreCache(tmp_path / "a" / "b").put({"x": 0.25, "y": 1.0})
    assert ScoreCache(tmp_path / "a" / "b").get(["y", "z", "x"]) == {"x": 0.25, "y": 1.0}
    assert ScoreCache(tmp_path / "a" / "b").get([]) == {}


def test_more_keys_than_a_statement_takes(tmp_path: Path) -> None:
    cache = ScoreCache(tmp_path)
    scores = {str(n): n / 40_000 for n in range(40_000)}
    cache.put(scores)
    assert cache.get(list(scores)) == scores


def test_processes_and_threads_share_it(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name]) for name in "ab"]
    cache = ScoreCache(tmp_path)
    threads = [
        threading.Thread(target=lambda i=i: [cache.put({f"{i}-{n}": 1.0}) for n in range(40)])
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    names = [*"ab", 0, 1, 2]
    keys = [f"{name}-{n}" for name in names for n in range(40)]
    assert len(cache.get(keys)) == 200


def test_keys_tell_parts_apart() -> None:
    keys = {
        cache_key(*parts) for parts in (("a", "b"), ("ab",), ("a b",), ("a", "b", ""), ("b", "a"))
    }
    assert len(keys) == 5
    assert cache_key("a\ud800", 1) == cache_key("a\ud800", 1)


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GritError, match=r"judge\.cache.*file"):
        ScoreCache(tmp_path / "file")
    (tmp_path / "scores.sqlite").write_text("no data base" * 100)
    with pytest.raises(GritError, match=r"judge\.cache.*not a database"):
        ScoreCache(tmp_path)


def test_a_cache_that_breaks_is_said_once_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ScoreCache(tmp_path)
    cache.path.write_text("no data base" * 100)
    with caplog.at_level(logging.WARNING):
        cache.put({"x": 1.0})
        assert cache.get(["x"]) == {}
    assert len(caplog.records) == 1
    assert "going on without it" in caplog.text
    cache.path.unlink()
    cache.put({"x": 1.0})  # it would wait for each lock again
    assert not cache.path.exists()
