from pathlib import Path

import pytest

from grit.core import fingerprints
from grit.core.fingerprints import _modules, code_fingerprint, fingerprint


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a module that makes results, one that shows them, and a shipped model."""
    files = {
        "training/step.py": '"""A step."""\n\n\ndef step(x):\n    """Do it."""\n    return x + 1\n',
        "pages/page.py": "SIZE = 1\n",
        "assets/tiny_qwen/model.safetensors": "weights",
        "assets/tiny_qwen/MODEL_CARD.md": "words",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path)
    return tmp_path


def changed(package: Path, name: str, text: str, model: str = "tiny:qwen") -> bool:
    code_fingerprint.cache_clear()
    before = code_fingerprint(model)
    (package / name).write_text(text)
    code_fingerprint.cache_clear()
    after = code_fingerprint(model)
    code_fingerprint.cache_clear()
    return before != after


def test_what_can_change_a_result_counts(package: Path) -> None:
    assert changed(package, "training/step.py", "def step(x):\n    return x + 2\n")
    assert changed(package, "training/new.py", "")
    assert changed(package, "assets/tiny_qwen/model.safetensors", "other weights")


def test_a_reward_of_one_s_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    mine = tmp_path / "my_terms.py"
    found = []
    for text in ("def one(x):\n    return 1\n", "def one(x):\n    return 2\n", "# nothing new\n"):
        mine.write_text(text + mine.read_text() if text.startswith("#") else text)
        code_fingerprint.cache_clear()
        found.append(code_fingerprint("a/model", ("my_terms.one", "grit.rewards.format.score")))
    assert found[0] != found[1] == found[2]
    code_fingerprint.cache_clear()
    assert code_fingerprint("a/model", ("nowhere.one", "one")) == code_fingerprint("a/model")


def test_what_a_reward_of_one_s_own_imports_from_beside_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    files = {
        "my_terms.py": "import numpy\nimport torch.nn\nfrom my_bonus import BONUS\n",
        "my_bonus.py": "from my_parts import sizes\nBONUS = 1\n",
        "my_parts/__init__.py": "",
        "my_parts/sizes.py": "from . import units\n",
        "my_parts/units.py": "UNIT = 1\n",
        "my_parts/unused.py": "",
    }
    (tmp_path / "my_parts").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = {path.relative_to(tmp_path).as_posix() for path in _modules(("my_terms.short",))}
    assert found == files.keys() - {"my_parts/unused.py"}


def test_what_cannot_does_not(package: Path) -> None:
    said = '"""One step of training."""\ndef step(x):\n\n    # really\n    return (x + 1)\n'
    assert not changed(package, "training/step.py", said)
    assert changed(package, "training/step.py", said + "RATE = 1\n")
    assert not changed(package, "training/step.py", said + 'RATE = 1\n"""What it learns at."""\n')
    assert not changed(package, "pages/page.py", "SIZE = 2\n")
    assert not changed(package, "assets/tiny_qwen/MODEL_CARD.md", "other words")
    weights = "assets/tiny_qwen/model.safetensors"
    assert not changed(package, weights, "other weights", model="Qwen/Qwen2.5-VL-3B-Instruct")


def test_every_file_that_is_said_not_to_count_is_there() -> None:
    for name in fingerprints._NOT_RESULTS + fingerprints._RESULTS:
        assert (fingerprints.PACKAGE / name).exists(), name


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert len(fingerprint(None)) == 12


def test_tasks_that_only_show_are_no_code_of_a_run() -> None:
    counted = {
        path.relative_to(fingerprints.PACKAGE).as_posix() for path in fingerprints._sources()
    }
    made = {"tasks/train.py", "runs/measured.py", "runs/validation.py", "evaluation/metrics.py"}
    assert made <= counted
    shown = {"tasks/report.py", "paper/experiment_page.py", "pages/galleries.py"}
    assert not shown & counted
