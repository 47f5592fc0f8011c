"""Short hashes of code, settings and rows, which tell whether two runs can be compared."""

import ast
import hashlib
import json
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent.parent
DIGITS = 12

# Files and folders that cannot change a result. All others are hashed, except declarations of
# settings (settings.py), whose values are in the fingerprint of the configuration.
_NOT_RESULTS = (
    *("figures", "runs", "pages", "studies", "tracking", "paper", "config"),
    *("inference", "demo"),
    "pretraining",  # makes the base models, whose weights are hashed
    "assets",  # the files of the run's own model are hashed by `code_fingerprint`
    *("__init__.py", "__main__.py", "tasks/__init__.py"),
    *("core/disk.py", "core/errors.py", "core/files.py", "core/fingerprints.py"),
    *("core/interruption.py", "core/keys.py", "core/library_noise.py"),
    *("core/locks.py", "core/run_log.py"),
    "core/secrets.py",
    *("data/preparation", "data/set_counts.py"),
    *("evaluation/controls.py", "evaluation/over_runs.py", "evaluation/paired.py"),
    "grounding/drawing.py",
    "judge/picture_pairs.py",
    "rewards/scored_file.py",
    *("rollout/keeper.py", "rollout/vllm_launch.py"),
    *("tasks/attention.py", "tasks/check.py", "tasks/correlation.py", "tasks/data.py"),
    "tasks/demo.py",
    *(
        "tasks/faithfulness.py",
        "tasks/infer.py",
        "tasks/multirun.py",
        "tasks/export.py",
        "tasks/pretrain.py",
        "tasks/report.py",
        "tasks/score.py",
        "tasks/tables.py",
    ),
)
_RESULTS = ("runs/measured.py", "runs/preflight.py", "runs/validation.py")  # hashed nevertheless
_WEIGHTS = {".safetensors", ".json", ".jinja"}  # of a shipped model, without its documentation


def fingerprint(value: Any) -> str:
    """Hash of a JSON-serialisable value, in twelve hex digits; the order of keys is ignored."""
    return _digest(json.dumps(value, sort_keys=True).encode())


@cache
def code_fingerprint(model_path: str, calls: tuple[str, ...] = ()) -> str:
    """Hash of the code that can change results, and of the shipped model.

    Comments, docstrings and layout are ignored, so that editing them invalidates no finished run.

    Args:
        model_path: ``tiny:FAMILY`` for a shipped model; others are not hashed here.
        calls: dotted paths of the user's functions; their modules' sources are hashed too.
    """
    parts = [_of_source(path) for path in (*_sources(), *_modules(calls))]
    family = model_path.removeprefix("tiny:")
    if family != model_path:
        files = sorted((PACKAGE / "assets" / f"tiny_{family}").glob("*"))
        parts += [_digest(path.read_bytes()) for path in files if path.suffix in _WEIGHTS]
    return fingerprint(parts)


def _sources() -> list[Path]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        left_out = any(name == each or name.startswith(f"{each}/") for each in _NOT_RESULTS)
        if (not left_out or name in _RESULTS) and path.name != "settings.py":
            found.append(path)
    return found


def _modules(calls: tuple[str, ...]) -> list[Path]:
    """Source files of the modules of ``calls`` that are outside this package and can be found."""
    found = set()
    for name in {call.rpartition(".")[0] for call in calls}:
        if name and name.partition(".")[0] != PACKAGE.name:
            with suppress(ImportError, ValueError):
                module = find_spec(name)
                if module and module.origin and module.origin.endswith(".py"):
                    found.add(Path(module.origin))
    return sorted(found, key=lambda path: path.name)


def _of_source(path: Path) -> str:
    name = path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else Path(path.name)
    return _of_text(name.as_posix(), path.read_text(encoding="utf-8"))


@cache
def _of_text(name: str, text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
    return fingerprint([name, ast.unparse(tree)])


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, or a string that documents the constant above it."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
