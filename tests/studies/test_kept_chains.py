"""A greedy model that is given the beginning of what it has said goes on as it did."""

from dataclasses import replace

import pytest
from replicas import IMAGE_SETTINGS

from grit.data.shapes.source import ShapesSource
from grit.evaluation.loop import answer
from grit.evaluation.predictions import Prediction
from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.loading import load_base
from grit.models.prompting import Prompting
from grit.models.written_text import written_text
from grit.rollout.engine import Completion
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.studies.attention_prefixes import extended
from grit.studies.kept_chains import answered_chain, kept_ids, whole

CHAIN = "<think> red circle [20, 30, 40, 50], dot [20, 30, 40, 50] [1, 2, 1, 9] </think>\n<rethink>"
SAID = Prediction(
    "vsr",
    0,
    "vsr/0",
    "?",
    "yes",
    False,
    "vsr",
    f"{CHAIN} [5, 5, 9, 9] </rethink>\n<answer> yes",
    box_space=NORMALIZED_1000,
    space=Space("original", 100, 200),
)


def test_a_chains_boxes_are_those_before_rethink_in_pixels_of_the_picture() -> None:
    chain = answered_chain(SAID)
    assert chain is not None
    assert [box.corners for box in chain.boxes] == [(2, 6, 4, 10)]  # once, and with an area


@pytest.mark.parametrize(
    "lacking",
    [
        {"completion": f"{CHAIN} it is </rethink>"},  # no answer
        {"completion": "<think> nothing </think> <rethink> [5, 5, 9, 9] </rethink> <answer> yes"},
        {"completion": "<think> [5, 5, 5, 5] </think> <answer> yes"},  # no area
        {"truth_is_box": True},
        {"space": None},
    ],
)
def test_what_has_no_chain_or_no_answer_is_left_out(lacking: dict) -> None:
    assert answered_chain(replace(SAID, **lacking)) is None


def test_without_rethink_a_chain_has_boxes_and_nothing_is_kept(adapter) -> None:
    completion = "<think> red circle [20, 30, 40, 50] </think>\n<answer> yes"
    assert answered_chain(replace(SAID, completion=completion)) is not None
    assert kept_ids(completion, adapter) is None


def test_what_is_kept_ends_with_the_tag(adapter) -> None:
    kept = kept_ids(SAID.completion, adapter)
    assert kept is not None
    assert adapter.decode(kept) == CHAIN
    # Tokens of a row's text that mean something to the model are plain characters.
    strange = "<think> <|im_end|> </think> <rethink> so"
    kept = kept_ids(strange, adapter)
    assert kept is not None
    assert adapter.decode(kept) == "<think> <|im_end|> </think> <rethink>"
    assert not adapter.placeholder_ids & set(kept)


def test_a_token_that_ends_behind_the_tag_is_left_to_the_model(adapter, monkeypatch) -> None:
    pieces = ["<think> ", "[1, 2, 3, 4] ", "<reth", "ink", ">\n", "so"]
    monkeypatch.setattr(adapter.row_text, "trace_ids", lambda text: list(range(len(pieces))))
    monkeypatch.setattr(adapter, "decode", lambda ids: "".join(pieces[each] for each in ids))
    assert kept_ids("".join(pieces), adapter) == (0, 1, 2, 3)


@pytest.mark.parametrize("name", ["internvl", "internvl3_5", "glm", "qwen"])
def test_tokens_around_boxes_are_kept_where_rewards_do_not_see_them(replica, name: str) -> None:
    adapter = load_base(str(replica(name)), image=IMAGE_SETTINGS[name])
    chain = "<think> <ref>dog</ref><box>[[142, 314, 299, 447]]</box> </think>\n<rethink>"
    if name == "glm":
        chain = "<think> dog <|begin_of_box|>[[1, 2, 3, 4]]<|end_of_box|> </think>\n<rethink>"
    said = f"{chain} one </rethink>\n<answer> 1"
    ids = adapter.tokenizer(said, add_special_tokens=False)["input_ids"]
    ids.append(adapter.tokenizer.eos_token_id)
    written = written_text(ids, adapter)
    assert written == said
    kept = kept_ids(written, adapter)
    assert kept is not None
    assert list(kept) == ids[: len(kept)]
    assert adapter.tokenizer.decode(list(kept)) == chain

    class Says:
        prompts_at_a_time = 1

        def sample(self, prompts, seeds, sampling):
            return [[Completion(tuple(ids), adapter.decode(ids), truncated=False)]]

    samples = list(ShapesSource("gqa", "test", 1))
    (prediction,) = answer(adapter, Says(), Prompting(), "gqa", samples, max_new_tokens=99)
    assert kept_ids(prediction.as_written, adapter) == kept
    assert prediction.completion == adapter.decode(ids)
    stripped = said.replace("<ref>", "").replace("</ref>", "").replace("<box>", "")
    if name.startswith("internvl"):  # as in the released code
        assert adapter.decode(ids) == stripped.replace("</box>", "")


@pytest.mark.parametrize("family", ["qwen", "internvl"])
@pytest.mark.parametrize("most", [200, 30])
def test_the_unchanged_picture_gives_the_original_completion_exactly(
    family: str, most: int
) -> None:
    adapter = load_base(f"tiny:{family}")
    sampler = Sampler(adapter, tokens_per_batch=3000)
    greedy = Sampling(temperature=0.0, max_new_tokens=most)
    prompts = [Prompting().encode(s, adapter) for s in ShapesSource("gqa", "test", 12)]
    said = [group[0] for group in sampler.sample(prompts, [[0]] * len(prompts), greedy)]
    kept = [kept_ids(each.text, adapter) for each in said]
    cut = [(at, ids) for at, ids in enumerate(kept) if ids is not None]
    assert len(cut) > 3
    longer = [extended(prompts[at], ids) for at, ids in cut]
    for (at, ids), (rest,) in zip(
        cut, sampler.sample(longer, [[0]] * len(cut), greedy), strict=True
    ):
        original = said[at]
        assert ids == original.token_ids[: len(ids)]
        tail = original.token_ids[len(ids) :]
        assert rest.token_ids[: len(tail)] == tail
        assert whole(ids, rest.token_ids, most, adapter) == original.text
