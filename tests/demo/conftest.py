"""The demo's server on loopback, over the miniature's base."""

from collections.abc import Iterator
from typing import Any

import pytest
from demo_server import Demo

import grit
from grit.demo.app import application
from grit.demo.serving import listen, served
from grit.demo.settings import DemoSettings
from grit.inference.grounded_model import GroundedModel


@pytest.fixture(scope="session")
def base() -> GroundedModel:
    """The miniature's base model, with short answers."""
    return grit.load(None, "trainer.accelerator=cpu", "evaluation.max_new_tokens=120")


def _serving(base: GroundedModel, **settings: Any) -> Iterator[Demo]:
    chosen = DemoSettings(port=0, **settings)
    with (
        listen(chosen) as listening,
        application([base], chosen, seed=0) as app,
        served(app, listening),
    ):
        yield Demo(listening.getsockname()[1], base)


@pytest.fixture(scope="session")
def demo(base: GroundedModel) -> Iterator[Demo]:
    """With the limits of the defaults, but small pictures."""
    yield from _serving(base, max_upload_mb=1)


@pytest.fixture(scope="session")
def hasty_demo(base: GroundedModel) -> Iterator[Demo]:
    """With a second for everything, and one place in the line."""
    yield from _serving(base, time_limit_s=1, queue=1)
