"""The images that rows refer to: which there are, which are missing or damaged."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from grit.core.errors import GritError
from grit.core.files import write_bytes
from grit.data.jsonl import SampleFile
from grit.data.pictures import ImageFile, Size, Unusable
from grit.data.preparation.paper import Origin, PaperFile
from grit.data.preparation.pictures import file_size, picture_size

log = logging.getLogger(__name__)
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Wanted:
    """An image that a row refers to."""

    set: str  # the name of its file of annotations
    folder: Path
    name: str  # below the folder, as the row has it
    origin: Origin
    size: Size | None  # that the row states
    question: str  # of the first row

    @property
    def path(self) -> Path:
        """Where it belongs."""
        return self.folder / self.name


def referenced(file: PaperFile, root: Path, read: SampleFile) -> list[Wanted]:
    """The images of a file's rows, each once."""
    folder = root / file.images
    images: dict[str, Wanted] = {}
    for sample in read.samples:
        assert isinstance(sample.picture, ImageFile)  # rows of files have image files
        name = sample.picture.path.relative_to(folder).as_posix()
        size = int(sample.space.width), int(sample.space.height)
        images.setdefault(name, Wanted(file.file, folder, name, file.origin, size, sample.question))
    return list(images.values())


def not_usable(
    images: Sequence[Wanted], workers: int, *, progress: bool
) -> list[tuple[Wanted, str]]:
    """The images that are missing or damaged, with the reason."""
    reasons = _in_parallel(_fault, images, workers, "checking images", progress)
    return [(image, reason) for image, reason in zip(images, reasons, strict=True) if reason]


def fetched(
    fetch: Callable[[Wanted], bytes],
    images: Sequence[Wanted],
    workers: int,
    *,
    progress: bool,
) -> list[tuple[Wanted, str]]:
    """Get images one by one, several at a time; those that could not be had, with the reason.

    Args:
        fetch: gives an image's content, or raises Unusable.
        images: what to get.
        workers: how many at a time.
        progress: whether to show a bar.
    """

    def attempt(image: Wanted) -> str | None:
        try:
            put(image, fetch(image))
        except Unusable as error:
            return str(error)
        return None

    reasons = _in_parallel(attempt, images, workers, "downloading images", progress)
    return [(image, reason) for image, reason in zip(images, reasons, strict=True) if reason]


def put(image: Wanted, content: bytes) -> None:
    """Write an image to its place, after a look at it.

    Raises:
        Unusable: it is damaged, or not of the size that its row states.
        GritError: it cannot be written.
    """
    picture_size(content, image.size)
    try:
        write_bytes(image.path, content)
    except OSError as error:
        raise GritError(f"{image.path}: cannot be written: {error.strerror}") from error


def _fault(image: Wanted) -> str | None:
    if not image.path.is_file():
        return "missing"
    try:
        file_size(image.path, image.size)
    except Unusable as error:
        return f"damaged: {error}"
    return None


def _in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, name: str, progress: bool
) -> list[Result]:
    """``work`` of every item, in their order; what is not begun ends with the first error."""
    pool = ThreadPoolExecutor(workers)
    try:
        done: Iterator[Result] = pool.map(work, items)
        bar: Iterable[Result] = tqdm(
            done,
            desc=name,
            total=len(items),
            unit="image",
            disable=None if progress and items else True,  # None: only on a terminal
        )
        return list(bar)
    finally:
        pool.shutdown(cancel_futures=True)
