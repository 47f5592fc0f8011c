"""A scene: things with exact boxes on a ground, laid out from a seed, drawn when it is needed.

What a scene is decides which split it belongs to (`split_of`), so no scene of a test set is drawn
for training, whatever the seeds. Two scenes may differ in nothing but what cannot be seen, such as
the seed of a plain ground: that their things stand at the same pixels is all but impossible, and
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
    """What random scenes are like: their size in pixels, how many things, and from which domain."""

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
"""The curriculum's first scenes for relations: exactly the two things asked about."""


@dataclass(frozen=True)
class Scene:
    """Things on a ground; a `Picture`. Things are in reading order of columns: by x1, then y1."""

    width: int
    height: int
    ground: Ground
    things: tuple[Thing, ...]
    domain: Domain = field(default=EVERYTHING, compare=False, repr=False)  # what could have been

    @cached_property
    def key(self) -> str:
        """A hash of the content: equal keys mean equal pixels."""
        return blake2b(repr(self).encode(), digest_size=16).hexdigest()

    @property
    def space(self) -> Space:
        """The pixels of this scene as a coordinate space."""
        return Space("original", self.width, self.height)

    def boxes(self, chosen: tuple[int, ...] | None = None) -> tuple[Box, ...]:
        """The exact boxes of the chosen things (by position), or of all."""
        positions = range(len(self.things)) if chosen is None else chosen
        return tuple(Box(*self.things[i].box, self.space) for i in positions)

    def load(self) -> Image.Image:
        """Draws it: RGB, [height, width]."""
        image = self.ground.painted(self.width, self.height)
        for thing in self.things:
            x1, y1, x2, _ = thing.box
            image.paste(COLORS[thing.color], (x1, y1), silhouette(thing.shape, x2 - x1))
        return image


def split_of(scene: Scene) -> str:
    """The one split that may hold this scene: each has a quarter of all scenes, by their keys."""
    return SPLITS[int(scene.key[-1], 16) % len(SPLITS)]


def scene_for(split: str, *parts: object, plan: Plan | None = None) -> Scene:
    """The scene of a split that `parts` name (a seed, an index): the same on every call."""
    if split not in SPLITS:
        raise ValueError(f"no split is called {split!r}: choose from {', '.join(SPLITS)}")
    rng = Random(seed_for("shapes", split, *parts))
    while True:
        scene = random_scene(rng, plan or Plan())
        if split_of(scene) == split:
            return scene


def random_scene(rng: Random, plan: Plan) -> Scene:
    """A scene of any split."""
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
    """Shapes and colours from a random palette: a small one makes things share them."""
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
    return _family(rng, names, alike) + rng.choices(names, k=count - alike)


def _family(rng: Random, names: list[Name], count: int) -> list[Name]:
    """Names that have the shape, the colour or both in common (much to count and to confuse)."""
    shape, color = rng.choice(names)
    common = rng.choice(("shape", "color", "both", "nothing"))
    if common == "both":
        return [(shape, color)] * count
    kin = [
        (s, c)
        for s, c in names
        if (common != "shape" or s == shape) and (common != "color" or c == color)
    ]
    return rng.choices(kin, k=count)


def _layout(rng: Random, plan: Plan, count: int) -> list[tuple[str, Corners]] | None:
    """Sizes and boxes that keep a pixel apart, or None where they do not fit."""
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
    """Somewhere in the scene; half of the time in line with a thing that is already there."""
    last_x, last_y = plan.width - side - 1, plan.height - side - 1
    x, y = rng.randint(1, last_x), rng.randint(1, last_y)
    if placed and rng.random() < 0.5:
        _, (x1, y1, x2, y2) = rng.choice(placed)
        if rng.random() < 0.5:
            x = min(max((x1 + x2 - side) // 2, 1), last_x)
        else:
            y = min(max((y1 + y2 - side) // 2, 1), last_y)
    return x, y, x + side, y + side


def _apart(one: Corners, other: Corners) -> bool:
    # Strict: at least one pixel of ground stays between them.
    return one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
