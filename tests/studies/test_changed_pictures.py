from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grit.data.pictures import ImageFile
from grit.data.samples import Sample
from grit.data.shapes.scenes import Scene
from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import Box, Space
from grit.studies.changed_pictures import (
    CONDITIONS,
    changed_pictures,
    control_overlap,
    masks_nothing,
)
from grit.studies.scene_erasure import pointed_at
from grit.studies.settings import FaithfulnessSettings

SETTINGS = FaithfulnessSettings()


def drawn() -> Sample:
    """A question about two things of a scene with several others."""
    return next(
        sample
        for sample in ShapesSource("vsr", "test", 50)
        if isinstance(sample.picture, Scene)
        and len(sample.picture.things) > 5
        and len(sample.boxes or ()) == 2
    )


def test_things_are_erased_from_a_scene() -> None:
    sample = drawn()
    scene = sample.picture
    assert isinstance(scene, Scene)
    assert sample.boxes is not None
    found = changed_pictures(sample, sample.boxes[:1], SETTINGS, 0, "q")
    assert tuple(found) == CONDITIONS
    counts = {name: [len(each.things) for each in scenes] for name, scenes in found.items()}
    whole = len(scene.things)
    assert counts == {
        "answer_kept": [whole],
        "chain_boxes_masked": [whole - 1],
        "control_masked": [whole - 1] * 3,
        "annotated_boxes_masked": [whole - 2],
    }
    asked = {scene.things[at] for at in pointed_at(scene, sample.boxes)}
    assert all(asked <= set(each.things) for each in found["control_masked"])
    assert not asked & set(found["annotated_boxes_masked"][0].things)
    assert not masks_nothing(found)


def test_controls_depend_on_the_seed_and_nothing_else() -> None:
    sample = drawn()
    boxes = sample.boxes or ()
    first, again = (changed_pictures(sample, boxes, SETTINGS, 0, "q") for _ in range(2))
    assert first == again
    others = [changed_pictures(sample, boxes[:1], SETTINGS, seed, "q") for seed in range(9)]
    assert len({each["control_masked"] for each in others}) > 1
    fewer = changed_pictures(sample, boxes, replace(SETTINGS, draws=1), 0, "q")
    assert fewer["control_masked"] == first["control_masked"][:1]


def test_boxes_that_point_at_nothing_leave_the_scene_as_it_is() -> None:
    sample = replace(drawn(), boxes=None)
    found = changed_pictures(sample, [Box(0, 0, 1, 1, sample.space)], SETTINGS, 0)
    assert masks_nothing(found)
    assert {each.key for each in found["control_masked"]} == {sample.picture.key}
    assert found["annotated_boxes_masked"] == ()  # nothing is annotated
    nothing = replace(sample, boxes=())  # annotated: there is nothing to box
    assert changed_pictures(nothing, [], SETTINGS, 0)["annotated_boxes_masked"] == ()


def test_a_scene_without_enough_others_has_no_control() -> None:
    sample = drawn()
    everything = Box(0, 0, *sample.picture.load().size, sample.space)
    assert changed_pictures(sample, [everything], SETTINGS, 0)["control_masked"] == ()


@pytest.fixture
def photograph(tmp_path: Path) -> Sample:
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    space = Space("original", 80, 60)
    boxes = (Box(40, 0, 80, 20, space),)
    return Sample("p/0", "?", "yes", "p", ImageFile(path, (80, 60)), space, boxes)


def test_pixels_are_masked_in_a_photograph(photograph: Sample) -> None:
    chain = [Box(10, 10, 30, 30, photograph.space)]
    found = changed_pictures(photograph, chain, SETTINGS, 0)
    whole = np.asarray(photograph.picture.load())
    for name, area in (
        ("chain_boxes_masked", 400),
        ("control_masked", 400),
        ("annotated_boxes_masked", 800),
    ):
        for picture in found[name]:
            changed = (np.asarray(picture.load()) != whole).any(-1)
            assert area * 0.97 < changed.sum() <= area  # a pixel may have the mean's colour
            if name == "control_masked":
                assert not changed[10:30, 10:30].any()
                assert not changed[:20, 40:].any()
    assert len({each.key for each in found["control_masked"]}) == 3


def test_the_overlap_of_controls_is_the_share_of_pixels_that_are_pointed_at(
    photograph: Sample,
) -> None:
    def overlap(*corners: float) -> float | None:
        chain = [Box(*corners, photograph.space)]
        return control_overlap(changed_pictures(replace(photograph, boxes=None), chain, once, 0))

    once = replace(SETTINGS, draws=1)
    assert overlap(10, 10, 30, 30) == 0
    assert overlap(10, 10, 70, 50) == pytest.approx(40 * 20 / (60 * 40))  # shifted by (40, 30)
    assert overlap(0, 0, 79, 59) is None  # no control
    chain = [Box(0, 20, 80, 40, photograph.space)]
    everything = replace(photograph, boxes=(Box(0, 0, 80, 30, photograph.space),))
    assert control_overlap(changed_pictures(everything, chain, once, 0)) == 0  # 40 to 60
    most = replace(photograph, boxes=(Box(0, 0, 80, 50, photograph.space),))
    assert control_overlap(changed_pictures(most, chain, once, 0)) == pytest.approx(0.5)
    scene = drawn()
    assert control_overlap(changed_pictures(scene, (scene.boxes or ())[:1], SETTINGS, 0)) is None
