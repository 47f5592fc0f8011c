from dataclasses import replace

import pytest
import torch

from grit.grounding.traces import boxes_in
from grit.studies.attention_prefixes import (
    can_be_cut,
    extended,
    prefixes,
    shortened,
    without_boxes,
)

CHAIN = "<think> red circle [20, 30, 40, 50], blue square [1, 2, 30, 40] </think>\n"
COMPLETION = CHAIN + "<rethink> the red circle is left </rethink>\n<answer> yes"


@pytest.mark.parametrize(
    ("chain", "bare"),
    [
        (CHAIN, "<think> red circle, blue square </think>\n"),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "a"}]', '[{"bbox_2d":, "label": "a"}]'),
        ("<ref>a</ref><box>[[1, 2, 3, 4], [5, 6, 7, 8]]</box>, so", "<ref>a</ref>, so"),
        ("a <|begin_of_box|>[[1, 2, 3, 4]]<|end_of_box|>, so", "a, so"),
        ("[[1, 2, 3, 4], [5, 6, 7, 8]]", "[,]"),
        ("<box> 1, 2, 3, 4", "<box>"),
        ("<|begin_of_box|>yes<|end_of_box|>", "<|begin_of_box|>yes<|end_of_box|>"),
        ("at 1, 2, 3, 4 and [1, 2]", "at and [1, 2]"),
    ],
)
def test_a_box_goes_with_its_brackets(chain: str, bare: str) -> None:
    assert without_boxes(chain) == bare


def test_what_can_be_cut() -> None:
    assert can_be_cut(COMPLETION)
    assert not can_be_cut(CHAIN)
    assert not can_be_cut("<think> nothing </think> <rethink> [1, 2, 3, 4]")


@pytest.fixture
def prompt(adapter, photographs):
    """One with words enough to do without some."""
    text = "\nQuestion: How many?" + " Is it a red or a blue thing?" * 5
    return adapter.encode("p", text, photographs[0], picture="p")


def test_both_short_prefixes_are_equally_long_and_lack_different_things(adapter, prompt) -> None:
    found = prefixes(prompt, COMPLETION, adapter)
    length = len(prompt.input_ids)
    texts = {
        name: adapter.tokenizer.decode(prefix.input_ids[length:]) for name, prefix in found.items()
    }
    assert texts["boxes"] == CHAIN + "<rethink>"
    assert texts["no_boxes"] == without_boxes(CHAIN) + "<rethink>"
    lengths = {name: len(prefix.input_ids) for name, prefix in found.items()}
    assert lengths["fewer_words"] == lengths["no_boxes"] < lengths["boxes"]
    fewer = found["fewer_words"].input_ids
    assert int((fewer == adapter.image_id).sum()) == int(
        (prompt.input_ids == adapter.image_id).sum()
    )
    assert boxes_in(adapter.tokenizer.decode(fewer)) == boxes_in(CHAIN)
    assert adapter.decode(fewer[-1:].tolist()) == "<rethink>"
    ends = [sum(t in adapter.end_ids for t in ids.tolist()) for ids in (fewer, prompt.input_ids)]
    assert ends[0] == ends[1]  # the marks of the chat stay


def test_positions_go_on_without_gaps(adapter, prompts) -> None:
    for prompt in prompts:
        found = prefixes(prompt, COMPLETION, adapter)
        image = prompt.input_ids == adapter.image_id
        last_image = int(image.nonzero().max())
        for prefix in found.values():
            assert prefix.positions.shape == (adapter.position_rows, len(prefix.input_ids))
            assert torch.equal(
                prefix.positions[:, : last_image + 1], prompt.positions[:, : last_image + 1]
            )
            after = prefix.positions[:, last_image + 1 :]
            assert (after.diff(dim=1) == 1).all()
            assert int(after[0, 0]) == int(prompt.positions[0, last_image + 1])


def test_lots_depend_on_the_question_and_the_seed(adapter, prompt) -> None:
    def ids(question: str, seed: int) -> list[int]:
        found = prefixes(replace(prompt, id=question), COMPLETION, adapter, seed)
        return found["fewer_words"].input_ids.tolist()

    assert ids("p", 0) == ids("p", 0)
    # The chain's few words all go; which of the prompt's go with them is the lot.
    drawn = {tuple(ids(question, seed)) for question in "pq" for seed in range(3)}
    assert len(drawn) > 1


def test_there_may_be_too_few_other_tokens(adapter, prompts) -> None:
    crowded = "<think> " + "[10, 20, 30, 40], " * 40 + "<rethink> many"
    assert "fewer_words" not in prefixes(prompts[0], crowded, adapter)
    with pytest.raises(ValueError, match="<rethink>"):
        prefixes(prompts[0], "<think> nothing", adapter)


def test_what_is_put_on_and_taken_off_again_leaves_the_prompt(adapter, prompts) -> None:
    prompt = prompts[1]
    longer = extended(prompt, [5, 6, 7])
    again = shortened(longer, range(len(prompt.input_ids), len(longer.input_ids)))
    assert torch.equal(again.input_ids, prompt.input_ids)
    assert torch.equal(again.positions, prompt.positions)
