"""The jobs of an experiment, and the log of how each ended."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from grit.core.line_file import LineFile
from grit.runs.run_record import RESULTS

log = logging.getLogger(__name__)

RECORDS = (RESULTS, "table2.json")  # result files of a run, or of task=data


class Outcome(StrEnum):
    """How a job ended."""

    done = "done"
    kept = "kept"  # skipped: done before by the same configuration and code
    failed = "failed"
    elsewhere = "elsewhere"  # skipped: another process is running it


@dataclass(frozen=True)
class Job:
    """One run of an experiment: the names of its config choices, and how it ended."""

    folder: str
    outcome: Outcome
    model: str
    data: str
    suite: str
    method: str
    reward: str
    seed: int
    seconds: float = 0.0
    error: str | None = None  # why it failed, in one line
    objective: str = ""  # "": not known, as the draw may be
    data_seed: int | None = None  # which draw of the triplets


def failed_jobs(sweep: Path) -> LineFile:
    """What a launcher's worker processes tell the main process: a line for each job that failed.

    A worker that raised the error instead would end the multirun: Hydra raises the first error of
    its jobs, and then neither shows the others nor calls what is to happen at the end.
    """
    return LineFile(sweep / "failed_jobs.txt")


class JobLog:
    """``jobs.jsonl``: a line for each job that ended, over all starts of an experiment.

    Jobs may run in several processes, which append to the same file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = LineFile(path)

    @classmethod
    def beside(cls, exhibits: Sequence[str], sweep: Path) -> "JobLog":
        """The log of an experiment, in the folder of its first table or figure."""
        return cls(sweep / exhibits[0] / "jobs.jsonl")

    def size(self) -> int:
        """The size of the file in bytes, at which the next line starts."""
        return self._lines.size()

    def append(self, job: Job) -> None:
        """Append a line about a job that has ended."""
        self._lines.append(json.dumps(asdict(job), ensure_ascii=False))

    def since(self, start: int) -> list[Job]:
        """The jobs logged after byte ``start``; of lines about the same job the last counts.

        Damaged lines are told and left out.
        """
        lines = self._lines.since(start)
        jobs = [job for line in lines if (job := _job_of(line)) is not None]
        if len(jobs) < len(lines):
            text = "%s: %d damaged lines are left out; the same command again makes them anew"
            log.warning(text, self.path, len(lines) - len(jobs))
        return list({_identity(job): job for job in jobs}.values())


def _job_of(line: bytes) -> Job | None:
    try:
        row = json.loads(line)
        return Job(**row | {"outcome": Outcome(row["outcome"])})
    except (ValueError, TypeError, KeyError):
        return None


def has_results(sweep: Path, job: Job) -> bool:
    """Whether a job's folder below ``sweep`` holds results, of any process."""
    if job.outcome is Outcome.elsewhere:
        return any((sweep / job.folder / name).exists() for name in RECORDS)
    return job.outcome is not Outcome.failed


def _identity(job: Job) -> tuple[str | int | None, ...]:
    # The folder is not enough: configurations that were refused all have the same one.
    names = job.model, job.data, job.suite, job.method, job.reward, job.objective
    return job.folder, *names, job.data_seed, job.seed
