"""Erasing things from a scene made by hand: three things in a row, apart from each other."""

from random import Random

import numpy as np
import pytest

from grit.data.shapes.grounds import Ground
from grit.data.shapes.scenes import EVERYTHING, Scene, scene_for
from grit.data.shapes.things import Thing
from grit.grounding.boxes import Box
from grit.studies.scene_erasure import other_things, pointed_at, without

GROUND = Ground.drawn(Random(0), EVERYTHING.grounds)
THINGS = tuple(
    Thing(shape, color, "large", (x, 30, x + 20, 50))
    for shape, color, x in (("circle", "red", 5), ("star", "blue", 40), ("heart", "green", 70))
)
SCENE = Scene(96, 96, GROUND, THINGS)


def box(*corners: float) -> Box:
    return Box(*corners, SCENE.space)


@pytest.mark.parametrize(
    ("corners", "places"),
    [
        ((5, 30, 25, 50), {0}),  # its very box
        ((5, 30, 25, 41), {0}),  # IoU 0.55
        ((5, 30, 25, 39), set()),  # IoU 0.45, and the centre at y = 40 is outside
        ((14, 39, 16, 41), {0}),  # the centre alone
        ((26, 30, 39, 50), set()),  # between two things
        ((0, 0, 96, 96), {0, 1, 2}),
    ],
)
def test_what_a_box_points_at(corners: tuple[float, ...], places: set[int]) -> None:
    assert pointed_at(SCENE, [box(*corners)]) == places


def test_several_boxes_point_at_what_any_of_them_does() -> None:
    assert pointed_at(SCENE, [box(5, 30, 25, 50), box(70, 30, 90, 50), box(5, 30, 25, 50)]) == {
        0,
        2,
    }
    assert pointed_at(SCENE, []) == frozenset()


def test_a_scene_without_a_thing_is_the_same_elsewhere() -> None:
    before, after = (np.asarray(scene.load()) for scene in (SCENE, without(SCENE, {1})))
    ground = np.asarray(GROUND.painted(96, 96))
    inside = np.zeros((96, 96), dtype=bool)
    inside[30:50, 40:60] = True
    assert (after[~inside] == before[~inside]).all()
    assert (after[inside] == ground[inside]).all()
    assert (after[inside] != before[inside]).any()
    assert without(SCENE, {1}).things == (THINGS[0], THINGS[2])
    assert (np.asarray(without(SCENE, {0, 1, 2}).load()) == ground).all()


def test_other_things_are_as_many_and_none_that_is_pointed_at() -> None:
    scene = next(s for i in range(99) if len((s := scene_for("test", 0, i)).things) > 6)
    streams = [Random(seed) for seed in range(30)]
    drawn = other_things(scene, {0, 1}, {1, 2}, streams)
    assert len(drawn) == 30
    assert all(len(places) == 2 and places.isdisjoint({0, 1, 2}) for places in drawn)
    assert len(set(drawn)) > 1


def test_where_too_few_others_are_there_is_no_control() -> None:
    assert other_things(SCENE, {0, 1}, (), [Random(0)]) == []
    assert other_things(SCENE, {0}, {1, 2}, [Random(0)]) == []
    assert other_things(SCENE, {0}, {1}, [Random(0)] * 2) == [{2}, {2}]
    assert other_things(SCENE, (), {1}, [Random(0)]) == [frozenset()]  # nothing for nothing
