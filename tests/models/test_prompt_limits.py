"""Tokens of a prompt counted from its question and its image's size: exact, without a picture."""

import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.data.samples import Sample
from grit.grounding.boxes import Space
from grit.models.loading import load_base
from grit.models.prompt_limits import PromptLengths, PromptLimit
from grit.models.prompting import Prompting
from grit.models.setup import load_skeleton


class Drawn:
    def __init__(self, size):
        self.size, self.key = size, str(size)

    def load(self):
        return Image.new("RGB", self.size)


def sample(question, size=(96, 96)):
    space = Space("original", *size)
    return Sample("x/1", question, "a", "x", Drawn(size), space, where="rows.jsonl line 7")


SIZES = [(96, 96), (640, 480), (480, 640), (1000, 300), (300, 1000), (64, 64), (2000, 1500)]


@pytest.mark.parametrize("prompting", [Prompting(), Prompting(False), Prompting(True, True)])
def test_the_count_is_what_encoding_gives(adapter, prompting):
    lengths = PromptLengths(adapter, prompting)
    for question in ("Why?", "Is the naïve 🦊 left of ½?\n" * 9):
        for size in SIZES:
            one = sample(question, size)
            found = len(prompting.encode(one, adapter).input_ids)
            assert lengths.of(one) == found
            assert found <= lengths.at_most(one)


@pytest.mark.parametrize("name", ["qwen", "internvl"])
@pytest.mark.parametrize("form", ["processor", "released"])
def test_the_count_on_real_processors(replica, name, form):
    image = {"qwen": {"max_pixels": 200704}, "internvl": {"min_patches": 1, "max_patches": 2}}
    bare = load_skeleton(str(replica(name)), image=image[name])
    bare.prompt_form = form
    whole = load_base(str(replica(name)), image=image[name])
    whole.prompt_form = form
    lengths = PromptLengths(bare, Prompting())
    for size in SIZES:
        one = sample("How many dogs?", size)
        assert lengths.of(one) == len(Prompting().encode(one, whole).input_ids)


def limit(adapter, most=4096, new=100):
    setting = "rollout.sampling.max_new_tokens"
    return PromptLimit.of(adapter, max_prompt_tokens=most, max_new_tokens=new, setting=setting)


def test_the_tighter_limit_holds(adapter):
    assert limit(adapter).tokens == 3996  # of 4096 positions
    assert limit(adapter, most=50).tokens == 50
    assert limit(adapter, most=None).tokens == 3996
    with pytest.raises(GritError, match=r"max_new_tokens=4096: .*4096 positions"):
        limit(adapter, new=4096)


def test_a_long_prompt_names_its_row(adapter):
    lengths = PromptLengths(adapter, Prompting())
    limit(adapter).check([sample("why? " * 100)], lengths)
    with pytest.raises(GritError, match=r"rows\.jsonl line 7: .* at most 3996 .*positions"):
        limit(adapter).check([sample("Why?"), sample("why? " * 4000)], lengths)
    with pytest.raises(GritError, match=r"at most 100 .*data\.max_prompt_tokens"):
        limit(adapter, most=100).check([sample("why? " * 100)], lengths)
    seen = adapter.image_tokens(96, 96)
    with pytest.raises(GritError, match=rf"{seen} of them the picture's.*model\.image"):
        limit(adapter, most=seen).check([sample("Why?")], lengths)
