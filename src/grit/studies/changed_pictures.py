"""A question's picture as it is, and with something taken away.

- ``answer_kept``: the picture as it is, to which the others are compared;
- ``chain_boxes_masked``: without what lies inside the boxes of the chain;
- ``control_masked``: without as much that neither the chain nor the annotation points at, several
  times, drawn at random;
- ``annotated_boxes_masked``: without what lies inside the annotated boxes.

From a drawn scene things are erased, by ``scene_erasure``; in photographs pixels are masked, by
``pixel_masks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from grit.core.seeding import seed_for
from grit.data.samples import Picture, Sample
from grit.data.shapes.scenes import Scene
from grit.grounding.boxes import Box
from grit.studies.pixel_masks import MaskedPicture, control_shifts, mask_of, shifted
from grit.studies.scene_erasure import other_things, pointed_at, without
from grit.studies.settings import FaithfulnessSettings

MASKED = ("chain_boxes_masked", "control_masked", "annotated_boxes_masked")
CONDITIONS = ("answer_kept", *MASKED)

Pictures = Mapping[str, tuple[Picture, ...]]
"""The pictures of each of CONDITIONS, several of the control; none where it does not exist."""


def changed_pictures(
    sample: Sample, chain: Sequence[Box], settings: FaithfulnessSettings, *seed: object
) -> Pictures:
    """The pictures of a question by ``CONDITIONS``.

    A question has no ``control_masked`` where too little else is there (see ``other_things`` and
    ``control_shifts``), and no ``annotated_boxes_masked`` where nothing is annotated.

    Args:
        sample: the question, with its picture and annotated boxes.
        chain: the boxes of the model's chain, tidied, in pixels of the original image.
        settings: how many controls are drawn, and what photographs show instead.
        seed: of the controls; with the question's own parts.
    """
    tidied = (box.tidied() for box in sample.boxes or ())
    annotated = tuple(box for box in tidied if box is not None)
    if isinstance(sample.picture, Scene):
        changed = _erased(sample.picture, chain, annotated, settings.draws, seed)
    else:
        changed = _masked(sample, tuple(chain), annotated, settings, seed)
    return {"answer_kept": (sample.picture,), **changed}


def masks_nothing(pictures: Pictures) -> bool:
    """Whether the picture without what the chain points at is the picture itself."""
    (whole,), (masked,) = pictures["answer_kept"], pictures["chain_boxes_masked"]
    return whole.key == masked.key


def control_overlap(pictures: Pictures) -> float | None:
    """The mean share of a control's pixels that the chain or the annotation points at.

    None where pixels are not what is taken away, or without a control.
    """
    chain, *others = pictures["chain_boxes_masked"] + pictures["annotated_boxes_masked"]
    controls = [each for each in pictures["control_masked"] if isinstance(each, MaskedPicture)]
    if not isinstance(chain, MaskedPicture) or not controls:
        return None
    pointed = [box for each in others if isinstance(each, MaskedPicture) for box in each.boxes]
    space = chain.boxes[0].space
    size = int(space.width), int(space.height)
    mask, avoided = mask_of(chain.boxes, *size), mask_of([*chain.boxes, *pointed], *size)
    covered = [(shifted(mask, each.shift) & avoided).sum() for each in controls]
    return float(np.mean(covered) / mask.sum())


def _erased(
    scene: Scene,
    chain: Sequence[Box],
    annotated: Sequence[Box],
    draws: int,
    seed: Sequence[object],
) -> Pictures:
    of_chain, of_annotation = (pointed_at(scene, boxes) for boxes in (chain, annotated))
    streams = [Random(seed_for(*seed, draw)) for draw in range(draws)]
    controls = other_things(scene, of_chain, of_annotation, streams)
    return {
        "chain_boxes_masked": (without(scene, of_chain),),
        "control_masked": tuple(without(scene, places) for places in controls),
        "annotated_boxes_masked": (without(scene, of_annotation),) if annotated else (),
    }


def _masked(
    sample: Sample,
    chain: tuple[Box, ...],
    annotated: tuple[Box, ...],
    settings: FaithfulnessSettings,
    seed: Sequence[object],
) -> Pictures:
    size = int(sample.space.width), int(sample.space.height)
    masked = MaskedPicture(sample.picture, chain, settings.mask)
    shifts = control_shifts(
        mask_of(chain, *size),
        mask_of((*chain, *annotated), *size),
        settings.draws,
        np.random.default_rng(seed_for(*seed)),
    )
    return {
        "chain_boxes_masked": (masked,),
        "control_masked": tuple(replace(masked, shift=shift) for shift in shifts),
        "annotated_boxes_masked": (replace(masked, boxes=annotated),) if annotated else (),
    }
