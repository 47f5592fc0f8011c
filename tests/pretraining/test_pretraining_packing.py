"""A packed turn is the chat prompt that the suite sends, and it cannot see its neighbours."""

from dataclasses import replace

import pytest
import torch

from grit.data.shapes.scenes import scene_for
from grit.grounding.prompts import icl_example, user_text
from grit.models.loading import ADAPTERS
from grit.models.qwen import QwenAdapter
from grit.models.tiny import build_tiny
from grit.models.tiny_families import FAMILIES
from grit.pretraining.packing import Packer, Turn, answer_logits
from grit.pretraining.vision import image_features

ROWS = [
    [
        Turn("count", user_text("How many stars are there?", suffix=False), "3"),
        Turn("habit", user_text("How many stars?", suffix=True), "<think> nothing </think>", 2.0),
    ],
    [
        Turn("example", user_text("Red?", suffix=True, example=icl_example("json")), "12, 7"),
        Turn("open", user_text("Where?", suffix=False), "[1, 2, 3, 4]"),
        Turn("color", user_text("What color is it?", suffix=False), "red"),
    ],
]


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_turns_equal_their_own_chat_prompts(family):
    model, processor = build_tiny(family, 0)
    scenes = [scene_for("pretrain", 0, i) for i in range(len(ROWS))]
    adapter = ADAPTERS[model.config.model_type](model, processor)
    packer = Packer(adapter, length_power=0.5)
    packed = packer.pack(ROWS)
    with torch.no_grad():
        features = image_features(adapter, [scene.load() for scene in scenes])
        together, _ = answer_logits(adapter, packed, features)
        alone = [
            row
            for scene, turns in zip(scenes, ROWS, strict=True)
            for turn in turns
            for row in _alone(model, processor, scene, turn)
        ]
    torch.testing.assert_close(together, torch.stack(alone), atol=2e-5, rtol=1e-4)


def _alone(model, processor, scene, turn):
    """The logits of the completion's tokens after the prompt made by the processor itself."""
    content = [{"type": "image"}, {"type": "text", "text": turn.prompt}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    end = processor.tokenizer.eos_token
    count = len(processor.tokenizer(turn.completion + end)["input_ids"])
    inputs = processor(
        images=[scene.load()], text=[text + turn.completion + end], return_tensors="pt"
    )
    return model(**inputs).logits[0, -count - 1 : -1]


def test_digits_can_weigh_less():
    model, processor = build_tiny("qwen", 0)
    packer = Packer(QwenAdapter(model, processor), length_power=0.5)
    turn = Turn("count", user_text("Where?", suffix=False), "red star [5, 61, 20, 72]")
    plain, light = (packer.pack([[each]]) for each in (turn, replace(turn, digits=0.25)))
    tokens = processor.tokenizer.convert_ids_to_tokens(plain.labels)
    digits = torch.tensor([token in set("0123456789") for token in tokens])
    assert digits.sum() == len("5612072")
    assert torch.equal(light.weights[~digits], plain.weights[~digits])
    assert torch.equal(light.weights[digits], plain.weights[digits] * 0.25)


def test_labels_weights_and_owners():
    model, processor = build_tiny("qwen", 0)
    packed = Packer(QwenAdapter(model, processor), length_power=0.5).pack(ROWS)
    turns = [turn for row in ROWS for turn in row]
    assert packed.kinds == tuple(turn.kind for turn in turns)
    for n, turn in enumerate(turns):
        mine = packed.turns == n
        said = processor.tokenizer.decode(packed.labels[mine])
        assert said == turn.completion + "<|im_end|>"
        count = int(mine.sum())
        assert packed.weights[mine].sum().item() == pytest.approx(turn.weight * count**0.5)
