"""The first stage reaches every part of the vision side, whatever depth its features come from."""

import pytest

from grit.models.loading import ADAPTERS
from grit.models.tiny import build_tiny
from grit.models.tiny_families import FAMILIES, WIDTH
from grit.pretraining import vision
from grit.pretraining.vision import VisionStage


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_of_the_vision_side_learns(family, monkeypatch):
    monkeypatch.setattr(vision, "BATCH", 2)
    model, processor = build_tiny(family, 0)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    stage = VisionStage(adapter, 0, 1, FAMILIES[family].space)
    loss, figures = stage.loss(0)
    loss.backward()
    still = [
        name
        for module in adapter.vision_modules
        for name, weight in module.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert [name for name in still if "mask_token" not in name] == []
    assert len(stage.heads) == (3 if family == "qwen3" else 1)
    assert ("box_pixels_2" in figures) == (family == "qwen3")


def test_features_of_all_depths_are_kept():
    model, processor = build_tiny("qwen3", 0)
    adapter = ADAPTERS[model.config.model_type](model, processor)
    stage = VisionStage(adapter, 0, 1, FAMILIES["qwen3"].space)
    assert (stage.scale, stage.digits) == (1000 / 96, 3)
    scenes = [vision.scene_for("dev", i) for i in range(2)]
    assert vision.cached_features(adapter, scenes).shape == (2, 36, 3 * WIDTH)
