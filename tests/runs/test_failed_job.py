"""What the log of jobs keeps of an error that a library raised: one line, and no key."""

from functools import partial
from pathlib import Path

import pytest
from composing import config

from grit.core.errors import GritError
from grit.runs.job_log import Job, JobLog, Outcome
from grit.runs.jobs import run_job

KEY = "sk-proj-0123456789abcdefghijklmnop"


def test_an_error_with_a_key_is_kept_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def fails(_: object) -> None:
        raise ConnectionError(f"401 for\nhttps://me:{KEY}@host/v1")

    folder, jobs = tmp_path / "run", JobLog(tmp_path / "jobs.jsonl")
    names = {"model": "m", "data": "d", "suite": "s", "method": "grit", "reward": "r", "seed": 0}
    with pytest.raises(GritError) as raised:
        run_job(config, fails, folder, partial(Job, folder="run", **names), jobs)
    (job,) = jobs.since(0)
    assert job.outcome == Outcome.failed
    assert str(job.error).startswith("ConnectionError: 401 for https://")
    for text in (str(job.error), jobs.path.read_text(), str(raised.value)):
        assert KEY not in text
