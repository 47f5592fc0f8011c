"""What a wrong command has to end in: one line, soon, with nothing half-written."""

import time
from pathlib import Path
from typing import NamedTuple

from desk import Desk, refused

SECONDS = 60  # a bound for machines that do much else; each says what it took


class Wrong(NamedTuple):
    """A wrong command, and what its line has to say."""

    arguments: tuple[str, ...]
    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    alone: bool = False  # in a process of its own from the start

    def __str__(self) -> str:
        return " ".join(self.arguments)


def wrong(*arguments: str, says: tuple[str, ...], **environment: str) -> Wrong:
    return Wrong(arguments, says, tuple(environment.items()))


def alone(command: Wrong) -> Wrong:
    """One of each sort of mistake is made in a process that imports what it needs itself."""
    return command._replace(alone=True)


def check(desk: Desk, command: Wrong) -> None:
    before = everything(desk.folder)
    start = time.monotonic()
    run = desk.process if command.alone else desk.grit
    done = run(*command.arguments, **dict(command.environment))
    seconds = time.monotonic() - start
    print(f"{seconds:.1f} s: grit {command}")
    line = refused(done)
    print(line)
    assert [word for word in command.words if word not in line] == []
    assert len(line) < 500
    # Folders with a date are Hydra's; a log may say what went before the mistake, and the mistake.
    left = [path for path in everything(desk.folder) - before if path.is_file()]
    assert [path for path in left if path.name != "grit.log"] == []
    for log in left:
        assert log.read_text(encoding="utf-8").splitlines()[-1] == line
    assert seconds < SECONDS


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
