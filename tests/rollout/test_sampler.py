import pytest
import torch

from grit.core.errors import GritError
from grit.inference.questions import drawn
from grit.models.loading import load_base
from grit.models.prompting import Prompting
from grit.rollout.sampler import Sampler
from grit.rollout.settings import GREEDY, Sampling

SHORT = Sampling(max_new_tokens=12)


def seeds_for(prompts, n):
    return [[100 * i + k for k in range(n)] for i in range(len(prompts))]


def test_a_completion_depends_on_prompt_and_seed_alone(adapter, prompts):
    seeds = seeds_for(prompts, 3)
    together = Sampler(adapter).sample(prompts, seeds, SHORT)
    one_a_batch = Sampler(adapter, tokens_per_batch=1).sample(prompts, seeds, SHORT)
    assert together == one_a_batch
    alone = Sampler(adapter).sample(prompts[1:2], [seeds[1][2:]], SHORT)
    assert alone[0][0] == together[1][2]
    assert len({c.text for group in together for c in group}) > 3


@pytest.mark.parametrize("off", ["share_prefill", "compact"])
def test_a_speed_part_that_is_off_changes_no_token(adapter, prompts, monkeypatch, off):
    # Every seventh token ends a completion: rows leave the batch at different steps.
    ends = frozenset(range(0, len(adapter.tokenizer), 7))
    monkeypatch.setattr(adapter, "end_ids", ends)
    seeds = seeds_for(prompts, 3)
    expected = Sampler(adapter).sample(prompts, seeds, SHORT)
    found = Sampler(adapter, **{off: False}).sample(prompts, seeds, SHORT)
    assert found == expected
    assert len({len(c.token_ids) for group in found for c in group}) > 2


def test_without_sharing_every_completion_has_a_prefill(adapter, prompts, monkeypatch):
    rows = []
    images = adapter._image_features
    monkeypatch.setattr(adapter, "_image_features", lambda p: rows.append(len(p)) or images(p))
    for share in (True, False):
        Sampler(adapter, share_prefill=share).sample(prompts, seeds_for(prompts, 3), SHORT)
    assert rows == [len(prompts), 3 * len(prompts)]


class Scripted:
    """Makes a model say a text: its logits are those of a script, one token after the other."""

    def __init__(self, adapter, texts, monkeypatch):
        self.scripts = [adapter.tokenizer(text)["input_ids"] for text in texts]
        self.step = 0
        vocabulary = adapter.plain.lm_head.weight.shape[0]

        def logits(hidden):
            out = torch.zeros(len(hidden), vocabulary)
            for row in range(len(hidden)):
                script = self.scripts[row % len(self.scripts)]
                out[row, script[min(self.step, len(script) - 1)]] = 100.0
            self.step += 1
            return out

        monkeypatch.setattr(adapter, "logits", logits)


def test_generation_stops_at_the_closing_tag(adapter, prompts, monkeypatch):
    Scripted(adapter, ["<answer> yes </answer> and more and more"], monkeypatch)
    ((completion,),) = Sampler(adapter).sample(prompts[:1], [[0]], GREEDY)
    assert completion.text.endswith("<answer> yes </answer>")
    assert not completion.truncated


def test_generation_stops_at_a_closing_tag_in_pieces(adapter, prompts, monkeypatch):
    pieces = ["</", "ans", "wer", "> x"]
    ids = [i for piece in pieces for i in adapter.tokenizer(piece)["input_ids"]]
    script = Scripted(adapter, [""], monkeypatch)
    script.scripts = [ids]
    ((completion,),) = Sampler(adapter).sample(prompts[:1], [[0]], Sampling(0, max_new_tokens=30))
    assert completion.text == "</answer>"


def test_generation_stops_at_the_end_token(adapter, prompts, monkeypatch):
    end = adapter.tokenizer.decode(sorted(adapter.end_ids)[:1])
    Scripted(adapter, [f"yes{end}more"], monkeypatch)
    ((completion,),) = Sampler(adapter).sample(prompts[:1], [[0]], GREEDY)
    assert completion.text == "yes"
    assert completion.token_ids[-1] in adapter.end_ids


def test_placeholders_are_never_sampled(adapter, prompts, monkeypatch):
    placeholder = adapter.tokenizer.decode([adapter.image_id])
    Scripted(adapter, [placeholder * 3], monkeypatch)
    groups = Sampler(adapter).sample(prompts, seeds_for(prompts, 2), SHORT)
    sampled = {token for group in groups for c in group for token in c.token_ids}
    assert sampled.isdisjoint(adapter.placeholder_ids)


def test_the_model_is_left_in_the_mode_it_was_in(adapter, prompts):
    adapter.model.train()
    Sampler(adapter).sample(prompts[:1], [[0]], SHORT)
    assert adapter.model.training
    adapter.model.eval()


def test_groups_of_different_sizes_are_refused(adapter, prompts):
    with pytest.raises(ValueError, match="same number"):
        Sampler(adapter).sample(prompts[:2], [[0], [1, 2]], SHORT)


@pytest.mark.parametrize("sampling", [SHORT, Sampling(0, max_new_tokens=3)])
def test_damaged_weights_are_an_error_and_no_token(sampling):
    adapter = load_base("tiny:qwen-random", seed=0)
    adapter.plain.lm_head.weight.data[:] = torch.nan
    prompt = Prompting().encode(drawn(0, "How many?").sample(), adapter)
    with pytest.raises(GritError, match="logits are not finite"):
        Sampler(adapter).sample([prompt], [[0]], sampling)
