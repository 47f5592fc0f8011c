"""Scenes: boxes against pixels, splits, domains, determinism."""

from itertools import combinations, product
from random import Random

import numpy as np
import pytest

from grit.data.shapes.grounds import GROUNDS, TINTS, Ground
from grit.data.shapes.scenes import (
    IN_DOMAIN,
    OUT_OF_DOMAIN,
    SPLITS,
    TWO_THINGS,
    Plan,
    Scene,
    random_scene,
    scene_for,
    split_of,
)
from grit.data.shapes.things import COLORS, SHAPES, SIZES, Thing, silhouette


def changed_pixels(scene: Scene) -> np.ndarray:
    """[height, width]: where the scene differs from its empty ground."""
    empty = np.asarray(scene.ground.painted(scene.width, scene.height))
    return (np.asarray(scene.load()) != empty).any(axis=2)


def assert_tight(scene: Scene) -> None:
    changed = changed_pixels(scene)
    for thing in scene.things:
        x1, y1, x2, y2 = thing.box
        rows, columns = np.nonzero(changed[y1:y2, x1:x2])
        assert (columns.min(), rows.min()) == (0, 0), thing
        assert (columns.max() + 1, rows.max() + 1) == (x2 - x1, y2 - y1), thing
        changed[y1:y2, x1:x2] = False
    assert not changed.any()


@pytest.mark.parametrize("plan", [Plan(), Plan(width=160, height=120), Plan(width=64, height=200)])
def test_boxes_are_tight_around_the_drawn_pixels_and_apart(plan: Plan) -> None:
    rng = Random(0)
    for _ in range(150):
        scene = random_scene(rng, plan)
        image = scene.load()
        assert (image.mode, image.size) == ("RGB", (plan.width, plan.height))
        assert_tight(scene)
        for one, other in combinations(scene.things, 2):
            (a1, b1, a2, b2), (c1, d1, c2, d2) = one.box, other.box
            assert a2 < c1 or c2 < a1 or b2 < d1 or d2 < b1, "boxes touch"


@pytest.mark.parametrize(("shape", "side"), [*product(SHAPES, (11, 13, 19, 24))])
def test_every_thing_shows_on_every_ground(shape: str, side: int) -> None:
    for color, texture, tint in product(COLORS, GROUNDS, TINTS):
        ground = Ground(texture, tint, TINTS[0], 77)
        assert_tight(
            Scene(40, 40, ground, (Thing(shape, color, "large", (9, 7, 9 + side, 7 + side)),))
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_silhouettes_visibly_touch_all_sides(shape: str) -> None:
    """A quarter of a pixel at least, so that the box is what a person would draw."""
    for side in range(8, 60):
        cover = np.asarray(silhouette(shape, side))
        assert cover.shape == (side, side)
        assert min(edge.max() for edge in (cover[0], cover[-1], cover[:, 0], cover[:, -1])) >= 64


def test_shapes_differ_even_when_small() -> None:
    """The two most alike silhouettes still differ in a tenth of their pixels."""
    masks = [np.asarray(silhouette(shape, 11), np.float32) / 255 for shape in SHAPES]
    assert min(np.abs(one - other).mean() for one, other in combinations(masks, 2)) > 0.1


def test_colors_differ_from_each_other_and_from_grounds() -> None:
    every = [np.array(color, float) for color in COLORS.values()]
    assert min(np.linalg.norm(one - other) for one, other in combinations(every, 2)) > 80
    tints = [np.array(tint, float) for tint in TINTS]
    assert min(np.linalg.norm(one - other) for one, other in product(every, tints)) > 80


def test_sizes_do_not_overlap() -> None:
    for scene in (scene_for("dev", 3, i) for i in range(100)):
        for thing in scene.things:
            first, last = SIZES[thing.size]
            assert first <= thing.box[2] - thing.box[0] <= last
    assert SIZES["large"][0] > SIZES["small"][1] * 1.4


def test_equal_keys_mean_equal_pixels() -> None:
    scenes = [scene_for("pretrain", 0, i) for i in range(200)]
    again = [scene_for("pretrain", 0, i) for i in range(200)]
    assert scenes == again
    assert [scene.key for scene in scenes] == [scene.key for scene in again]
    assert len({scene.key for scene in scenes}) == len({s.load().tobytes() for s in scenes}) == 200
    assert scenes[7].load().tobytes() == again[7].load().tobytes()


def test_a_scene_belongs_to_one_split_by_its_content() -> None:
    keys = {}
    for split in SPLITS:
        scenes = [scene_for(split, seed, i) for seed in range(3) for i in range(100)]
        assert {split_of(scene) for scene in scenes} == {split}
        keys[split] = {scene.key for scene in scenes}
    assert all(not keys[one] & keys[other] for one, other in combinations(SPLITS, 2))


def test_plans_bound_the_number_of_things() -> None:
    counts = [len(scene_for("pretrain", 1, i).things) for i in range(600)]
    assert set(counts) == set(range(1, 10))
    plan = Plan(min_things=2, max_things=3)
    assert {len(scene_for("pretrain", 1, i, plan=plan).things) for i in range(50)} == {2, 3}
    for i in range(100):
        one, other = scene_for("pretrain", 1, i, plan=TWO_THINGS).things
        assert one.name != other.name


def test_every_combination_and_ground_of_a_domain_occurs_and_no_other() -> None:
    for domain, reserved in ((IN_DOMAIN, 16), (OUT_OF_DOMAIN, 0)):
        assert len(domain.names) == 64 - reserved
        assert {s for s, _ in domain.names} == set(SHAPES)
        assert {c for _, c in domain.names} == set(COLORS)
        scenes = [scene_for("test", i, plan=Plan(domain=domain)) for i in range(700)]
        names = {(thing.shape, thing.color) for scene in scenes for thing in scene.things}
        assert names == set(domain.names)
        assert {scene.ground.texture for scene in scenes} == set(domain.grounds)
    assert not set(IN_DOMAIN.grounds) & set(OUT_OF_DOMAIN.grounds)


def test_impossible_plans_and_splits_are_refused() -> None:
    with pytest.raises(ValueError, match="1-9 things"):
        Plan(min_things=0)
    with pytest.raises(ValueError, match="1-9 things"):
        Plan(min_things=5, max_things=4)
    with pytest.raises(ValueError, match="64 pixels"):
        Plan(width=32)
    with pytest.raises(ValueError, match="no split is called 'val'"):
        scene_for("val", 0)
