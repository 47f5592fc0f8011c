"""The tests that a change needs first: ``make quick``, or ``make quick FILES=src/grit/...``.

Prints the test files that import a changed module, or were changed themselves; the marks say which
tests of theirs are slow.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALWAYS = "tests/test_imports.py"
DOCUMENTS = "tests/test_documents.py"
OF_FOLDERS = {"conf": "tests/config", "experiments": "tests/config", "docs": DOCUMENTS}


def changed() -> list[str]:
    """What differs from the last commit; where nothing does, what that commit changed."""
    others = _git("ls-files", "--others", "--exclude-standard")
    return _git("diff", "--name-only", "HEAD") + others or _git("show", "--name-only", "--format=")


def _git(*words: str) -> list[str]:
    command = ["git", *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def needed_for(files: Iterable[str], tests: Sequence[Path]) -> list[str]:
    """The test files, or folders of them, that a change of ``files`` needs first."""
    found = {ALWAYS}
    for file in map(Path, files):
        if file.parts[0] == "src" and file.suffix == ".py":
            found |= {str(path.relative_to(ROOT)) for path in tests if _imports(path, file)}
        elif file.parts[0] == "tests" and file.name.startswith("test_"):
            found |= {str(file)} if (ROOT / file).exists() else set()
        elif file.parts[0] in OF_FOLDERS or file.suffix == ".md":
            found.add(OF_FOLDERS.get(file.parts[0], DOCUMENTS))
    return sorted(found)


def _imports(test: Path, file: Path) -> bool:
    package, name = ".".join(file.parts[1:-1]), file.stem
    module = rf"{re.escape(package)}\.{name}\b"
    names = rf"from {re.escape(package)} import (?:\([^)]*|.*)\b{name}\b"
    return re.search(f"{module}|{names}", test.read_text(encoding="utf-8")) is not None


if __name__ == "__main__":
    given = sys.argv[1:] or changed()
    print(*needed_for(given, sorted((ROOT / "tests").rglob("test_*.py"))))
