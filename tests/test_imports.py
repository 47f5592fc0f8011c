"""Which room may import which: data flows one way, and only the top of the house knows Hydra.

Imports inside functions, under ``if TYPE_CHECKING`` and by ``import_module`` count like any other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "grit"
ROOMS = (  # a room imports only itself and rooms above it
    "core",
    "figures",
    "grounding",
    "data",
    "models",
    "rollout",
    "judge",
    "rewards",
    "training",
    "pretraining",
    "evaluation",
    "config",
    "runs",
    "pages",
    "studies",
    "inference",
    "demo",
    "tracking",
    "paper",
    "tasks",
)
COMPOSERS = {"__main__", "config", "tasks"}  # who may know Hydra and OmegaConf
HYDRA = {"hydra", "omegaconf"}
FILES = sorted(PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    """One imported module, by its full name."""

    line: int
    name: str


def owner(path: Path) -> str:
    """The room of a file, or ``__main__``."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(source: str, module: str) -> Iterator[Import]:
    """What the source of ``module`` (its package's name for an ``__init__.py``) imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(module.split(".")[: -node.level]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            if origin == "grit":  # from grit import rewards
                for alias in node.names:
                    yield Import(node.lineno, f"grit.{alias.name}")
            else:
                yield Import(node.lineno, origin)
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            name = called.id if isinstance(called, ast.Name) else called
            if name in ("import_module", "__import__") and node.args:
                yield Import(node.lineno, _beginning(node.args[0]))


def _beginning(argument: ast.expr) -> str:
    """The constant text that a module's name begins with; nothing where there is none."""
    if isinstance(argument, ast.JoinedStr) and argument.values:
        return _beginning(argument.values[0])
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


def offences(source: str, module: str, room: str) -> list[str]:
    """The imports that a module of ``room`` must not make."""
    found = []
    for line, name in imports(source, module):
        top, _, rest = name.partition(".")
        if top in HYDRA and room not in COMPOSERS:
            found.append(f"line {line}: {name}: only {', '.join(sorted(COMPOSERS))} may")
        if top == "grit" and rest and not _allowed(room, rest):
            found.append(f"line {line}: {name}: is not above {room}")
    return found


def _allowed(room: str, wanted: str) -> bool:
    if room in ("__main__", "__init__"):
        return True
    if wanted == "__main__":
        return False
    wanted, _, module = wanted.partition(".")
    if wanted not in ROOMS:
        return False  # nothing else stands beside the rooms
    if room == "config" and module.startswith("settings"):
        return True  # it composes the settings of all rooms, which import `core` alone
    return ROOMS.index(wanted) <= ROOMS.index(room)


def test_the_rooms_are_those_of_the_list() -> None:
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert found == set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_upwards(path: Path) -> None:
    names = path.relative_to(PACKAGE.parent).with_suffix("").parts
    assert offences(path.read_text(encoding="utf-8"), ".".join(names), owner(path)) == []


@pytest.mark.parametrize(("module", "above"), [("secrets", []), ("errors", ["grit.core.secrets"])])
def test_errors_import_nothing_of_ours_but_what_hides_keys(module: str, above: list[str]) -> None:
    source = (PACKAGE / "core" / f"{module}.py").read_text(encoding="utf-8")
    names = {name.removesuffix(".redacted") for _, name in imports(source, f"grit.core.{module}")}
    assert sorted(name for name in names if name.startswith("grit")) == above


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("grounding", "import grit.data.rows"),
        ("grounding", "from grit import data"),
        ("grounding", "from ..data import rows"),
        ("data", "def late():\n    from grit.models.tiny import build_tiny"),
        ("data", "if TYPE_CHECKING:\n    from grit.models.adapter import Adapter"),
        ("rewards", "import_module('grit.training.module')"),
        ("rewards", "importlib.import_module(f'grit.tasks.{name}')"),
        ("rewards", "__import__('omegaconf')"),
        ("training", "import grit.runs.results as results"),
        ("training", "from grit.evaluation import metrics"),
        ("evaluation", "from grit.config.schema import Config"),
        ("evaluation", "import os, omegaconf"),
        ("pages", "from hydra.utils import instantiate"),
        ("paper", "from grit.tasks.parts import make_reward"),
        ("runs", "from grit.pages.grids import Grid"),
        ("config", "from grit.tasks import perform"),
        ("tasks", "from grit.__main__ import main"),
        ("core", "from grit.data.rows import Row"),
        ("core", "import grit.config.configuration"),
        ("core", "import omegaconf"),
        ("data", "import grit.reporting"),  # no room
    ],
)
def test_a_wrong_import_is_seen(room: str, source: str) -> None:
    module = f"grit.{room}.module" if room in ROOMS else f"grit.{room}"
    assert len(offences(source, module, room)) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("data", "from grit.grounding.boxes import Box\nfrom grit.core.errors import GritError"),
        ("data", "from .rows import Row\nfrom ..grounding.boxes import Box"),
        (
            "tasks",
            "import omegaconf\nfrom grit.config.schema import Config\nimport grit.paper",
        ),
        ("config", "from hydra import compose\nfrom grit.config.schema import Config"),
        ("__main__", "from grit.tasks import perform"),
        ("rewards", "import_module(path)"),
    ],
)
def test_a_right_import_is_not(room: str, source: str) -> None:
    module = f"grit.{room}.module" if room in ROOMS else f"grit.{room}"
    assert offences(source, module, room) == []
