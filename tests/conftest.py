"""What all tests share."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_service import ChatService
from hypothesis import settings
from longest import LONGEST
from loopback import Loopback
from wandb_service import KEY, WandbService

# Before torch or wandb are imported: tests run side by side, and none may reach a network.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(
    HF_HUB_DISABLE_TELEMETRY="1",
    WANDB_MODE="offline",
    WANDB_ERROR_REPORTING="false",
    WANDB_SILENT="true",
    TOKENIZERS_PARALLELISM="false",
)
for name in ("WANDB_API_KEY", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY"):
    os.environ.pop(name, None)

settings.register_profile("suite", deadline=None)  # a busy machine is no failure
settings.load_profile("suite")

CHECKOUT = Path(__file__).parent.parent
RELEASED = Path(os.environ.get("GRIT_DATA", CHECKOUT.parent / "shared" / "data" / "grit"))
"""Beside the repository, or where GRIT_DATA says; tests/samples has rows of the same layout."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write golden files anew")
    parser.addoption("--model-folder", help="the contract of adapters on this model alone")


PROCESSES = {"desk", "place", "small", "replica", "command", "service", "mortal", "installed"}
"""Fixtures of tests that run whole commands, or load large vocabularies."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what ``make quick`` leaves out, and put the longest files first."""
    for item in items:
        if PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    yield  # here pytest selects, and brings tests with the same parameters together
    order = {CHECKOUT / "tests" / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_report_header() -> str:
    return f"rows of GRIT's release: {'in' if RELEASED.is_dir() else 'not in'} {RELEASED}"


@pytest.fixture(scope="session")
def grit_data() -> Path:
    """The rows that GRIT's authors released, which are not part of the project."""
    if not RELEASED.is_dir():
        pytest.skip(f"the released rows are not in {RELEASED}: GRIT_DATA=FOLDER names another")
    return RELEASED


@pytest.fixture(scope="session", params=["sample", "released"])
def grit_rows(request: pytest.FixtureRequest) -> Path:
    """Rows in GRIT's format: the project's own sample, and the released ones where they are."""
    if request.param == "sample":
        return Path(__file__).parent / "samples"
    return request.getfixturevalue("grit_data")


@pytest.fixture(scope="session")
def replica(tmp_path_factory: pytest.TempPathFactory):
    """Gives model folders as the Hub has them, by name: ``replica("internvl")``."""
    from replicas import Shelf

    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "replicas"
    root.mkdir(exist_ok=True)
    return Shelf(root)


@pytest.fixture(autouse=True)
def _wandb_stays_here(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path_factory.getbasetemp() / "wandb"))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def default():
    """The default configuration as composed. Shared by tests: change a copy."""
    from composing import composed

    return composed()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory):
    """A folder to start the command line in, shared by the tests of a file."""
    from desk import Desk

    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A web server on this machine, with nothing on it yet."""
    server = Loopback()
    yield server
    server.close()


@pytest.fixture
def hub(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """A Hugging Face Hub on this machine, and an empty cache of what is downloaded from it."""
    from huggingface_hub import constants

    template = f"{loopback.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", loopback.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    return loopback


@pytest.fixture(scope="session", params=["qwen", "qwen3", "internvl"])
def adapter(request: pytest.FixtureRequest):
    """A tiny random model of each family. Shared by tests: leave its weights as they are."""
    from grit.models.loading import ADAPTERS
    from grit.models.tiny import build_tiny

    model, processor = build_tiny(request.param, seed=0)
    return ADAPTERS[model.config.model_type](model, processor)


@pytest.fixture(scope="session")
def photographs():
    """Images of several sizes: noise, so that no two patches are alike."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    sizes = [(96, 96), (300, 500), (640, 480)]
    return [Image.fromarray(random.integers(0, 255, (*s, 3), dtype=np.uint8)) for s in sizes]


@pytest.fixture(scope="module")
def prompts(adapter, photographs):
    """Prompts of different lengths on images of different sizes. Shared by tests: leave them."""
    return [
        adapter.encode(f"p{i}", "\nQuestion: How many?" + " Really?" * i, image, picture=f"i{i}")
        for i, image in enumerate(photographs)
    ]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatService]:
    """A chat service on loopback, and a key for it."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-tests-0123456789")
    service = ChatService()
    yield service
    service.close()


@pytest.fixture
def wandb_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbService]:
    """W&B on loopback, where a made-up key is right."""
    import wandb
    from wandb.sdk.lib.wbauth import unauthenticate_session

    wandb.setup()  # keeps the environment that it finds first: it is to have no key
    unauthenticate_session()  # and the key and host that another test has used
    service = WandbService()
    monkeypatch.setenv("WANDB_BASE_URL", service.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # no terminal that a key could be asked at
    yield service
    unauthenticate_session()
    service.close()


@pytest.fixture
def finished_run():
    """Writes the folder of a finished run on drawn scenes, as a training leaves it."""
    from finished_runs import write_run

    return write_run
