"""Scenes: things with exact boxes on a background, laid out at random from a seed.

The split of a scene follows from its content (`split_of`), so that no seed makes a scene of a test
set appear in training. Scenes whose fields differ may still look the same (the seed of a plain
background is invisible): that two of them have all things at the same pixels is very unlikely, and
runs compare pixels (`mixtures.shared_pictures`).
"""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from random import Random

from PIL import Image

from grit.core.seeding import seed_for
from grit.data.shapes.grounds import GROUNDS, Ground
from grit.data.shapes.things import COLORS, SHAPES, SIZES, Corners, Thing, silhouette
from grit.grounding.boxes import Box, Space

SPLITS = ("train", "dev", "test", "pretrain")

Name = tuple[str, str]
"""A shape and a colour."""


@dataclass(frozen=True)
class Domain:
    """Which shape-colour combinations and grounds may occur."""

    names: tuple[Name, ...]
    grounds: tuple[str, ...]


_ALL = tuple((shape, color) for shape in SHAPES for color in COLORS)
# A quarter of the combinations, two of each shape and of each colour.
_RESERVED = {
    (shape, list(COLORS)[(i + shift) % 8]) for i, shape in enumerate(SHAPES) for shift in (0, 3)
}
EVERYTHING = Domain(_ALL, GROUNDS)
IN_DOMAIN = Domain(tuple(n for n in _ALL if n not in _RESERVED), ("plain", "gradient", "stripes"))
OUT_OF_DOMAIN = Domain(_ALL, ("dots", "noise"))


@dataclass(frozen=True)
class Plan:
    """The distribution of random scenes: size in pixels, number of things, domain."""

    min_things: int = 1
    max_things: int = 9
    distinct: bool = False  # no two things share both shape and colour
    width: int = 96
    height: int = 96
    domain: Domain = EVERYTHING

    def __post_init__(self) -> None:
        if not 1 <= self.min_things <= self.max_things <= 9:
            raise ValueError(f"a scene holds 1-9 things, not {self.min_things}-{self.max_things}")
        if min(self.width, self.height) < 64:
            raise ValueError(f"a scene is at least 64 pixels wide and high, not {self.width}")


TWO_THINGS = Plan(min_things=2, max_things=2, distinct=True)
"""The first scenes of the curriculum for relations: they have just the two things in question."""


@dataclass(frozen=True)
class Scene:
    """Things on a background; implements `samples.Picture`. Things are sorted by x1, then y1.

    Its key, and with it its split, is a hash of its `repr`: renaming the class, a field, or those
    of `Thing` and `Ground`, draws all data sets anew.
    """

    width: int
    height: int
    ground: Ground
    things: tuple[Thing, ...]
    domain: Domain = field(default=EVERYTHING, compare=False, repr=False)  # it was drawn from

    @cached_property
    def key(self) -> str:
        """A hash of the content: equal keys mean equal pixels."""
        return blake2b(repr(self).encode(), digest_size=16).hexdigest()

    @property
    def space(self) -> Space:
        """The pixels of this scene as a coordinate space."""
        return Space("original", self.width, self.height)

    def boxes(self, chosen: tuple[int, ...] | None = None) -> tuple[Box, ...]:
        """The exact boxes of the things at these positions, or of all."""
        positions = range(len(self.things)) if chosen is None else chosen
        return tuple(Box(*self.things[i].box, self.space) for i in positions)

    def load(self) -> Image.Image:
        """Draw the scene: an RGB image."""
        image = self.ground.painted(self.width, self.height)
        for thing in self.things:
            x1, y1, x2, _ = thing.box
            image.paste(COLORS[thing.color], (x1, y1), silhouette(thing.shape, x2 - x1))
        return image


def split_of(scene: Scene) -> str:
    """The split that this scene belongs to; each has a quarter of all scenes."""
    return SPLITS[int(scene.key[-1], 16) % len(SPLITS)]


def scene_for(split: str, *parts: object, plan: Plan | None = None) -> Scene:
    """The scene of a split that is seeded by `parts` (a seed, an index): the same on every call."""
    if split not in SPLITS:
        raise ValueError(f"no split is called {split!r}: choose from {', '.join(SPLITS)}")
    rng = Random(seed_for("shapes", split, *parts))
    while True:
        scene = random_scene(rng, plan or Plan())
        if split_of(scene) == split:
            return scene


def random_scene(rng: Random, plan: Plan) -> Scene:
    """A random scene, of whichever split."""
    while True:
        names = _names(rng, plan)
        boxes = _layout(rng, plan, count=len(names))
        if boxes is not None:
            break
    things = (Thing(s, c, z, box) for (s, c), (z, box) in zip(names, boxes, strict=True))
    ordered = tuple(sorted(things, key=lambda thing: thing.box))
    ground = Ground.drawn(rng, plan.domain.grounds)
    return Scene(plan.width, plan.height, ground, ordered, plan.domain)


def _names(rng: Random, plan: Plan) -> list[Name]:
    """Shape and colour of each thing, from a random palette: a small one makes things alike."""
    count = rng.randint(plan.min_things, plan.max_things)
    while True:
        shapes = set(rng.sample(SHAPES, rng.randint(2, len(SHAPES))))
        colors = set(rng.sample(list(COLORS), rng.randint(2, len(COLORS))))
        names = [(s, c) for s, c in plan.domain.names if s in shapes and c in colors]
        if len(names) >= (count if plan.distinct else 1):
            break
    if plan.distinct:
        return rng.sample(names, count)
    alike = rng.randint(2, count) if count > 1 else 0
    return _alike(rng, names, alike) + rng.choices(names, k=count - alike)


def _alike(rng: Random, names: list[Name], count: int) -> list[Name]:
    """Names that share the shape, the colour, both or nothing: things to count and to confuse."""
    shape, color = rng.choice(names)
    common = rng.choice(("shape", "color", "both", "nothing"))
    if common == "both":
        return [(shape, color)] * count
    fitting = [
        (s, c)
        for s, c in names
        if (common != "shape" or s == shape) and (common != "color" or c == color)
    ]
    return rng.choices(fitting, k=count)


def _layout(rng: Random, plan: Plan, count: int) -> list[tuple[str, Corners]] | None:
    """Sizes and boxes at least a pixel apart; None if no place is found for one of them."""
    scale = min(plan.width, plan.height) / 96
    placed: list[tuple[str, Corners]] = []
    for _ in range(count):
        size = rng.choice(tuple(SIZES))
        for attempt in range(40):
            if attempt == 20:
                size = "small"
            side = round(rng.randint(*SIZES[size]) * scale)
            box = _place(rng, plan, side, placed)
            if all(_apart(box, other) for _, other in placed):
                placed.append((size, box))
                break
        else:
            return None
    return placed


def _place(rng: Random, plan: Plan, side: int, placed: list[tuple[str, Corners]]) -> Corners:
    """A random place in the scene; half of the time aligned with a thing that is placed already."""
    last_x, last_y = plan.width - side - 1, plan.height - side - 1
    x, y = rng.randint(1, last_x), rng.randint(1, last_y)
    if placed and rng.random() < 0.5:
        _, (x1, y1, x2, y2) = rng.choice(placed)
        if rng.random() < 0.5:
            x = min(max((x1 + x2 - side) // 2, 1), last_x)
        else:
            y = min(max((y1 + y2 - side) // 2, 1), last_y)
    return x, y, x + side, y + side


def _apart(a: Corners, b: Corners) -> bool:
    """Whether at least one pixel of background is between two boxes."""
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
