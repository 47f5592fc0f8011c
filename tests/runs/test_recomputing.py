"""Gradient checkpointing in as many layers as memory asks for."""

import copy

import pytest
import torch
from composing import config as composed
from settings_of import load

from grit.models.loading import load_base
from grit.runs import recomputing
from grit.runs.recomputing import recomputed_layers, set_checkpointing
from grit.training.costs import Sizes, memory

LOAD = load(copied_reference=False, tokens_per_batch=1)


@pytest.fixture(scope="module")
def adapter():
    return load_base("tiny:qwen")


@pytest.fixture(scope="module")
def sizes(adapter):
    return Sizes.of(adapter, bytes_of_weight=4)


@pytest.mark.parametrize(("setting", "layers"), [("true", 4), ("false", 0)])
def test_what_is_set_counts_whatever_the_memory(sizes, setting, layers):
    config = composed(f"model.gradient_checkpointing={setting}")
    for available in (0.0, 1e6):
        assert recomputed_layers(config, sizes, LOAD, available) == layers


def test_auto_takes_as_few_layers_as_fit(sizes):
    config = composed("model.gradient_checkpointing=auto")
    enough = memory(sizes, LOAD)["total"] / recomputing.SHARE
    found = [recomputed_layers(config, sizes, LOAD, share * enough) for share in (1.0, 0.8, 0.0)]
    assert found[0] == 0 < found[1] < found[2] == 4


def test_layers_that_keep_their_activations_have_the_same_gradients(adapter, sizes, monkeypatch):
    config = composed("model.gradient_checkpointing=auto")
    monkeypatch.setattr(recomputing, "recomputed_layers", lambda *_: 3)
    other = copy.copy(adapter)
    other.model = copy.deepcopy(adapter.model).train()
    set_checkpointing(config, other, sizes, LOAD, torch.device("cpu"))
    layers = other.plain.model.language_model.layers
    assert [layer.gradient_checkpointing for layer in layers] == [True, True, True, False]
    ids = torch.arange(20)[None]
    gradients = []
    for model in (adapter.model.train(), other.model):
        model(input_ids=ids).logits.square().sum().backward()
        gradients.append([p.grad for p in model.model.language_model.parameters()])
        model.zero_grad()
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    adapter.model.eval()
