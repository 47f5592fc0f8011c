"""A file that lines are appended to, by several processes or by one that may be killed."""

from pathlib import Path

from grit.core.locks import take_turns


class LineFile:
    """Each line is on the disk when it is appended, and lines of processes do not mix."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def size(self) -> int:
        """The size of the file in bytes, at which the next line starts."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, line: str) -> None:
        """Append a line with a single write, in turn with other processes."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as stream:
            take_turns(stream)
            stream.write(f"{line}\n".encode())

    def since(self, start: int = 0) -> list[bytes]:
        """The whole lines after byte ``start``; none without a file."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as stream:
            stream.seek(start)
            return [line for line in stream if line.endswith(b"\n")]
