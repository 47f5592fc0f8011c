"""Mixing a data set from several sources: how many rows of each, and which, by a seed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, TypeVar

from grit.core.errors import GritError
from grit.core.seeding import seed_for
from grit.data.samples import Picture, Sample
from grit.data.settings import DataSettings
from grit.data.shapes.scenes import Scene

Item = TypeVar("Item")
COUNTS = (0, 1, 2, 3, 4)  # the answers that the paper trains on, equally often


def mix(sources: Mapping[str, Sequence[Sample]], data: DataSettings) -> list[Sample]:
    """Take ``data.sources[name].rows`` samples of every source, one source after another.

    Samples are ranked by a hash of seed and id. Whether one is taken therefore does not depend on
    the other rows of its file, and a smaller mixture is a part of a larger one.

    Of counting sources that are to be balanced, `COUNTS` are taken in turn as answers, and rows
    with other answers come last. With a total the rows of sources are maxima, and the last source,
    whose rows are not looked at, makes up what the others lack.

    Args:
        sources: the samples of each of ``data.sources``.
        data: how many samples are taken of each, and by which seed they are ranked.

    Raises:
        GritError: a source has too few samples, an id occurs twice, or the mixture is empty.
    """
    mixture: list[Sample] = []
    for name, samples in sources.items():
        ranked = sorted(samples, key=lambda sample: (seed_for(data.seed, sample.id), sample.id))
        if data.sources[name].balance_counts:
            ranked = in_turn(ranked, lambda sample: sample.answer)
        size, setting = data.sources[name].rows, f"data.sources.{name}.rows"
        if data.total is not None and name == list(sources)[-1]:
            size, setting = _remainder(data.total, len(mixture), list(sources)), "data.total"
        elif data.total is not None:
            size = min(size or len(ranked), len(ranked))
        mixture += ranked[: _wanted(name, size, len(ranked), setting)]
    if not mixture:
        raise GritError("data: the mixture is empty: no source has a row whose image is there")
    _check_ids(mixture)
    return mixture


def drawn_rows(mixture: Sequence[Sample], seed: int, counting: Sequence[str]) -> dict[str, Any]:
    """The ids of a mixture, and how often each answer is one of the ``counting`` data, as JSON."""
    counts = Counter(sample.answer.strip() for sample in mixture if sample.dataset in counting)
    return {
        "rows": len(mixture),
        "seed": seed,
        "counts": {count: counts[count] for count in sorted(counts, key=lambda c: (len(c), c))},
        "ids": [sample.id for sample in mixture],
    }


def shared_pictures(train: Sequence[Sample], test: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pairs (training sample, test sample) with equal pictures, one for every such test sample.

    Only test pictures of the size of a training picture are read. Scenes are compared by their
    pixels: their keys also differ if only the invisible seed of a background does.
    """
    sizes = {sample.space for sample in train}
    same_size = [sample for sample in test if sample.space in sizes]
    if not same_size:
        return []
    candidates: dict[object, list[Sample]] = {}
    for sample in train:
        candidates.setdefault(_coarse_key(sample.picture), []).append(sample)
    pairs = []
    for test_sample in same_size:
        picture = test_sample.picture
        for sample in candidates.get(_coarse_key(picture), ()):
            if _equal(sample.picture, picture):
                pairs.append((sample, test_sample))
                break
    return pairs


def _coarse_key(picture: Picture) -> object:
    """A key that equal pictures share; computed without drawing scenes."""
    return picture.things if isinstance(picture, Scene) else picture.key


def _equal(first: Picture, second: Picture) -> bool:
    return first.key == second.key or first.load().tobytes() == second.load().tobytes()


def _remainder(total: int, taken: int, sources: Sequence[str]) -> int:
    """The rows that the last of the sources has to give."""
    if taken > total:
        rows = " and ".join(f"data.sources.{name}.rows" for name in sources[:-1])
        raise GritError(
            f'data: data.total={total}, but the sources before "{sources[-1]}" give {taken} rows: '
            f"raise data.total to at least {taken}, or lower {rows}"
        )
    return total - taken


def _wanted(name: str, size: int | None, available: int, setting: str) -> int:
    if size is None:
        return available
    if size < 0:
        raise GritError(f'data: source "{name}": expected a size of at least 0, found {size}')
    if size > available:
        raise GritError(
            f'data: source "{name}" has {available} rows whose image is there, but {size} are '
            f"needed: add rows or images, or lower {setting}"
        )
    return size


def in_turn(ranked: Sequence[Item], answer: Callable[[Item], str]) -> list[Item]:
    """``ranked`` reordered so that it begins with items whose answers are `COUNTS` in turn."""
    groups: dict[str, list[Item]] = {str(count): [] for count in COUNTS}
    others: list[Item] = []
    for item in ranked:
        groups.get(answer(item).strip(), others).append(item)
    rounds = chain.from_iterable(zip_longest(*groups.values(), fillvalue=None))
    return [item for item in rounds if item is not None] + others


def _check_ids(mixture: Sequence[Sample]) -> None:
    seen: set[str] = set()
    for sample in mixture:
        if sample.id in seen:
            raise GritError(f'data: two samples of the mixture have the id "{sample.id}"')
        seen.add(sample.id)
