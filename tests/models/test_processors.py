"""Processors of folders as the Hub has them, whatever their classes were called."""

from pathlib import Path

import pytest
import torch
from replicas import linked, rewritten

from grit.config.checks import IMAGE_SETTINGS
from grit.core.errors import GritError
from grit.models.loading import ADAPTERS, load_base
from grit.models.processors import load_processor
from grit.models.setup import load_skeleton

TILES = {"min_patches": 1, "max_patches": 2}
PIXELS = {"min_pixels": 3136, "max_pixels": 200704}
TURN = [
    {"role": "system", "content": "Look closely."},
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "\nQuestion: how?"}]},
]


def encoded(folder: Path, image: dict[str, int], photographs):
    processor = load_processor(folder, image)
    text = processor.apply_chat_template(TURN, add_generation_prompt=True, tokenize=False)
    features = [processor(images=[p], text=[text], return_tensors="pt") for p in photographs]
    return text, features


@pytest.mark.parametrize(
    ("released", "copy", "image"),
    [
        ("qwen_released", "qwen", PIXELS),
        ("qwen_released", "qwen", {}),
        ("internvl_released", "internvl", TILES),
        ("internvl_released", "internvl", {}),
    ],
)
def test_a_released_folder_gives_what_transformers_copy_does(
    replica, photographs, released, copy, image
):
    """Even the tokens' ids and the pixels are the same."""
    (text, found), (expected_text, expected) = (
        encoded(replica(name), image, photographs) for name in (released, copy)
    )
    assert text == expected_text
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name, value in other.items():
            assert torch.equal(one[name], value), name


def test_a_prompt_of_the_original_layout_has_the_tokens_that_the_head_has_rows_for(
    replica, photographs
):
    _, features = encoded(replica("internvl_released"), TILES, photographs)
    assert all(found["input_ids"].max() < 151674 for found in features)
    assert [int((found["input_ids"] == 151667).sum()) for found in features] == [
        256 * len(found["pixel_values"]) for found in features
    ]
    assert {len(found["pixel_values"]) for found in features} == {1, 3}  # tiles and a thumbnail


def test_former_names_with_and_without_fast(replica, photographs, tmp_path):
    place = linked(replica("qwen"), tmp_path / "fast")
    rewritten(
        place / "preprocessor_config.json", image_processor_type="Qwen2_5_VLImageProcessorFast"
    )
    assert encoded(place, PIXELS, photographs)[0] == encoded(replica("qwen"), {}, photographs)[0]


def test_internvls_own_layout_needs_no_settings_of_an_image_processor(
    replica, photographs, tmp_path
):
    bare = linked(
        replica("internvl_released"), tmp_path / "bare", without=["preprocessor_config.json"]
    )
    (text, found), (expected_text, expected) = (
        encoded(folder, TILES, photographs) for folder in (bare, replica("internvl"))
    )
    assert text == expected_text
    assert all(
        torch.equal(one["pixel_values"], other["pixel_values"])
        for one, other in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("name", ["qwen", "qwen_released"])
def test_a_tokenizers_template_is_taken_where_there_is_no_other(
    replica, photographs, tmp_path, name
):
    bare = linked(replica(name), tmp_path / "bare", without=["chat_template.json"])
    assert encoded(bare, {}, photographs)[0] == encoded(replica("qwen"), {}, photographs)[0]
    rewritten(bare / "tokenizer_config.json", chat_template=None)
    assert "there is no chat template" in refusal(bare)


def refusal(folder: Path) -> str:
    with pytest.raises(GritError) as raised:
        load_processor(folder, {})
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400
    return str(raised.value)


def test_a_class_that_nobody_knows_is_one_short_line(replica, tmp_path):
    place = linked(replica("qwen"), tmp_path / "unknown")
    rewritten(place / "preprocessor_config.json", image_processor_type="FlamingoImageProcessor")
    assert f"{place}: its processor cannot be loaded: Unrecognized image processor" in refusal(
        place
    )


def test_a_folder_that_a_trainer_left_without_a_processor(replica, tmp_path):
    place = linked(
        replica("qwen_released"), tmp_path / "bare", without=["preprocessor_config.json"]
    )
    assert "checkpoint=" in refusal(place)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "preprocessor_config.json"])
def test_damaged_files(replica, tmp_path, name):
    place = linked(replica("qwen"), tmp_path / "damaged", without=[name])
    (place / name).write_text('{"a": ')
    assert str(place) in refusal(place)


@pytest.mark.parametrize("load", [load_base, load_skeleton])
def test_image_settings_of_another_family_are_refused(replica, load):
    for path, image, says in (
        (str(replica("qwen")), PIXELS | TILES, "min_patches is no setting of qwen2_5_vl, which"),
        (str(replica("internvl")), TILES | PIXELS, "min_pixels is no setting of internvl, which"),
        ("tiny:qwen", PIXELS, "min_pixels is no setting of tiny:qwen, which has none"),
    ):
        with pytest.raises(GritError, match=rf"^model\.image\.{says}.*: leave it out") as raised:
            load(path, image=image)
        assert "\n" not in str(raised.value)


def test_every_image_setting_is_one_of_a_family():
    used = {name for adapter in ADAPTERS.values() for name in adapter.image_settings}
    assert used == set(IMAGE_SETTINGS)


@pytest.mark.parametrize(
    ("name", "image", "says"),
    [
        ("qwen", {"min_pixels": 401408, "max_pixels": 200704}, "401408 is above max_pixels=200704"),
        ("qwen3", {"max_pixels": 784}, r"min_pixels=\d+ is above max_pixels=784"),
        ("internvl", {"min_patches": 4, "max_patches": 2}, "min_patches=4 is above max_patches=2"),
    ],
)
def test_limits_that_cross_are_refused(replica, name, image, says):
    """Qwen's would break both, and InternVL's cut no tiles at all."""
    with pytest.raises(GritError, match=rf"^model\.image: .*{says}; what is not set"):
        load_skeleton(str(replica(name)), image=image)
