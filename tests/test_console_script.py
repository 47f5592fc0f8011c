"""The command ``grit``: what it does is what ``python -m grit`` does."""

import tomllib
from pathlib import Path

import pytest
from desk import Desk, results, succeeded
from warmed import server

CHECKOUT = Path(__file__).parent.parent
ROW = '{"question": "Is it?", "answer": "yes", "dataset": "mine", "completion": "<answer>no"}\n'
JUDGED = ("task=evaluate", "predictions=said.jsonl", "judge=own", "judge.call=my_module.my_judge")


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The file that an installation writes for the entry point."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["grit"].partition(":")
    path = tmp_path / "bin" / "grit"
    path.parent.mkdir()
    path.write_text(f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    return str(path)


def test_it_finds_modules_in_the_working_directory_too(script: str, desk: Desk) -> None:
    (desk.folder / "said.jsonl").write_text(ROW)
    judge = "def my_judge(question, truth, prediction):\n    return 0.25\n"
    (desk.folder / "my_module.py").write_text(judge)
    order = [script, *JUDGED, "hydra.run.dir=by_script"]
    succeeded(server().start(order, desk.folder, desk.environment).done())
    succeeded(desk.grit(*JUDGED, "hydra.run.dir=by_module"))
    ours, theirs = (results(desk.folder / name) for name in ("by_script", "by_module"))
    assert ours["sets"]["mine"]["acc"]["mean"] == 25.0
    assert ours["code"] == theirs["code"]
