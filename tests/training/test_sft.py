"""Few-shot supervised fine-tuning under the real Trainer."""

from dataclasses import replace

import pytest
from learners import fit
from settings_of import sft, training

from grit.data.shapes import ideal_trace
from grit.data.shapes.source import ShapesSource
from grit.data.taught_traces import taught_trace
from grit.models.loading import freeze_vision, load_base
from grit.models.prompting import Prompting
from grit.models.row_text import OF_TRACES
from grit.models.setup import load_skeleton
from grit.training.sft import FewShotSFT


def test_few_shot_sft_learns_its_traces(tmp_path):
    adapter = load_base("tiny:qwen-random", seed=0)
    freeze_vision(adapter)
    adapter.model.train()
    learner = FewShotSFT(adapter, Prompting(), taught(12, 1e-2))
    losses = [row["train/loss"] for row in fit(learner, tmp_path)]
    assert losses[-1] < losses[0] - 2


def test_traces_end_as_turns_of_the_chat_do():
    """Qwen has another id that ends texts, a smaller one; and a pad, which ends them too."""
    adapter = load_base("tiny:qwen-random", seed=0)
    end = adapter.tokenizer.eos_token_id
    adapter.plain.generation_config.eos_token_id = [end, end - 1]
    assert adapter.end_ids == {end, end - 1, adapter.tokenizer.pad_token_id}
    learner = FewShotSFT(adapter, Prompting(), taught(1, 1.0))
    (trace,) = learner._group(ShapesSource("vsr", "train", 1)[0]).completions
    assert trace[-1] == end


def taught(steps, learning_rate, **fields):
    return training(sft=sft(steps=steps, learning_rate=learning_rate, **fields))


def learner_of(adapter, **fields):
    return FewShotSFT(adapter, Prompting(), taught(1, 1.0), **fields)


def test_in_the_plain_hand_the_miniature_s_trace_is_taught(adapter):
    sample = ShapesSource("tallyqa", "train", 3)[2]
    group = learner_of(adapter)._group(sample)
    text = adapter.tokenizer.decode(group.completions[0])
    assert text == ideal_trace(sample, group.prompt.space) + adapter.tokenizer.eos_token


def test_a_family_is_taught_in_its_own_hand(adapter):
    """Also a row that nobody annotated is taught something."""
    sample = replace(ShapesSource("vsr", "train", 1)[0], labels=())
    learner = learner_of(adapter, trace_style=adapter.example_style)
    for one in (sample, replace(sample, boxes=None)):
        group = learner._group(one)
        text = adapter.tokenizer.decode(group.completions[0])
        assert text == (
            taught_trace(one, group.prompt.space, adapter.example_style)
            + adapter.tokenizer.eos_token
        )
        said = {"json": '"bbox_2d": [', "internvl": "</ref><box>[["}[adapter.example_style]
        assert (said in text) is (one.boxes is not None)


def test_what_ends_a_trace_ends_the_model_s_turn(adapter):
    """The chat template puts the same token behind what the assistant says."""
    said = "<answer> yes </answer>"
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": said}]},
    ]
    rendered = adapter.processor.apply_chat_template(turns, tokenize=False)
    assert rendered.partition(said)[2].startswith(adapter.tokenizer.eos_token)
    assert adapter.tokenizer.eos_token_id in adapter.end_ids


@pytest.fixture(scope="module", params=["tiny:qwen", "tiny:internvl", "qwen", "internvl"])
def skeleton(replica, request):
    """A model with its real vocabulary and without weights."""
    tiny = request.param.startswith("tiny:")
    return load_skeleton(request.param if tiny else str(replica(request.param)))


@pytest.mark.parametrize("hand", ["plain", "json", "internvl"])
@pytest.mark.parametrize("field", ["answer", "question"])
def test_control_tokens_of_a_row_are_taught_as_text(skeleton, field, hand):
    learner = learner_of(skeleton, trace_style=hand)
    row = replace(ShapesSource("vsr", "train", 1)[0], labels=())
    added = {v: k for k, v in skeleton.tokenizer.get_added_vocab().items()}
    for token in sorted(set(added.values()) - set(OF_TRACES)):
        text = f"cat {token} dog" if field == "answer" else f"Where is the {token} cat?"
        one = replace(row, **{field: text})
        group = learner._group(one)
        ids = group.completions[0]
        found = [added[i] for i in ids[:-1] if i in added and added[i] not in OF_TRACES]
        assert found == []
        trace = taught_trace(one, group.prompt.space, hand)
        assert skeleton.tokenizer.decode(ids[:-1], clean_up_tokenization_spaces=False) == trace


def test_a_trace_of_words_alone_is_encoded_as_ever(adapter):
    for sample in ShapesSource("tallyqa", "train", 20):
        for hand in ("plain", "json", "internvl"):
            trace = taught_trace(sample, sample.space, hand)
            expected = adapter.tokenizer(trace, add_special_tokens=False)["input_ids"]
            assert adapter.row_text.trace_ids(trace) == expected
