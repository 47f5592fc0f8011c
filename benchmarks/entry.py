"""An entry of the benchmark log: a Markdown table with machine, versions, command and date."""

import os
import platform
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.arms import VERSIONS

LOG = Path(__file__).parent / "README.md"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def append(log: Path, title: str, body: str, module: str) -> None:
    """Print the entry and put it at the end of ``log``."""
    command = shlex.join(["python", "-m", module, *sys.argv[1:]])
    entry = "\n\n".join(
        [
            f"## {title}, {datetime.now(UTC).date().isoformat()}",
            body,
            f"{machine()}. {versions()}. Command: `{command}`",
        ]
    )
    print(f"\n{entry}")
    with log.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{entry}\n")


def versions() -> str:
    """Versions of what takes part."""
    found = [f"Python {platform.python_version()}"]
    for name in VERSIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def machine() -> str:
    """Processor, threads, memory, GPU."""
    import torch

    parts = [
        f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
    ]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
