import pytest
import torch

from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.models.qwen import QwenAdapter
from grit.models.qwen3 import Qwen3Adapter


def unmodified_logits(adapter, prompt, completion=()):
    """Next-token logits of the plain transformers model on one row, [P + C, V]."""
    ids = torch.cat([prompt.input_ids, torch.tensor(completion, dtype=torch.long)])[None]
    inputs = dict(prompt.vision)
    if adapter.position_rows == 3:
        inputs["mm_token_type_ids"] = (ids == adapter.image_id).int()
    with torch.no_grad():
        return adapter.plain(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs).logits[0]


def test_a_forward_of_parts_equals_the_models_own(adapter, prompts):
    for prompt in prompts:
        with torch.no_grad():
            embedded = adapter.embed(prompt.input_ids[None], adapter.image_features([prompt]))
            mask = torch.ones(1, len(prompt.input_ids), dtype=torch.long)
            hidden = adapter.hidden_states(embedded, mask, prompt.positions.unsqueeze(1))
            ours = adapter.logits(hidden)[0]
        torch.testing.assert_close(ours, unmodified_logits(adapter, prompt), atol=1e-5, rtol=0)


def test_image_features_of_a_batch_are_those_of_each_alone(adapter, prompts):
    with torch.no_grad():
        together = adapter.image_features(prompts)
        for prompt, features in zip(prompts, together, strict=True):
            assert len(features) == (prompt.input_ids == adapter.image_id).sum()
            alone = adapter.image_features([prompt])[0]
            torch.testing.assert_close(features, alone, atol=1e-5, rtol=0)


def test_the_prompt_ends_where_the_model_answers(adapter, prompts):
    text = adapter.tokenizer.decode(prompts[1].input_ids)
    assert text.endswith("<|im_start|>assistant\n")
    assert text.index("Question: How many? Really?") > text.rindex(
        adapter.tokenizer.decode([adapter.image_id])
    )


def test_positions_go_on_behind_the_prompt(adapter, prompts):
    for prompt in prompts:
        assert prompt.positions.shape == (adapter.position_rows, len(prompt.input_ids))
        assert (prompt.positions[:, -1] == prompt.next_position - 1).all()


def test_the_space_is_the_one_the_model_speaks(adapter, prompts, photographs):
    for prompt, image in zip(prompts, photographs, strict=True):
        if not isinstance(adapter, QwenAdapter) or isinstance(adapter, Qwen3Adapter):
            assert prompt.space == NORMALIZED_1000
            continue
        grid = prompt.vision["image_grid_thw"][0]
        patch = adapter.processor.image_processor.patch_size
        assert (prompt.space.width, prompt.space.height) == (grid[2] * patch, grid[1] * patch)
        original = Space("original", *image.size)
        whole = Box(0, 0, prompt.space.width, prompt.space.height, prompt.space).to(original)
        assert whole.corners == pytest.approx((0, 0, *image.size))


def test_placeholders_and_padding_rows_are_forbidden(adapter):
    forbidden = set(adapter.forbidden_ids.tolist())
    assert adapter.image_id in forbidden
    assert forbidden.isdisjoint(adapter.end_ids)
    assert adapter.tokenizer.convert_tokens_to_ids("<think>") not in forbidden
    used = set(adapter.tokenizer.get_vocab().values())
    assert set(range(adapter.plain.lm_head.weight.shape[0])) - used <= forbidden


def test_too_few_image_features_are_refused(adapter, prompts):
    features = adapter.image_features(prompts[:1])[0]
    with pytest.raises(ValueError, match="image tokens"):
        adapter.embed(prompts[0].input_ids[None], [features[:-1]])


def test_tags_survive_tokenization(adapter):
    text = "<think> a [1, 2, 30, 40] </think> <rethink> b </rethink> <answer> yes </answer>"
    assert adapter.decode(adapter.tokenizer(text)["input_ids"]) == text
