"""The adapters on folders like the Hub's: real vocabulary, real templates, bf16 weights on disk."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from PIL import Image
from replicas import FAMILIES, IMAGE_SETTINGS, MAKERS

from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space
from grit.grounding.traces import parse
from grit.models.loading import load_base
from grit.models.prompting import Prompting
from grit.models.written_text import written_text
from grit.rollout.engine import STOP
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling

GOLDEN = Path(__file__).parent / "golden_prompts"
QUESTION = "How many dogs are there in the picture?"


def family_of(name):
    """Of a replica: "internvl" also of "internvl3_5"."""
    return next(
        family for family in ("qwen3", "qwen", "internvl", "glm") if name.startswith(family)
    )


@pytest.fixture(scope="module")
def load(replica):
    """Gives the adapter of a replica in fp32, loaded once."""
    return cache(lambda name: load_base(str(replica(name)), image=IMAGE_SETTINGS[family_of(name)]))


@pytest.fixture(scope="module", params=MAKERS)
def model(request, load):
    """Every replica, with its name."""
    return request.param, load(request.param)


@pytest.fixture(scope="module")
def picture():
    random = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 255, (480, 640, 3), generator=random, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def encoded(adapter, picture, text=f"\nQuestion: {QUESTION}"):
    return adapter.encode("p", text, picture, picture="p")


def test_every_id_that_may_be_sampled_is_a_row_of_the_head(model):
    _, adapter = model
    rows = adapter.plain.lm_head.weight.shape[0]
    assert int(adapter.forbidden_ids.min()) >= 0
    assert int(adapter.forbidden_ids.max()) < rows
    may = set(range(rows)) - set(adapter.forbidden_ids.tolist())
    assert may == set(adapter.tokenizer.get_vocab().values()) & may
    assert may.isdisjoint(adapter.placeholder_ids)
    assert adapter.end_ids <= may


def test_both_ends_of_a_text_end_a_completion(model):
    _, adapter = model
    assert adapter.end_ids == {151643, 151645}  # <|endoftext|>, <|im_end|>


def test_the_images_settings_are_ours_not_the_folders(model, picture):
    name, adapter = model
    prompt = encoded(adapter, picture)
    tokens = int((prompt.input_ids == adapter.image_id).sum())
    if family_of(name) == "qwen":  # 3136 to 200704 pixels, in squares of 28
        assert (prompt.space.width, prompt.space.height) == (504, 364)
        assert tokens == 504 * 364 // 28**2
    elif family_of(name) == "qwen3":  # 4096 to 262144 pixels, in squares of 32
        assert prompt.vision["image_grid_thw"].tolist() == [[1, 416 // 16, 576 // 16]]
        assert tokens == 576 * 416 // 32**2
    else:  # the folder says crop_to_patches: false, max_patches: 12
        assert tokens == 256
        wide = encoded(adapter, picture.resize((640, 320)))
        assert int((wide.input_ids == adapter.image_id).sum()) == 256 * 3


def test_greedy_tokens_are_those_of_generate(model, picture):
    """fp32, the same bans; the folder's repetition penalty and temperature are not ours."""
    _, adapter = model
    prompt = encoded(adapter, picture)
    ((ours,),) = Sampler(adapter).sample([prompt], [[0]], Sampling(0.0, max_new_tokens=16))
    inputs = dict(prompt.vision, input_ids=prompt.input_ids[None])
    if adapter.position_rows == 3:
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == adapter.image_id).int()
    generated = adapter.plain.generate(
        **inputs,
        attention_mask=torch.ones_like(inputs["input_ids"]),
        do_sample=False,
        temperature=None,
        repetition_penalty=1.0,
        max_new_tokens=16,
        eos_token_id=sorted(adapter.end_ids),
        suppress_tokens=adapter.forbidden_ids.tolist(),
        stop_strings=[STOP],
        tokenizer=adapter.tokenizer,
    )[0, len(prompt.input_ids) :]
    assert list(ours.token_ids) == generated.tolist()


@pytest.mark.parametrize("after", ["", "\n", "\n\n", " ", ">", "</s>", ".", "。", "<|im_end|>"])
def test_the_closing_tag_stops_whatever_follows_in_its_token(model, after):
    _, adapter = model
    ids = adapter.tokenizer(f"<answer> yes {STOP}{after}", add_special_tokens=False)["input_ids"]
    sampler = Sampler(adapter)
    ends = [n for n in range(1, len(ids) + 1) if sampler._ends(ids[:n])]
    first = next(n for n in range(1, len(ids) + 1) if STOP in adapter.decode(ids[:n]))
    assert ends[0] == first


REAL_CHAINS = {
    "json on lines": (
        "<think>\nLet me look at the dogs.\n```json\n[\n"
        '    {"bbox_2d": [142, 314, 299, 447], "label": "dog"},\n'
        '    {"bbox_2d": [0, 439,\n 58, 531], "label": "dog"}\n]\n```\n</think>\n'
        "<rethink> There are two dogs. </rethink>\n<answer> 2 </answer>",
        [(142, 314, 299, 447), (0, 439, 58, 531)],
    ),
    "a number a line": (
        '<think> {\n  "bbox_2d": [\n    12,\n    34,\n    56,\n    78\n  ]\n} </think>'
        "<rethink> r </rethink><answer>1",
        [(12, 34, 56, 78)],
    ),
    "internvl": (
        "<think> <ref>dog</ref><box>[[142, 314, 299, 447], [0, 439, 58, 531]]</box> </think>\n"
        "<rethink> two </rethink>\n<answer> 2 </answer>",
        [(142, 314, 299, 447), (0, 439, 58, 531)],
    ),
}


@pytest.mark.parametrize("chain", REAL_CHAINS)
def test_boxes_of_real_formats_are_read_through_the_tokenizer(model, chain):
    _, adapter = model
    text, boxes = REAL_CHAINS[chain]
    ids = adapter.tokenizer(text, add_special_tokens=False)["input_ids"]
    trace = parse(adapter.decode(ids))
    assert list(trace.boxes) == boxes
    assert trace.think_pair
    assert trace.rethink_pair
    assert trace.answer is not None


def test_tokens_around_glm_s_answers_are_no_part_of_them(load):
    adapter = load("glm")
    around = "<|begin_of_box|>{}<|end_of_box|>".format
    chain = f"<think> {around('[[142, 314, 299, 447]]')} </think><rethink> r </rethink>"
    ids = adapter.tokenizer(f"{chain}<answer>{around('5')}</answer>", add_special_tokens=False)
    trace = parse(adapter.decode(ids["input_ids"]))
    assert (trace.answer, list(trace.boxes)) == ("5", [(142, 314, 299, 447)])
    assert around("5") in written_text(ids["input_ids"], adapter)


def test_a_box_there_and_back(model, picture):
    _, adapter = model
    original = Space("original", *picture.size)
    box = Box(12, 34, 560, 470, original)
    there = box.to(encoded(adapter, picture).space)
    assert there.to(original).corners == pytest.approx(box.corners)


class Shown:
    key = "shown"

    def __init__(self, image):
        self.image = image

    def load(self):
        return self.image


@pytest.mark.parametrize("method", ["direct", "grit", "icl"])
@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(("qwen", "processor"), ("qwen3", "processor"), ("glm", "processor")),
        *(("internvl", "processor"), ("internvl", "released")),
    ],
)
def test_golden_prompts(load, picture, name, form, method, request, monkeypatch):
    """What the model reads, token by token decoded; the files are there to be looked at."""
    adapter = load(name)
    monkeypatch.setattr(adapter, "prompt_form", form)
    prompting = Prompting(suffix=method != "direct", example=method == "icl")
    space = Space("original", *picture.size)
    sample = Sample("vsr/1", QUESTION, "2", "tallyqa", Shown(picture), space)
    ids = prompting.encode(sample, adapter).input_ids
    image = adapter.tokenizer.decode([adapter.image_id])
    text = re.sub(
        f"(?:{re.escape(image)})+",
        lambda match: f"{image} x {match[0].count(image)}",
        adapter.tokenizer.decode(ids),
    )
    golden = GOLDEN / f"{name}_{form}_{method}.txt"
    if request.config.getoption("--write-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_the_released_prompt_is_another_for_internvl_only(load, picture):
    for name in FAMILIES:
        adapter = load(name)
        by_template = adapter.templated("x")
        assert (adapter.released("x") == by_template) is (name != "internvl")
