"""Whether the boxes of a chain show what the words beside them name.

A drawn scene is needed, whose things and their boxes are known. What a box shows is the thing with
the largest IoU with it, if that is at least 0.5; what the words beside it name is read by the rule
that also judges figure 4 on drawn scenes (``data/shapes/descriptions.py``).
"""

from statistics import fmean

from grit.data.shapes.descriptions import described
from grit.data.shapes.scenes import Scene
from grit.data.shapes.things import Thing
from grit.grounding.boxes import Box, Space, iou
from grit.grounding.traces import before_answer, boxes_in, contexts_in

SHOWN_FROM = 0.5  # the IoU from which a box shows a thing


def named_boxes(completion: str, box_space: Space, scene: Scene) -> float | None:
    """The share of a chain's labelled boxes that show a thing which their label describes, 0 to 1.

    A label is a shape, a colour or both ("red circle", "red things", "object"). A box that is said
    several times counts each time, one without area or on no thing as wrong.

    Args:
        completion: of a model; the chain is everything before the answer.
        box_space: the space of its boxes.
        scene: that it is about.

    Returns:
        The share; None for a chain without a labelled box.
    """
    chain = before_answer(completion)
    boxes = [Box(*corners, box_space).to(scene.space).tidied() for corners in boxes_in(chain)]
    things = [None if box is None else thing_shown(box, scene) for box in boxes]
    right = [
        float(thing is not None and term.matches(thing))
        for term, thing in zip(described(contexts_in(chain)), things, strict=True)
        if term is not None
    ]
    return fmean(right) if right else None


def thing_shown(box: Box, scene: Scene) -> Thing | None:
    """The thing with the largest IoU with a tidied box in pixels of the scene; None below 0.5."""
    ious = [iou(box, thing) for thing in scene.boxes()]
    best = max(range(len(ious)), key=ious.__getitem__)
    return scene.things[best] if ious[best] >= SHOWN_FROM else None
