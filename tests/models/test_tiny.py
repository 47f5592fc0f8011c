"""The tiny models take the code paths of the big ones and depend on their seed alone."""

import pytest
import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)

from grit.core.errors import GritError
from grit.grounding.prompts import user_text
from grit.models import tiny
from grit.models.tiny_tokenizer import REASONING_TAGS, train_tokenizer

CLASSES = {
    "qwen": (Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor),
    "internvl": (InternVLForConditionalGeneration, InternVLProcessor),
    "qwen3": (Qwen3VLForConditionalGeneration, Qwen3VLProcessor),
}
FAMILIES = sorted(CLASSES)


def encoded(processor, size=(96, 96), question="Is the red circle left of the blue square?"):
    content = [{"type": "image"}, {"type": "text", "text": user_text(question, suffix=True)}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return processor(images=[Image.new("RGB", size, "white")], text=[text], return_tensors="pt")


@pytest.mark.parametrize("family", FAMILIES)
def test_genuine_classes_of_a_few_million_parameters(family):
    model, processor = tiny.build_tiny(family, 0)
    assert (type(model), type(processor)) == CLASSES[family]
    assert 1.5e6 < sum(p.numel() for p in model.parameters()) < 4e6


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_depend_on_the_seed_alone_and_leave_the_random_state(family):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, _ = tiny.build_tiny(family, 3)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(8)
    same, _ = tiny.build_tiny(family, 3)
    other, _ = tiny.build_tiny(family, 4)
    weights = [model.state_dict() for model in (one, same, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scene_is_36_image_tokens_in_its_own_pixels(family):
    model, processor = tiny.build_tiny(family, 0)
    inputs = encoded(processor)
    assert int((inputs["input_ids"] == model.config.image_token_id).sum()) == 36
    if family != "internvl":
        assert inputs["image_grid_thw"].tolist() == [[1, 12, 12]]
    else:
        assert inputs["pixel_values"].shape == (1, 3, 96, 96)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [(640, 480), (300, 900), (33, 50), (1, 150)])
def test_photographs_of_any_size_reach_the_model(family, size):
    model, processor = tiny.build_tiny(family, 0)
    inputs = encoded(processor, size)
    with torch.no_grad():
        logits = model(**inputs).logits
    assert logits.isfinite().all()
    assert int((inputs["input_ids"] == model.config.image_token_id).sum()) <= 3 * 36


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_it_is_the_same_model(family, tmp_path):
    model, processor = tiny.build_tiny(family, 0)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
    again = encoded(AutoProcessor.from_pretrained(tmp_path))
    inputs = encoded(processor)
    assert torch.equal(inputs["input_ids"], again["input_ids"])
    with torch.no_grad():
        assert torch.equal(model(**inputs).logits, loaded(**again).logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_generation_stops_at_the_end_of_the_turn(family):
    model, processor = tiny.build_tiny(family, 0)
    end = processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert model.generation_config.eos_token_id == end
    assert processor.tokenizer.eos_token_id == end
    assert processor.tokenizer.pad_token_id != end


@pytest.mark.parametrize("family", FAMILIES)
def test_coordinates_are_read_digit_by_digit_and_tags_whole(family):
    tokenizer = tiny.build_tiny(family, 0)[1].tokenizer

    def pieces(text):
        return [tokenizer.decode([i]) for i in tokenizer(text)["input_ids"]]

    assert pieces("12, 507") == ["1", "2", ", ", "5", "0", "7"]
    for tag in REASONING_TAGS:
        assert pieces(tag) == [tag]
    trace = (
        "<think> red circle [5, 60, 20, 72] </think>\n<rethink> it is red </rethink>\n<answer> 3"
    )
    ids = tokenizer(trace)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == trace


@pytest.mark.parametrize("family", FAMILIES)
def test_the_suffix_is_short_and_any_text_survives(family):
    tokenizer = tiny.build_tiny(family, 0)[1].tokenizer
    short, long = (
        len(tokenizer(user_text("What?", suffix=suffix))["input_ids"]) for suffix in (False, True)
    )
    assert long - short < 20
    text = "Ünïcode, 漢字 \t\n\n  “quotes” 3.14 <think ></thinking>"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_same_corpus_gives_the_same_tokenizer():
    corpus = ["Is the red circle left of the blue square? yes", "How many? 12, 7"] * 4
    one, two = (train_tokenizer("qwen", corpus) for _ in range(2))
    assert one.backend_tokenizer.to_str() == two.backend_tokenizer.to_str()


def test_missing_files_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(tiny, "ASSETS", tmp_path)
    with pytest.raises(GritError, match=r"tiny_qwen.*task=pretrain"):
        tiny.build_tiny("qwen", 0)
