"""The log of jobs, which several processes append to, on file systems that may tear its lines."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from grit.core.locks import take_turns
from grit.paper.notes import parts_of_job
from grit.runs.job_log import Job, JobLog, Outcome


def job(folder: str) -> Job:
    return Job(folder, Outcome.done, "tiny_qwen", "shapes", "shapes", "grit", "grpo_gr", 0)


def test_of_lines_about_one_job_the_last_counts(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "table1" / "jobs.jsonl")
    log.append(job("a"))
    start = log.size()
    for folder in ("b", "c", "b"):
        log.append(job(folder))
    assert [each.folder for each in log.since(start)] == ["b", "c"]
    assert [each.folder for each in log.since(0)] == ["a", "b", "c"]


@pytest.mark.parametrize("torn", [b'{"folder": "b", "mod', b"7", b'{"folder": "b"}', b"\x00\xff"])
def test_a_torn_line_costs_its_own_job(tmp_path: Path, caplog, torn: bytes) -> None:
    log = JobLog(tmp_path / "jobs.jsonl")
    log.append(job("a"))
    with log.path.open("ab") as stream:
        stream.write(torn + b"\n")
    log.append(job("c"))
    assert [each.folder for each in log.since(0)] == ["a", "c"]
    assert "jobs.jsonl: 1 damaged lines are left out" in caplog.text


def test_jobs_of_several_draws_are_told_apart(tmp_path: Path) -> None:
    """Refused configurations all have the same folder."""
    log = JobLog(tmp_path / "jobs.jsonl")
    for draw in (0, 1, 1):
        log.append(replace(job("refused"), data_seed=draw, objective="dapo"))
    found = log.since(0)
    assert [each.data_seed for each in found] == [0, 1]
    assert ", ".join(parts_of_job(found[1])) == "objective=dapo, data=shapes, data.seed 1, seed 0"
    assert parts_of_job(job("a")) == ["data=shapes", "seed 0"]


def test_a_line_of_a_former_version_is_read(tmp_path: Path) -> None:
    log = JobLog(tmp_path / "jobs.jsonl")
    log.append(job("a"))
    fields = json.loads(log.path.read_text())
    del fields["data_seed"], fields["objective"]
    log.path.write_text(json.dumps(fields) + "\n")
    assert log.since(0) == [job("a")]


def test_writers_take_turns(tmp_path: Path) -> None:
    """A second writer waits as long as the file is open to one that took its turn."""
    log = JobLog(tmp_path / "jobs.jsonl")
    with log.path.open("ab", buffering=0) as stream:
        take_turns(stream)
        other = threading.Thread(target=log.append, args=(job("a"),))
        other.start()
        other.join(0.3)
        assert other.is_alive()
        assert log.size() == 0
    other.join(10)
    assert [each.folder for each in log.since(0)] == ["a"]
