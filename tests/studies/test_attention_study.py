import numpy as np
import pytest
import torch
from PIL import Image

from grit.data.shapes.source import ShapesSource
from grit.models.adapter import Adapter
from grit.models.loading import ADAPTERS, load_base
from grit.models.prompting import Prompting
from grit.models.tiny import build_tiny
from grit.rollout.sampler import Sampler
from grit.studies.attention_prefixes import PREFIXES, prefixes
from grit.studies.attention_study import attention_weights, image_attention, study

COMPLETION = "<think> red circle [20, 30, 40, 50] </think>\n<rethink> so"


@pytest.fixture(scope="module", params=["qwen", "qwen3", "internvl"])
def eager(request: pytest.FixtureRequest) -> Adapter:
    model, processor = build_tiny(request.param, seed=0)
    model.set_attn_implementation("eager")
    return ADAPTERS[model.config.model_type](model, processor)


def test_attention_is_that_of_transformers_own_generation(
    eager: Adapter, photographs: list[Image.Image]
) -> None:
    """The oracle is ``generate``, which shares no code with ours but the model's layers."""
    prompt = eager.encode("p", "\nQuestion: How many?", photographs[0], picture="p")
    rendered = eager.processor.apply_chat_template(
        [
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "text", "text": "\nQuestion: How many?"}],
            }
        ],
        add_generation_prompt=True,
        tokenize=False,
    )
    inputs = eager.processor(images=[photographs[0]], text=[rendered], return_tensors="pt")
    with torch.no_grad():
        said = eager.model.generate(
            **inputs,
            max_new_tokens=5,
            min_new_tokens=5,
            do_sample=False,
            output_attentions=True,
            return_dict_in_generate=True,
        )
    image = prompt.input_ids == eager.image_id
    expected = []
    for step in said.attentions:  # a tuple of layers, each [1, heads, queries, keys]
        weights = torch.stack([layer[0, :, -1] for layer in step])  # [layers, heads, keys]
        expected.append(float(weights[..., : len(image)][..., image].mean()))
    generated = said.sequences[0, len(prompt.input_ids) :].tolist()
    assert len(generated) == 5
    found = image_attention(prompt, generated, eager)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_attention_without_eager_is_refused(adapter: Adapter) -> None:
    nothing = torch.zeros(1, 1, 1)
    with pytest.raises(ValueError, match="eager"):
        attention_weights(adapter, nothing, nothing, nothing, None)


def test_a_model_of_any_attention_is_measured_alike_and_keeps_its_own(
    eager: Adapter, photographs: list[Image.Image]
) -> None:
    """What was read before has the model's own attention, which keeps no weights in memory."""
    prompt = eager.encode("p", "\nQuestion: How many?", photographs[0], picture="p")
    expected = image_attention(prompt, [300, 301, 302], eager)
    eager.model.set_attn_implementation("sdpa")
    found = image_attention(prompt, [300, 301, 302], eager)
    language_model = eager.plain.model.language_model
    assert language_model.config._attn_implementation != "eager"
    eager.model.set_attn_implementation("eager")
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_study_compares_prefixes_over_the_tokens_that_both_led_to() -> None:
    adapter = load_base("tiny:qwen", attention="eager")
    samples = [
        prefixes(Prompting().encode(sample, adapter), COMPLETION, adapter)
        for sample in ShapesSource("gqa", "test", 3)
    ]
    del samples[0]["fewer_words"]
    found = study(samples, adapter, Sampler(adapter), tokens=8)
    assert found.samples == 3
    assert set(found.curves) == set(PREFIXES)
    for name, curve in found.curves.items():
        there = [mean for mean in curve.mean if mean is not None]
        assert len(curve.mean) == len(curve.n) == 8
        assert curve.n[0] == (2 if name == "fewer_words" else 3)
        assert list(curve.n) == sorted(curve.n, reverse=True)
        assert sum(n > 0 for n in curve.n) == len(there)
        assert all(0 < mean < 1 / 36 for mean in there)  # 36 image tokens share at most 1
        assert curve.level.n == curve.n[0]
    assert found.differences["boxes_minus_no_boxes"].n == 3
    assert found.differences["fewer_words_minus_no_boxes"].n == 2

    same = [samples[1] | {"no_boxes": samples[1]["boxes"]}]
    nothing = study(same, adapter, Sampler(adapter), tokens=2).differences["boxes_minus_no_boxes"]
    assert nothing.mean == 0


def test_samples_of_one_picture_are_drawn_together() -> None:
    """Each sample once more, about the same picture, says nothing new."""
    adapter = load_base("tiny:qwen", attention="eager")
    once = [
        prefixes(Prompting().encode(sample, adapter), COMPLETION, adapter)
        for sample in ShapesSource("gqa", "test", 4)
    ]
    alone = study(once, adapter, Sampler(adapter), 2)
    shared = study([*once, *once], adapter, Sampler(adapter), 2, [0, 1, 2, 3, 0, 1, 2, 3])
    for few, many in [
        (alone.curves["boxes"].level, shared.curves["boxes"].level),
        (alone.differences["boxes_minus_no_boxes"], shared.differences["boxes_minus_no_boxes"]),
    ]:
        assert many.n == 2 * few.n
        assert many[:3] == pytest.approx(few[:3], rel=1e-4)
