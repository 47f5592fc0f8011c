"""A GPU that is too small for a model: one line, and no traceback."""

import pytest
import torch

import grit
from grit.core.errors import GritError
from grit.core.memory import room_for


def test_other_errors_are_left_alone():
    with pytest.raises(ValueError, match="other"), room_for("a thing"):
        raise ValueError("other")


def test_a_model_that_does_not_fit_is_one_line(monkeypatch):
    def refuse(*arguments, **options):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB. GPU 0 has 1.")

    monkeypatch.setattr(torch.nn.Module, "to", refuse)
    with pytest.raises(GritError, match=r"no room for the model's weights; take"):
        grit.load()
