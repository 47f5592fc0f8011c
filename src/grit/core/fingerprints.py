"""Short hashes of code, settings and rows, which tell whether two runs can be compared."""

import ast
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
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
    *("__init__.py", "__main__.py", "tasks"),
    *("core/disk.py", "core/errors.py", "core/files.py", "core/fingerprints.py"),
    "core/folder_fingerprint.py",
    *("core/interruption.py", "core/keys.py", "core/library_noise.py"),
    *("core/line_file.py", "core/locks.py", "core/run_log.py", "core/secrets.py"),
    *("data/preparation", "data/set_counts.py"),
    *("evaluation/controls.py", "evaluation/over_runs.py", "evaluation/paired.py"),
    "grounding/drawing.py",
    "judge/picture_pairs.py",
    "rewards/scored_file.py",
    *("rollout/keeper.py", "rollout/scratch.py", "rollout/vllm_launch.py"),
)
_RESULTS = (  # hashed nevertheless
    *("runs/measured.py", "runs/preflight.py", "runs/validation.py"),
    *("tasks/evaluate.py", "tasks/train.py"),  # the tasks that make results.json by a model
)
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
        calls: dotted paths of the user's functions; the sources of their modules are hashed too,
            and of modules in the same folder that these import.
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
    """Source files of the modules of ``calls``, and of those beside them that they import."""
    found: dict[Path, None] = {}
    waiting = [name for call in calls if (name := call.rpartition(".")[0])]
    own = {name.partition(".")[0]: _place_of(name) for name in waiting}
    beside = {place for place in own.values() if place and place.name != "site-packages"}
    while waiting:
        name = waiting.pop()
        # By its first part, which imports nothing: torch has to wait for its settings.
        if name.partition(".")[0] in own or _place_of(name) in beside:
            path = _file_of(name)
            if path is not None and path not in found:
                found[path] = None
                waiting += _imported(path, name)
    return sorted(found, key=lambda path: path.name)


def _place_of(name: str) -> Path | None:
    """The folder that a module, or the outermost package around it, lies in."""
    module = _found(name.partition(".")[0])
    if module is None:
        return None
    if module.submodule_search_locations:
        return Path(next(iter(module.submodule_search_locations))).parent
    return Path(module.origin).parent if module.origin else None


def _file_of(name: str) -> Path | None:
    """The source file of a module, if it has one."""
    module = _found(name)
    origin = module.origin if module else None
    return Path(origin) if origin and origin.endswith(".py") else None


def _found(name: str) -> ModuleSpec | None:
    """A module outside this package, if it can be found."""
    if name.partition(".")[0] != PACKAGE.name:
        with suppress(ImportError, ValueError):
            return find_spec(name)
    return None


def _imported(path: Path, name: str) -> Iterator[str]:
    """The modules that a module imports; what is no module may be among them."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            with suppress(ImportError):
                base = resolve_name(source, package) if node.level else source
                yield base
                yield from (f"{base}.{each.name}" for each in node.names)


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
