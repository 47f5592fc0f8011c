"""The contract over all families: tiny models, and folders like the Hub's."""

import pytest
import torch
from contract import AdapterContract
from PIL import Image
from replicas import IMAGE_SETTINGS

from grit.models.loading import ADAPTERS, load_base
from grit.models.tiny import build_tiny
from grit.models.tiny_families import FAMILIES

TINY = tuple(f"tiny:{family}" for family in FAMILIES)
REPLICAS = ("qwen", "qwen3", "internvl", "internvl3_5", "glm")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "adapter" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--model-folder")
        small = [pytest.param(name, id=name) for name in TINY]
        slow = [pytest.param(name, id=name, marks=pytest.mark.slow) for name in REPLICAS]
        subjects = [folder] if folder else [*small, *slow]
        metafunc.parametrize("adapter", subjects, indirect=True, scope="module")


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest):
    """The random tiny model and the replica of every family, or the model of the option."""
    name = request.param
    if name in TINY:
        model, processor = build_tiny(name.removeprefix("tiny:"), seed=0)
        return ADAPTERS[model.config.model_type](model, processor)
    if name in REPLICAS:
        folder = request.getfixturevalue("replica")(name)
        return load_base(str(folder), image=IMAGE_SETTINGS[name])
    return load_base(name)


@pytest.fixture(scope="module")
def photographs():
    """Noise in several sizes, small ones: every family enlarges what is too small for it."""
    random = torch.Generator().manual_seed(0)
    sizes = [(96, 96), (128, 192), (200, 130)]
    pixels = [torch.randint(0, 255, (*s, 3), generator=random, dtype=torch.uint8) for s in sizes]
    return [Image.fromarray(each.numpy()) for each in pixels]


class TestContract(AdapterContract):
    """On every subject."""
