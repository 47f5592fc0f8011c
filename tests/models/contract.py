"""What every adapter has to do, against the unmodified transformers model, fp32, to 1e-5.

For an adapter of your own: add its line to ``ADAPTERS`` (src/grit/models/loading.py), make a folder
of its model with a few small layers, and run

    pytest tests/models/test_contract.py --model-folder FOLDER

Elsewhere, inherit from `AdapterContract` in a test file with a fixture ``adapter``; a fixture
``prompts`` gives encoded prompts of different lengths on images of different sizes.
"""

import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from grit.core.seeding import seed_for
from grit.grounding.box_lists import box_list, rounded_corners
from grit.grounding.boxes import Box, Space
from grit.grounding.traces import parse
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.models.features import FeatureCache
from grit.models.loading import load_base, save_trained
from grit.models.lora import add_lora
from grit.models.settings import LoraSettings
from grit.rollout import sampler as sampler_module
from grit.rollout.engine import STOP
from grit.rollout.sampler import Sampler
from grit.rollout.settings import Sampling
from grit.training.groups import Group, lay_out
from grit.training.logprobs import token_scores

EXACT = {"atol": 1e-5, "rtol": 0.0}
TRACE = "<think> a [1, 2, 30, 40] </think> <rethink> b </rethink> <answer> yes </answer>"


def plain_inputs(adapter: Adapter, prompt: EncodedPrompt, completion: Sequence[int] = ()) -> dict:
    """The inputs of the unmodified transformers model for one row."""
    ids = torch.cat([prompt.input_ids, torch.tensor(completion, dtype=torch.long)])[None]
    inputs = dict(prompt.vision, input_ids=ids, attention_mask=torch.ones_like(ids))
    if "mm_token_type_ids" in inspect.signature(adapter.plain.forward).parameters:
        inputs["mm_token_type_ids"] = (ids == adapter.image_id).int()
    return inputs


def plain_logits(adapter: Adapter, prompt: EncodedPrompt, completion: Sequence[int] = ()) -> Tensor:
    """Next-token logits of the unmodified transformers model on one row, [P + C, V]."""
    return adapter.plain(**plain_inputs(adapter, prompt, completion)).logits[0]


def random_groups(adapter: Adapter, prompts: Sequence[EncodedPrompt]) -> list[Group]:
    """Completions of different lengths for each prompt, of tokens that may be sampled."""
    random = torch.Generator().manual_seed(7)
    used = set(adapter.tokenizer.get_vocab().values()) - set(adapter.forbidden_ids.tolist())
    ids = torch.tensor(sorted(used - adapter.end_ids))

    def drawn(count: int) -> tuple[int, ...]:
        return tuple(ids[torch.randint(len(ids), (count,), generator=random)].tolist())

    lengths = [(4, 9, 1), (6, 2, 5), (3, 3, 8)]
    return [
        Group(prompt, tuple(map(drawn, counts)))
        for prompt, counts in zip(prompts, lengths, strict=True)
    ]


def weighted_scores(adapter: Adapter, groups: Sequence[Group], *, plain: bool) -> tuple:
    """Log-probabilities [M] in the order of completions, and the gradients of a weighted sum."""
    count = sum(len(ids) for group in groups for ids in group.completions)
    weight = torch.linspace(0.1, 1.0, count) / count  # no two errors cancel
    if plain:
        rows = [(group.prompt, ids) for group in groups for ids in group.completions]
        logps = []
        for prompt, ids in rows:
            log = plain_logits(adapter, prompt, ids)[-len(ids) - 1 : -1].log_softmax(-1)
            logps.append(log.gather(-1, torch.tensor(ids)[:, None])[:, 0])
        logp = torch.cat(logps)
    else:
        batch = lay_out(adapter, groups, share_prompt=True)
        features = adapter.image_features([group.prompt for group in groups])
        scores = token_scores(adapter, batch, features, tokens_per_chunk=5)
        logp = scores.logp[torch.argsort(batch.owner, stable=True)]
    adapter.model.zero_grad()
    (weight * logp).sum().backward()
    gradients = {n: p.grad for n, p in adapter.model.named_parameters() if p.grad is not None}
    adapter.model.zero_grad()
    return logp.detach(), gradients


@contextmanager
def seen_logits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Tensor]]:
    """The logits of every step that a sampler draws from."""
    seen: list[Tensor] = []
    choose = sampler_module.choose

    def spy(logits: Tensor, *arguments: object) -> object:
        seen.append(logits.clone())
        return choose(logits, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(sampler_module, "choose", spy)
        yield seen


class AdapterContract:
    """The tests; one object of them is one adapter."""

    # --- prompts and tokens

    def test_the_prompt_ends_where_the_model_answers(self, adapter, prompts):
        text = adapter.tokenizer.decode(prompts[1].input_ids)
        turn = adapter.templated("A QUESTION")
        assert text.endswith(turn.partition("A QUESTION")[2])
        image = adapter.tokenizer.decode([adapter.image_id])
        assert text.index("Question: How many? Really?") > text.rindex(image)

    def test_image_tokens_are_foretold(self, adapter, prompts, photographs):
        for i, (prompt, image) in enumerate(zip(prompts, photographs, strict=True)):
            text = "\nQuestion: How many?" + " Really?" * i
            assert adapter.prompt_tokens(text, *image.size) == len(prompt.input_ids)

    def test_positions_go_on_behind_the_prompt(self, adapter, prompts):
        for prompt in prompts:
            assert prompt.positions.shape == (adapter.position_rows, len(prompt.input_ids))
            assert (prompt.positions[:, -1] == prompt.next_position - 1).all()

    def test_what_may_be_sampled_is_a_row_of_the_head_and_no_image(self, adapter):
        rows = set(range(adapter.plain.lm_head.weight.shape[0]))
        forbidden = set(adapter.forbidden_ids.tolist())
        assert adapter.image_id in forbidden
        assert forbidden <= rows
        may = rows - forbidden
        assert may <= set(adapter.tokenizer.get_vocab().values())
        assert may.isdisjoint(adapter.placeholder_ids)
        assert adapter.end_ids
        assert adapter.end_ids <= may

    def test_tags_and_boxes_survive_the_tokenizer(self, adapter):
        assert adapter.decode(adapter.tokenizer(TRACE)["input_ids"]).endswith(TRACE)
        boxes = [("chair", (38, 212, 131, 402)), ("dog", (147, 205, 236, 391))]
        written = f"<think> {box_list(adapter.example_style, boxes)} </think>"
        trace = parse(adapter.decode(adapter.row_text.trace_ids(written)))
        assert list(trace.boxes) == [corners for _, corners in boxes]

    def test_a_box_there_and_back(self, adapter, prompts, photographs):
        for prompt, image in zip(prompts, photographs, strict=True):
            original = Space("original", *image.size)
            box = Box(12, 34, 80, 90, original)
            written = Box(*rounded_corners(box, prompt.space), prompt.space)
            pixel = max(
                1.0, image.size[0] / prompt.space.width, image.size[1] / prompt.space.height
            )
            assert written.to(original).corners == pytest.approx(box.corners, abs=pixel)

    # --- the forward pass in parts

    def test_a_forward_of_parts_equals_the_models_own(self, adapter, prompts):
        with torch.no_grad():
            for prompt in prompts:
                embedded = adapter.embed(prompt.input_ids[None], adapter.image_features([prompt]))
                mask = torch.ones(1, len(prompt.input_ids), dtype=torch.long)
                hidden = adapter.hidden_states(embedded, mask, prompt.positions.unsqueeze(1))
                ours = adapter.logits(hidden)[0]
                torch.testing.assert_close(ours, plain_logits(adapter, prompt), **EXACT)

    def test_image_features_of_a_batch_are_those_of_each_alone(self, adapter, prompts):
        with torch.no_grad():
            together = adapter.image_features(prompts)
            for prompt, features in zip(prompts, together, strict=True):
                assert len(features) == (prompt.input_ids == adapter.image_id).sum()
                alone = adapter.image_features([prompt])[0]
                torch.testing.assert_close(features, alone, **EXACT)

    def test_image_tokens_lie_where_they_show_the_picture(self, adapter):
        """A spot in the picture changes the features most where it is, whatever its shape."""
        for size, place in (
            ((96, 96), (0.2, 0.7)),
            ((96, 192), (0.8, 0.3)),
            ((260, 120), (0.9, 0.8)),
        ):
            plain = Image.new("RGB", size, (90, 120, 150))
            spotted = plain.copy()
            x, y = place[0] * size[0], place[1] * size[1]
            spotted.paste((255, 255, 0), tuple(round(at) for at in (x - 6, y - 6, x + 6, y + 6)))
            with torch.no_grad():
                prompts = [adapter.encode("p", "A", each, picture="") for each in (plain, spotted)]
                before, after = adapter.image_features(prompts)
            change = (after - before).norm(dim=-1)
            found = adapter.on_picture(prompts[0], change)
            torch.testing.assert_close(found.sum(), change.sum())
            row, column = divmod(int(found.argmax()), found.shape[1])
            rows, columns = found.shape
            assert abs((column + 0.5) / columns - place[0]) < 0.5 / columns + 6 / size[0]
            assert abs((row + 0.5) / rows - place[1]) < 0.5 / rows + 6 / size[1]

    def test_too_few_image_features_are_refused(self, adapter, prompts):
        features = adapter.image_features(prompts[:1])[0]
        with pytest.raises(ValueError, match="image tokens"):
            adapter.embed(prompts[0].input_ids[None], [features[:-1]])

    def test_cached_features_are_the_same(self, adapter, prompts, monkeypatch):
        with torch.no_grad():
            expected = adapter.image_features(prompts)
            monkeypatch.setattr(adapter, "feature_cache", FeatureCache(10**8))
            for _ in range(2):
                found = adapter.image_features(prompts)
                for ours, own in zip(found, expected, strict=True):
                    torch.testing.assert_close(ours, own, **EXACT)
            assert adapter.feature_cache.hits == len(prompts)

    # --- training

    def test_shared_rows_score_and_learn_as_plain_rows_do(self, adapter, prompts):
        groups = random_groups(adapter, prompts)
        expected, gradients = weighted_scores(adapter, groups, plain=True)
        found, ours = weighted_scores(adapter, groups, plain=False)
        torch.testing.assert_close(found, expected, **EXACT)
        assert ours.keys() == gradients.keys()
        for name, gradient in gradients.items():
            torch.testing.assert_close(ours[name], gradient, **EXACT, msg=name)

    def test_lora_scores_and_learns_as_in_plain_rows(self, adapter, prompts):
        other = copy.copy(adapter)
        other.model = copy.deepcopy(adapter.model)
        lora = LoraSettings(rank=4, alpha=8, target_modules=["q_proj", "v_proj"])
        add_lora(other, lora, with_vision=False)
        for name, parameter in other.model.named_parameters():
            if "lora_B" in name:  # they begin as 0, and would do nothing
                nn.init.normal_(parameter, std=0.1)
        groups = random_groups(other, prompts)
        expected, gradients = weighted_scores(other, groups, plain=True)
        found, ours = weighted_scores(other, groups, plain=False)
        torch.testing.assert_close(found, expected, **EXACT)
        assert ours.keys() == gradients.keys()
        assert all("lora_" in name for name in gradients)
        for name, gradient in gradients.items():
            torch.testing.assert_close(ours[name], gradient, **EXACT, msg=name)

    def test_a_saved_folder_loads_the_same_way(self, adapter, tmp_path):
        save_trained(adapter, tmp_path / "saved")
        again = load_base(str(tmp_path / "saved"))
        assert type(again) is type(adapter)
        weights = again.model.state_dict()
        for name, weight in adapter.model.state_dict().items():
            assert torch.equal(weight, weights[name]), name

    # --- the rollout

    def test_the_forked_cache_predicts_what_a_full_forward_predicts(
        self, adapter, prompts, monkeypatch
    ):
        monkeypatch.setattr(adapter, "end_ids", frozenset())
        seeds = [[seed_for("contract", k) for k in range(3)]]
        with seen_logits(monkeypatch) as seen:
            (group,) = Sampler(adapter).sample([prompts[1]], seeds, Sampling(max_new_tokens=5))
        for row, completion in enumerate(group):
            with torch.no_grad():
                whole = plain_logits(adapter, prompts[1], completion.token_ids)
            expected = whole[len(prompts[1].input_ids) - 1 : -1].softmax(-1)
            ours = torch.stack([logits[row] for logits in seen]).softmax(-1)
            torch.testing.assert_close(ours, expected, **EXACT)

    def test_static_buffers_change_no_token(self, adapter, prompts):
        seeds = [[100 * i + k for k in range(2)] for i in range(len(prompts))]
        short = Sampling(max_new_tokens=6)
        expected = Sampler(adapter).sample(prompts, seeds, short)
        assert Sampler(adapter, decode="static").sample(prompts, seeds, short) == expected

    def test_greedy_tokens_are_those_of_generate(self, adapter, prompts):
        """The folder's repetition penalty and temperature are not ours."""
        greedy = Sampling(temperature=0, max_new_tokens=12)
        ours = Sampler(adapter).sample(prompts, [[0]] * len(prompts), greedy)
        for prompt, (completion,) in zip(prompts, ours, strict=True):
            generated = adapter.plain.generate(
                **plain_inputs(adapter, prompt),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                repetition_penalty=1.0,
                max_new_tokens=12,
                eos_token_id=sorted(adapter.end_ids),
                suppress_tokens=adapter.forbidden_ids.tolist(),
                stop_strings=[STOP],
                tokenizer=adapter.tokenizer,
            )[0, len(prompt.input_ids) :]
            assert list(completion.token_ids) == generated.tolist()
            assert completion.truncated == (len(completion.token_ids) == 12)
