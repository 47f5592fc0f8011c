"""The images that rows refer to: listing, checking, downloading and storing them."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from grit.core.errors import GritError
from grit.core.files import write_bytes
from grit.data.jsonl import SampleFile
from grit.data.pictures import ImageFile, OtherSize, Size, Unusable, decode, opened
from grit.data.preparation.paper import Origin, PaperFile

LARGEST_IMAGE = 64 * 2**20  # bytes of a file


@dataclass(frozen=True)
class Wanted:
    """An image that a row refers to."""

    set: str  # the name of its file of annotations
    folder: Path
    name: str  # below the folder, as the row has it
    origin: Origin
    size: Size | None  # that the row states
    question: str  # of the first row that refers to it

    @property
    def path(self) -> Path:
        """Where it has to be."""
        return self.folder / self.name

    @property
    def photograph(self) -> str:
        """What the file of COCO numbers calls it."""
        return f"{self.folder.name}/{self.name}"


Failures = list[tuple[Wanted, str]]
"""Images that are not usable, with the reasons."""


def referenced(file: PaperFile, root: Path, read: SampleFile) -> list[Wanted]:
    """The images that a file's rows refer to, without repetition."""
    folder = root / file.images
    images: dict[str, Wanted] = {}
    for sample in read.samples:
        assert isinstance(sample.picture, ImageFile)  # rows of files have image files
        name = sample.picture.path.relative_to(folder).as_posix()
        size = int(sample.space.width), int(sample.space.height)
        images.setdefault(name, Wanted(file.file, folder, name, file.origin, size, sample.question))
    return list(images.values())


def not_usable(images: Sequence[Wanted], workers: int, *, progress: bool) -> Failures:
    """The images that are missing or damaged, with the reasons."""
    return _failures(_problem, images, workers, "checking images", progress)


def download_images(
    download: Callable[[Wanted], bytes], images: Sequence[Wanted], workers: int, *, progress: bool
) -> Failures:
    """Download images and store them; returns the failures.

    Args:
        download: returns an image's content, or raises Unusable.
        images: to download.
        workers: how many at a time.
        progress: whether to show a progress bar.
    """

    def attempt(image: Wanted) -> str | None:
        try:
            store(image, download(image))
        except Unusable as error:
            return str(error)
        return None

    return _failures(attempt, images, workers, "downloading images", progress)


def store(image: Wanted, content: bytes) -> None:
    """Check the content of an image and write it to its place.

    Raises:
        Unusable: it is damaged, or not of the size that its row states.
        GritError: it cannot be written.
    """
    picture_size(content, image.size)
    try:
        write_bytes(image.path, content)
    except OSError as error:
        raise GritError(f"{image.path}: cannot be written: {error.strerror}") from error


def picture_size(content: bytes, expected: Size | None = None) -> Size:
    """The size of an image, which is decoded to check it.

    Raises:
        Unusable: it is not an image, is damaged, or does not have the ``expected`` size.
    """
    try:
        with opened(io.BytesIO(content), expected) as image:
            size = image.size
            decode(image)
    except OtherSize as error:
        assert expected is not None
        raise Unusable(
            f"{_size_text(error.size)} pixels instead of {_size_text(expected)}"
        ) from error
    except Unusable:
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
        raise Unusable(_not_an_image(content)) from error
    return size


def file_size(path: Path, expected: Size | None = None) -> Size:
    """The size of an image in a file; checks and raises as ``picture_size``."""
    try:
        if path.stat().st_size > LARGEST_IMAGE:
            raise Unusable(f"larger than {LARGEST_IMAGE >> 20} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from error
    return picture_size(content, expected)


def _problem(image: Wanted) -> str | None:
    if not image.path.is_file():
        return "missing"
    try:
        file_size(image.path, image.size)
    except Unusable as error:
        return f"damaged: {error}"
    return None


def _size_text(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _not_an_image(content: bytes) -> str:
    start = content[:512].lstrip().lower()
    if not content:
        return "an empty file"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a page instead of an image"
    return "not an image, or a damaged one"


def _failures(
    work: Callable[[Wanted], str | None],
    images: Sequence[Wanted],
    workers: int,
    name: str,
    progress: bool,
) -> Failures:
    """The images for which ``work`` gives a reason; an error cancels what has not begun."""
    pool = ThreadPoolExecutor(workers)
    try:
        reasons = tqdm(
            pool.map(work, images),
            desc=name,
            total=len(images),
            unit="image",
            disable=None if progress and images else True,  # None: only on a terminal
        )
        return [(image, reason) for image, reason in zip(images, reasons, strict=True) if reason]
    finally:
        pool.shutdown(cancel_futures=True)
