"""Where a model looks while it writes a box."""

import numpy as np
import pytest

from grit.grounding.boxes import Space
from grit.models.adapter import Adapter
from grit.pages.chains import chain_said
from grit.studies.attention_prefixes import extended
from grit.studies.attention_study import image_attention
from grit.studies.box_attention import box_attention, span_as_written

SAID = "<think> a [1, 2, 30, 40] and b [5, 6, 70, 80], again [1, 2, 30, 40] </think>"


def test_a_box_is_found_in_its_chain() -> None:
    chain = chain_said(SAID, (), Space("original", 96, 96))
    assert [SAID[slice(*chain.span(number))] for number in (1, 2)] == [
        "[1, 2, 30, 40]",
        "[5, 6, 70, 80]",
    ]
    with pytest.raises(KeyError):
        chain.span(3)


def test_the_map_is_figure_5s_attention_of_the_boxs_tokens(adapter: Adapter, prompts) -> None:
    language_model = adapter.plain.model.language_model
    usual = language_model.config._attn_implementation
    start, end = SAID.index("[5"), SAID.index(", again")
    before = adapter.tokenizer(SAID[: start - 1], add_special_tokens=False)["input_ids"]
    box = adapter.tokenizer(SAID[start - 1 : end], add_special_tokens=False)["input_ids"]
    for prompt in prompts:
        found = box_attention(prompt, SAID, (start, end), adapter)
        assert language_model.config._attn_implementation == usual != "eager"
        language_model.set_attn_implementation("eager")
        steps = image_attention(extended(prompt, before), box, adapter)
        language_model.set_attn_implementation(usual)
        images = int((prompt.input_ids == adapter.image_id).sum())
        np.testing.assert_allclose(found.sum(), steps.mean() * images, rtol=1e-4)
        assert (found > 0).all()
        assert found.sum() < 1


def test_a_part_is_found_in_the_text_with_the_tokens_of_boxes() -> None:
    written = "<think> <ref>dog</ref><box>[[1, 2, 3, 4], [5, 6, 7, 8]]</box> and <ref>a</ref>"
    completion = "<think> dog[[1, 2, 3, 4], [5, 6, 7, 8]] and a"
    for part in ("[1, 2, 3, 4]", "[5, 6, 7, 8]", "<think>", "dog", "a"):
        start = completion.rindex(part)
        found = span_as_written((start, start + len(part)), completion, written)
        assert written[slice(*found)] == part
    literal = "say <box> [1, 2, 3, 4]"  # in characters, which both texts have
    assert span_as_written((4, 9), literal, literal) == (4, 9)


def test_the_map_is_that_of_the_text_with_the_tokens_of_boxes(adapter: Adapter, prompts) -> None:
    bare = SAID.replace("a [1, 2, 30, 40] and", "a <box>[1, 2, 30, 40]</box> and")
    start, end = SAID.index("[5"), SAID.index(", again")
    there = bare.index("[5")
    expected = box_attention(prompts[0], bare, (there, there + end - start), adapter)
    found = box_attention(prompts[0], SAID, (start, end), adapter, written=bare)
    np.testing.assert_array_equal(found, expected)
