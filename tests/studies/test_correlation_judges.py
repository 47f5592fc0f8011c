from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image, ImageChops

from grit.core.errors import GritError
from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import Box
from grit.judge.prompt import Comparison
from grit.studies.correlation_chains import GroundedChain
from grit.studies.correlation_judges import (
    UNDECIDED,
    Pair,
    picked_by_model,
    picked_by_rule,
)

_, SCENE, _ = ShapesSource("vsr", "test", 1).question(0)
FIRST, SECOND = SCENE.things[:2]
EMPTY = Box(0, 0, 1, 1, SCENE.space)  # no thing lies at the very edge


def pair(words: str, own: Box, other: Box) -> Pair:
    chain = GroundedChain("vsr", "vsr/0", f"{words} [masked]", (own,), (words,), SCENE)
    return Pair("one", chain, (other,))


def box(number: int) -> Box:
    return SCENE.boxes((number,))[0]


def test_the_rule_picks_the_box_that_lies_on_what_is_described() -> None:
    assert FIRST.name != SECOND.name
    pairs = [
        pair(FIRST.name, box(0), box(1)),
        pair(FIRST.name, box(1), box(0)),
        pair(FIRST.name, box(0), EMPTY),
        pair(FIRST.name, EMPTY, EMPTY),
        pair("a dog", box(0), box(1)),
    ]
    assert picked_by_rule(pairs) == [1, 0, 1, UNDECIDED, UNDECIDED]


def test_any_of_the_things_that_fit_will_do() -> None:
    assert picked_by_rule([pair("thing", box(n), EMPTY) for n in range(2)]) == [1, 1]


def test_the_rule_judges_no_photographs() -> None:
    class Photograph:
        key = "photograph"

        def load(self) -> Image.Image:
            return Image.new("RGB", (96, 96))

    one = pair("red circle", box(0), box(1))
    photograph = replace(one, chain=replace(one.chain, picture=Photograph()))
    with pytest.raises(GritError, match="use judge=openai"):
        picked_by_rule([photograph])


def test_a_model_is_shown_both_pictures_with_the_masked_chain() -> None:
    seen: list[Comparison] = []

    def compare(pairs: Sequence[Comparison]) -> list[float | None]:
        seen.extend(pairs)
        return [None if one.id == "fails" else 1.0 for one in pairs]

    one = pair(FIRST.name, box(0), box(1))
    pairs = [one, replace(one, id="fails")] * 70
    assert picked_by_model(pairs, compare) == [1.0, None] * 70
    assert seen[0].description == f"{FIRST.name} [masked]"
    plain = SCENE.load()
    for picture, number in ((seen[0].right, 0), (seen[0].wrong, 1)):
        changed = ImageChops.difference(picture, plain).getbbox()
        x1, y1, x2, y2 = SCENE.things[number].box
        assert changed is not None
        assert all(abs(a - b) <= 2 for a, b in zip(changed, (x1, y1, x2, y2), strict=True))
