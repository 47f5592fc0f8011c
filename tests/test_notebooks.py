"""The notebooks run from top to bottom, and are stored with what they showed."""

import hashlib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from grit.models.tiny import shipped_folder

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
LARGEST = 200_000  # bytes: a notebook is read in a browser and kept in the repository
PATIENCE = 300  # seconds for a kernel to start, and for a cell: machines may be busy


def test_there_are_four() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_small_outputs(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert not any(output.output_type == "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_the_shipped_base_says(path: Path) -> None:
    """Its metadata has the first digits of the SHA-256 of the weights that it was run with."""
    weights = (shipped_folder("qwen") / "model.safetensors").read_bytes()
    digits = hashlib.sha256(weights).hexdigest()[:12]
    said = f"run it again, and set tiny_qwen in its metadata to {digits}"
    assert nbformat.read(path, 4).metadata["tiny_qwen"] == digits, said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))  # nobody's settings, no history
    client = NotebookClient(
        nbformat.read(path, 4),
        kernel_name="python3",
        startup_timeout=PATIENCE,
        timeout=PATIENCE,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # a cell that fails raises CellExecutionError with its traceback
