"""The whole course in miniature, for every family: stages, resuming, export, model card."""

import json
import re
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from grit.core.errors import GritError
from grit.models.loading import load_base
from grit.models.qwen import QwenAdapter
from grit.models.tiny import random_model
from grit.models.tiny_families import FAMILIES, make_processor
from grit.models.tiny_tokenizer import train_tokenizer
from grit.pretraining import language, vision
from grit.pretraining.course import Course, claim, pretrain, take_vision
from grit.pretraining.export import closest_dtype
from grit.pretraining.settings import PretrainSettings

COURSE = Course(
    settings=PretrainSettings(
        vision_steps=1,
        pairs_steps=2,
        grounding_steps=2,
        leading_steps=2,
        chains_steps=2,
        answers_steps=2,
        habits_steps=2,
        pool=9,
        small_pool=8,
        leading_pool=8,
        quality_rows=2,
    ),
    threads=1,
)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_course_ends_in_a_model_that_loads(family, tmp_path, monkeypatch):
    monkeypatch.setattr(language, "HELD_OUT", 8)
    monkeypatch.setattr(vision, "HELD_OUT", 4)
    settings = replace(COURSE, family=family)
    threads = torch.get_num_threads()
    folder = pretrain(settings, tmp_path)
    torch.set_num_threads(threads)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder)
    assert len(processor.tokenizer) == model.config.text_config.vocab_size
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert size < 10e6
    card = (folder / "MODEL_CARD.md").read_text()
    for part in ("How it was made", "What is built in", "vsr_format", f"tiny_{family}"):
        assert part in card
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    before = (tmp_path / "curve.jsonl").read_text()
    again = AutoModelForImageTextToText.from_pretrained(
        pretrain(settings, tmp_path), dtype=torch.float32
    )
    torch.set_num_threads(threads)
    assert (tmp_path / "curve.jsonl").read_text() == before
    assert all(torch.equal(kept[name], value) for name, value in again.state_dict().items())
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert quality["rows"] == 2
    assert set(quality["figures"]) == {
        "direct",
        "suffix_greedy",
        "suffix_sampled",
        "example_greedy",
    }


def test_the_vision_part_of_another_model_is_taken():
    shipped = load_base("tiny:qwen")
    tokenizer = shipped.tokenizer
    adapter = QwenAdapter(random_model("qwen", tokenizer, 1), shipped.processor)
    mine, its = adapter.vision_modules[0], shipped.vision_modules[0]
    assert not all(
        torch.equal(*pair) for pair in zip(mine.parameters(), its.parameters(), strict=True)
    )
    take_vision(adapter, "tiny:qwen")
    assert all(torch.equal(*pair) for pair in zip(mine.parameters(), its.parameters(), strict=True))


def test_the_vision_part_of_another_family_is_refused():
    shipped = load_base("tiny:qwen")
    with pytest.raises(GritError, match="tiny:internvl: a model of another family"):
        take_vision(shipped, "tiny:internvl")


def test_a_folder_belongs_to_its_settings(tmp_path):
    claim(COURSE, tmp_path)
    claim(replace(COURSE, threads=7), tmp_path)
    longer = replace(COURSE.settings, habits_steps=9)
    with pytest.raises(GritError, match=re.escape("another seed, habits_steps")):
        claim(replace(COURSE, seed=3, settings=longer), tmp_path)


def test_the_closest_16_bit_type_depends_on_the_weights():
    tokenizer = train_tokenizer("qwen", ["yes no"] * 2)
    assert make_processor("qwen", tokenizer).tokenizer is tokenizer
    model = random_model("qwen", tokenizer, 0)
    assert closest_dtype(model) is torch.float16
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(1e6)  # beyond fp16
    assert closest_dtype(model) is torch.bfloat16
