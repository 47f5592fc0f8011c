"""Whatever stands in the place of a setting is taken, or refused in one line that names it."""

import copy
from functools import reduce
from typing import Any

import pytest
from composing import config

from grit.config.identity import plain
from grit.config.schema import Config
from grit.config.validating import validated
from grit.core.errors import GritError
from grit.core.settings import ENTRY, declared

VALUES: tuple[Any, ...] = (3, -1, 1.5, float("nan"), True, "x", "", None, [], [1], {}, {"a": 1})
PATHS = sorted({each.path for each in declared(Config)})


def placed(values: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    *parents, last = path
    reduce(lambda node, name: node.setdefault(name, {}), parents, changed)[last] = value
    return changed


@pytest.fixture(scope="module")
def bases() -> list[dict[str, Any]]:
    return [plain(config()), plain(config("judge=openai")), plain(config("judge=own"))]


@pytest.mark.parametrize("path", ["data.root", "question"])
def test_an_argument_of_another_encoding_is_refused(bases: list[dict[str, Any]], path: str) -> None:
    latin = b"/tmp/caf\xe9".decode("utf-8", "surrogateescape")  # as Python reads an argument
    with pytest.raises(GritError, match=f"^config: {path} is not UTF-8: ") as refusal:
        validated(Config, placed(bases[0], path.split("."), latin))
    str(refusal.value).encode()


@pytest.mark.parametrize("path", PATHS)
def test_any_value_is_taken_or_refused_in_one_line(bases: list[dict[str, Any]], path: str) -> None:
    names = ["vsr" if name == ENTRY else name for name in path.split(".")]
    for base in bases if names[0] == "judge" else bases[:1]:
        for value in VALUES:
            try:
                validated(Config, placed(base, names, value))
            except GritError as error:
                line = str(error)
                assert "\n" not in line
                assert line.startswith("config: ") or "is a field of judge=" in line
                # A judge of another kind, or an entry of its own, may lack another setting first.
                alone = names[0] != "judge" and ENTRY not in path
                assert (".".join(names) if alone else names[0]) in line
                assert len(line) < 400
