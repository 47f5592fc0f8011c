"""Taking things away from a drawn scene: it is drawn again without them, on the same ground.

Nothing is painted over, so that what is left is a scene as any other, with fewer things.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from random import Random

from grit.data.shapes.scenes import Scene
from grit.grounding.boxes import Box, iou

LEAST_IOU = 0.5


def pointed_at(scene: Scene, boxes: Iterable[Box]) -> frozenset[int]:
    """The places of the things that a box points at.

    It does if its IoU with the thing's box is at least 0.5, or if it holds the thing's centre: a
    box around several things points at all of them.

    Args:
        scene: a drawn scene.
        boxes: tidied, in pixels of the scene.
    """
    boxes = list(boxes)
    return frozenset(
        place
        for place, thing in enumerate(scene.boxes())
        if any(iou(box, thing) >= LEAST_IOU or _holds_centre(box, thing) for box in boxes)
    )


def _holds_centre(box: Box, thing: Box) -> bool:
    x, y = (thing.x1 + thing.x2) / 2, (thing.y1 + thing.y2) / 2
    return box.x1 <= x <= box.x2 and box.y1 <= y <= box.y2


def without(scene: Scene, places: Collection[int]) -> Scene:
    """The scene without the things at these places; the ground and the other things stay."""
    things = (thing for place, thing in enumerate(scene.things) if place not in places)
    return replace(scene, things=tuple(things))


def other_things(
    scene: Scene, chain: Collection[int], annotated: Collection[int], draws: Sequence[Random]
) -> list[frozenset[int]]:
    """For each draw as many things as the chain points at, of those that nothing points at.

    Args:
        scene: a drawn scene.
        chain: the places of the things that the chain points at.
        annotated: of those that the annotation points at.
        draws: a stream of random numbers for each.

    Returns:
        The places of what is to be taken away; empty where there are too few other things.
    """
    others = [at for at in range(len(scene.things)) if at not in chain and at not in annotated]
    if len(others) < len(chain):
        return []
    return [frozenset(random.sample(others, len(chain))) for random in draws]
