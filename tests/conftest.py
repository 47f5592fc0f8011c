"""What all tests share."""

import os
from pathlib import Path

import pytest

# Before torch or wandb are imported: tests run side by side, and none may reach a network.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(
    HF_HUB_DISABLE_TELEMETRY="1",
    WANDB_MODE="offline",
    WANDB_ERROR_REPORTING="false",
    WANDB_SILENT="true",
    TOKENIZERS_PARALLELISM="false",
)
os.environ.pop("WANDB_API_KEY", None)

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def grit_data() -> Path:
    """Real rows in GRIT's format, which are not part of the project."""
    folder = CHECKOUT.parent / "shared" / "data" / "grit"
    if not folder.is_dir():
        pytest.skip(f"the real rows are not here: {folder} is missing")
    return folder


@pytest.fixture(autouse=True)
def _wandb_stays_here(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path_factory.getbasetemp() / "wandb"))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path_factory.getbasetemp()))
