"""What a launcher's worker processes tell the main process of jobs that failed."""

from pathlib import Path

from grit.core.locks import take_turns

_NAME = "failed_jobs.txt"


class FailedJobs:
    """A file in a multirun's folder with a line for each job that failed in a worker process.

    A worker that raised the error instead would end the multirun: Hydra raises the first error of
    its jobs, and then neither shows the others nor calls what is to happen at the end.
    """

    def __init__(self, sweep: Path) -> None:
        self.path = sweep / _NAME

    def size(self) -> int:
        """The size of the file in bytes, at which the next line starts."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, line: str) -> None:
        """Append a line, in turn with other workers."""
        with self.path.open("ab", buffering=0) as stream:
            take_turns(stream)
            stream.write(f"{line}\n".encode())

    def since(self, start: int) -> list[str]:
        """The lines that were appended after byte ``start``."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read().decode().splitlines()
