"""Who says which of two pictures has the boxes that a chain speaks of: a rule, or a model.

The rule needs a drawn scene, whose things and their boxes are known. For each box of the chain it
reads the words around it ("red circle"), looks up the things of the scene that they fit, and takes
the IoU of the box, and of the random box in its stead, with the nearest of them. A picture's score
is the mean over its boxes, and the picture with the higher score is picked. Where both score the
same, mostly because nothing in the scene is as described, the rule is undecided.

The rule is told which box belongs to which words; a model that sees pictures has to find out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grit.core.errors import GritError
from grit.data.shapes.descriptions import described
from grit.data.shapes.questions import Term
from grit.data.shapes.scenes import Scene
from grit.grounding.boxes import Box, iou
from grit.grounding.drawing import draw_boxes
from grit.judge.prompt import Comparison
from grit.studies.correlation_chains import GroundedChain

UNDECIDED = 0.5

_SHOWN_AT_A_TIME = 128  # pairs of pictures alive at a time


@dataclass(frozen=True)
class Pair:
    """A chain, and as many random boxes as it has."""

    id: str  # unique: a set's question, the control and the repeat
    chain: GroundedChain
    random: tuple[Box, ...]


Matcher = Callable[[Sequence[Pair]], list[float | None]]
"""Says of each pair whether the chain's own boxes are those that match it.

1 where it picks the chain's own boxes, 0 where the random ones, ``UNDECIDED`` between them; None
where the judge failed to say.
"""


def picked_by_model(
    pairs: Sequence[Pair], compare: Callable[[Sequence[Comparison]], list[float | None]]
) -> list[float | None]:
    """What a model picks that is shown both pictures, which are drawn when they are needed.

    Args:
        pairs: what it is asked about.
        compare: gives 1 for each pair whose right picture the model picks, 0 for its wrong one,
            and None where it fails.
    """
    picks: list[float | None] = []
    for start in range(0, len(pairs), _SHOWN_AT_A_TIME):
        part = pairs[start : start + _SHOWN_AT_A_TIME]
        picks += compare([shown(pair) for pair in part])
    return picks


def shown(pair: Pair) -> Comparison:
    """The chain without coordinates, its picture with its own boxes and with the random ones.

    The boxes are not numbered.
    """
    chain, image = pair.chain, pair.chain.picture.load()
    right, wrong = (draw_boxes(image, b, numbered=False) for b in (chain.boxes, pair.random))
    return Comparison(pair.id, chain.text, right, wrong)


def picked_by_rule(pairs: Sequence[Pair]) -> list[float | None]:
    """By the rule above, whether the chain's boxes lie better on what it describes.

    Raises:
        GritError: a picture is no drawn scene.
    """
    return [_pick(pair) for pair in pairs]


def _pick(pair: Pair) -> float:
    scene = pair.chain.picture
    if not isinstance(scene, Scene):
        raise GritError(
            f"figure 4: {pair.chain.id}: judge=rules knows what drawn scenes show and no other "
            "pictures; use judge=openai"
        )
    terms = described(pair.chain.contexts)
    own, other = (agreement(boxes, terms, scene) for boxes in (pair.chain.boxes, pair.random))
    return UNDECIDED if own == other else float(own > other)


def agreement(boxes: Sequence[Box], terms: Sequence[Term | None], scene: Scene) -> float:
    """How well each box lies on a thing that its description fits: the mean of the best IoUs."""
    best = [
        max((iou(box, thing) for thing in scene.boxes(term.among(scene))), default=0.0)
        if term is not None
        else 0.0
        for box, term in zip(boxes, terms, strict=True)
    ]
    return sum(best) / len(best)
