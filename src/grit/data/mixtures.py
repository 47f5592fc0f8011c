"""A data set mixed from sources: how many rows of each, and which, from a seed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, TypeVar

from grit.core.errors import GritError
from grit.core.seeding import seed_for
from grit.data.samples import Picture, Sample
from grit.data.shapes.scenes import Scene

Item = TypeVar("Item")


def mix(
    sources: Mapping[str, Sequence[Sample]],
    sizes: Mapping[str, int | None],
    seed: int,
    *,
    balanced: Mapping[str, Sequence[int]] | None = None,
    total: int | None = None,
) -> list[Sample]:
    """``sizes[name]`` samples of every source (None: all), the sources one after another.

    Samples are ranked by a hash of seed and id, so a choice depends on nothing else in the file,
    and with one seed a smaller mixture is a part of a larger one. ``balanced[name]``, counts such
    as ``(0, 1, 2, 3, 4)``, takes a counting source's answers evenly as far as they reach; rows
    with other answers come last. With ``total``, sizes are what a source gives at most, and the
    last source makes up what the others lack. Raises GritError where a source has too few samples,
    where ids repeat, and for an empty mixture.
    """
    balanced = balanced or {}
    for name in {*sizes, *balanced} - set(sources):
        raise GritError(f'data: the mixture names "{name}", but its sources are {_listed(sources)}')
    mixture: list[Sample] = []
    for name, samples in sources.items():
        if name not in sizes:
            raise GritError(f'data: the mixture has no size for its source "{name}"')
        ranked = sorted(samples, key=lambda sample: (seed_for(seed, sample.id), sample.id))
        if name in balanced:
            ranked = in_turn(ranked, balanced[name], lambda sample: sample.answer)
        size = sizes[name]
        if total is not None:
            is_last = name == list(sources)[-1]
            size = total - len(mixture) if is_last else min(size or len(ranked), len(ranked))
        mixture += ranked[: _wanted(name, size, len(ranked))]
    if not mixture:
        raise GritError("data: the mixture is empty: no source has a row whose image is there")
    _check_ids(mixture)
    return mixture


def drawn_rows(mixture: Sequence[Sample], seed: int) -> dict[str, Any]:
    """For JSON: which rows were drawn, and how often each count is an answer of counting data."""
    counts = Counter(sample.answer.strip() for sample in mixture if sample.dataset == "tallyqa")
    return {
        "rows": len(mixture),
        "seed": seed,
        "counts": {count: counts[count] for count in sorted(counts, key=lambda c: (len(c), c))},
        "ids": [sample.id for sample in mixture],
    }


def shared_pictures(train: Sequence[Sample], test: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pairs (training sample, test sample) of equal pictures, one pair for every such test sample.

    Only test pictures of the size of some training picture are read. Scenes are equal where their
    pixels are: grounds that differ in nothing one can see have keys of their own.
    """
    sizes = {sample.space for sample in train}
    alike = [sample for sample in test if sample.space in sizes]
    if not alike:
        return []
    candidates: dict[object, list[Sample]] = {}
    for sample in train:
        candidates.setdefault(_trait(sample.picture), []).append(sample)
    pairs = []
    for tested in alike:
        found = candidates.get(_trait(tested.picture), ())
        pairs += [(one, tested) for one in found if _equal(one.picture, tested.picture)][:1]
    return pairs


def _trait(picture: Picture) -> object:
    """What equal pictures have in common, found without drawing them."""
    return picture.things if isinstance(picture, Scene) else picture.key


def _equal(one: Picture, other: Picture) -> bool:
    return one.key == other.key or one.load().tobytes() == other.load().tobytes()


def _wanted(name: str, size: int | None, available: int) -> int:
    if size is None:
        return available
    if size < 0:
        raise GritError(f'data: source "{name}": expected a size of at least 0, found {size}')
    if size > available:
        raise GritError(
            f'data: source "{name}" has {available} rows whose image is there, but {size} are '
            "needed: add rows or images, or lower the size"
        )
    return size


def in_turn(
    ranked: Sequence[Item], counts: Sequence[int], answer: Callable[[Item], str]
) -> list[Item]:
    """``ranked`` reordered so that its beginning has the answers ``counts`` in turn."""
    groups: dict[str, list[Item]] = {str(count): [] for count in counts}
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


def _listed(sources: Mapping[str, object]) -> str:
    return ", ".join(f'"{name}"' for name in sources) or "none"
