"""What ``task=infer`` asks: an image, a folder of images, a JSONL file, or a drawn scene."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from grit.core.errors import GritError
from grit.core.files import file_hash
from grit.data.jsonl import ImagesFolder, image_name
from grit.data.pictures import check_size, decode, opened, rgb, unreadable
from grit.data.rows import LONGEST_TEXT, read_rows
from grit.data.samples import Picture, Sample
from grit.data.shapes.source import ShapesSource
from grit.grounding.boxes import Space

log = logging.getLogger(__name__)
_LISTED = 10  # images that cannot be used
SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
SCENE = "scene.png"  # the name of a drawn scene
_SCENE_KINDS = ("tallyqa", "vsr")  # seeds take them in turn


@dataclass(frozen=True)
class Photograph:
    """An image file as a viewer shows it: turned as its EXIF data says."""

    path: Path
    name: str = field(default="", compare=False)  # for messages; "": the path

    @cached_property
    def key(self) -> str:
        """A hash of the file's bytes."""
        try:
            return file_hash(self.path)
        except OSError as error:
            raise unreadable(self.name or str(self.path), error) from error

    def load(self) -> Image.Image:
        """The image as RGB; raises GritError if it cannot be read."""
        return viewed(self.path, self.name or str(self.path))

    def check(self) -> None:
        """Raise what ``load`` would raise, at an eighth of a JPEG's size."""
        try:
            with opened(self.path) as image:
                decode(image)
        except Exception as error:  # as in ``load``
            raise unreadable(self.name or str(self.path), error) from error


@dataclass(frozen=True)
class Canvas:
    """An image that is in memory."""

    image: Image.Image

    @cached_property
    def key(self) -> str:
        """A hash of the pixels."""
        image = self.load()
        return hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest()

    def load(self) -> Image.Image:
        """The image as RGB, transparent pixels white."""
        try:
            check_size(self.image.size)
            return rgb(self.image, self.image.size)
        except Exception as error:  # a lazily loaded file may be damaged
            raise unreadable("the image", error) from error


@dataclass(frozen=True)
class Asked:
    """A question about an image."""

    image: str  # its name, in the answers' file
    picture: Picture
    question: str
    truth: str | None = None  # the answer, where it is known

    def sample(self) -> Sample:
        """The question as the rest of the suite takes it."""
        key = self.picture.key
        space = Space("original", *self.picture.load().size)
        id_, where = f"{key}/{self.question}", self.image or "the image"
        return Sample(id_, self.question, "", "asked", self.picture, space, where=where)


def viewed(source: Path | IO[bytes], name: str) -> Image.Image:
    """An image as a viewer shows it, turned as its EXIF data says, as RGB.

    Raises:
        GritError: it cannot be read; ``name`` says which one.
    """
    try:
        with opened(source) as image:
            turned = ImageOps.exif_transpose(image)
            return rgb(turned, turned.size)
    except Exception as error:  # on damaged files Pillow's decoders raise nearly anything
        raise unreadable(name, error) from error


def asked(image: str | None, question: str | None, file: str | None, *, seed: int) -> list[Asked]:
    """The questions that the settings ``image``, ``question`` and ``input`` ask.

    Every image is opened and decoded, so that an error comes before a model is loaded.

    Args:
        image: a file; a folder, of which each image is asked; with ``file`` that of its images.
        question: about each of them. None with neither image nor file: one of a drawn scene's.
        file: JSON Lines with ``image``, relative to the file's folder, and ``question``.
        seed: of the drawn scene.

    Raises:
        GritError: something is missing, cannot be read or does not fit together.
    """
    if file is not None:
        found = _of_file(Path(file), Path(file).parent if image is None else Path(image), question)
    elif image is None:
        return [drawn(seed, question)]
    else:
        if question is None:
            raise GritError(f'image={image} needs question="...", what to ask about it')
        found = [Asked(str(path), Photograph(path), question) for path in _images(Path(image))]
    _check([each.picture for each in found if isinstance(each.picture, Photograph)])
    return found


def _check(photographs: Sequence[Photograph]) -> None:
    """Raise GritError if images cannot be read; of several it has the first lines."""
    faults = []
    for each in photographs:
        try:
            each.check()
        except GritError as error:
            faults.append(error)
    if faults[1:]:
        listed = "; ".join(map(str, faults[:_LISTED]))
        raise GritError(f"{len(faults)} of {len(photographs)} images cannot be used: {listed}")
    if faults:
        raise faults[0]


def drawn(seed: int, question: str | None = None) -> Asked:
    """A drawn scene of the dev split, and a question about it with its answer.

    Args:
        seed: of the scene.
        question: in the place of the scene's own, whose answer is then not known.
    """
    kind = _SCENE_KINDS[seed % len(_SCENE_KINDS)]
    sample = ShapesSource(kind, "dev", 1, seed=seed)[0]
    if question is not None:
        return Asked(SCENE, sample.picture, question)
    return Asked(SCENE, sample.picture, sample.question, sample.answer)


def _images(path: Path) -> Sequence[Path]:
    """The file, or the images of the folder and of those in it by name.

    Hidden ones are left out, and those that show former answers.
    """
    if not path.exists():
        raise GritError(f"image={path}: there is no such file or folder")
    if not path.is_dir():
        return [path]
    made = {rows.parent / "inference" for rows in path.rglob("inference*.jsonl")}  # by task=infer
    files = [each for each in path.rglob("*") if each.is_file() and each.parent not in made]
    inside = [each.relative_to(path) for each in files]
    shown = sorted(name for name in inside if not any(part.startswith(".") for part in name.parts))
    found = [path / name for name in shown if name.suffix.lower() in SUFFIXES]
    if not found:
        raise GritError(f"image={path}: the folder has no image ({', '.join(SUFFIXES)})")
    others = Counter(name.suffix.lower() for name in shown if name.suffix.lower() not in SUFFIXES)
    if others:
        listed = ", ".join(f"{number} {kind or 'without one'}" for kind, number in others.items())
        log.info("image=%s: images: %d; left out by their endings: %s", path, len(found), listed)
    return found


def _of_file(file: Path, folder: Path, question: str | None) -> list[Asked]:
    if question is not None:
        raise GritError("question=: with input=FILE.jsonl every row has its own")
    found = []
    images = ImagesFolder(folder)
    for row in read_rows(file):
        name = image_name(row)
        path = folder / name
        images.check(path, row)
        text = row.text("question", blank=False, longest=LONGEST_TEXT)
        found.append(Asked(name, Photograph(path, f'{row.where}: field "image": {path}'), text))
    return found
