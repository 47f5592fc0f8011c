"""Reading JSONL files in the format of ``yfan1997/GRIT_data``, with their images.

A row: ``{"question": "What is behind the sheep?", "answer": "cow", "image": "000000076970.jpg",
"width": 500, "height": 366, "bboxs": [[0.0, 183.11, 94.44, 262.28]], "dataset": "vsr"}``.
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from grit.core.errors import GritError
from grit.data.annotation import check_boxes
from grit.data.pictures import ImageFile
from grit.data.rows import LONGEST_TEXT, Row, read_rows
from grit.data.samples import Sample
from grit.grounding.boxes import Box, Space

_LARGE, _MANY, _CLOSE = 1200, 20, 0.9  # of boxes that seem to be thousandths: pixels, boxes, share


@dataclass(frozen=True)
class SampleFile:
    """The content of a file of rows."""

    samples: list[Sample]
    missing_images: int  # rows whose image is not in the folder
    rows: int  # rows in the file
    boxes_beyond: int = 0  # boxes that reach a little beyond their images; they are clipped

    @property
    def seems_in_thousandths(self) -> bool:
        """Whether many boxes of large images all lie within 1000 pixels, up to close to it.

        Such boxes are probably a model's, in thousandths of the image. On smaller images most of
        them leave the image, and are refused.
        """
        of_large = [
            s.boxes or () for s in self.samples if min(s.space.width, s.space.height) > _LARGE
        ]
        furthest = [max(box.x2, box.y2) for boxes in of_large for box in boxes]
        return len(furthest) >= _MANY and 1000 * _CLOSE < max(furthest) <= 1000


def read_samples(
    file: Path,
    images_folder: Path,
    *,
    name: str,
    named_by: str | None = None,
    require_images: bool = True,
) -> SampleFile:
    """Read and check every row of a file.

    Args:
        file: JSON Lines.
        images_folder: the image of a row is at ``images_folder / row["image"]``.
        name: of the data set; the id of a sample is ``name/line``.
        named_by: a field with a number that stands in the id instead of the line, where a row has
            it: rows that come to such a file later change nothing for the others.
        require_images: leave rows out whose image is missing; they are counted in either case.

    Raises:
        GritError: a row is invalid.
    """
    samples, missing, rows, beyond = [], 0, 0, 0
    has_folder, folder = images_folder.is_dir(), ImagesFolder(images_folder)
    for row in read_rows(file):
        rows += 1
        sample, path, boxes_beyond = _sample(row, images_folder, f"{name}/{_number(row, named_by)}")
        beyond += boxes_beyond
        has_image = has_folder and _is_file(path, row)
        missing += not has_image
        if has_image:
            folder.check(path, row)
        if has_image or not require_images:
            samples.append(sample)
    return SampleFile(samples, missing, rows, beyond)


def _sample(row: Row, folder: Path, id_: str) -> tuple[Sample, Path, int]:
    """The sample, the path of its image, and how many of its boxes reach beyond the image."""
    answer, answer_is_box = row.answer()
    size = row.pixels("width"), row.pixels("height")
    path = folder / image_name(row)
    space = Space("original", *size)
    row.refuse_misspelt("bboxs")
    boxes = row.optional_boxes("bboxs")
    beyond = check_boxes(row, "bboxs", boxes or (), size)
    if answer_is_box:
        x1, y1, x2, y2 = json.loads(answer)
        beyond += check_boxes(row, "answer", [(x1, y1, x2, y2)], size)
    sample = Sample(
        id=id_,
        question=row.text("question", blank=False, longest=LONGEST_TEXT),
        answer=answer,
        dataset=row.text("dataset", blank=False),
        picture=ImageFile(path, size, row.where),
        space=space,
        boxes=None if boxes is None else tuple(Box(*corners, space) for corners in boxes),
        answer_is_box=answer_is_box,
        where=row.where,
    )
    return sample, path, beyond


def _number(row: Row, named_by: str | None) -> int:
    return row.integer(named_by) if named_by is not None and row.has(named_by) else row.line


def image_name(row: Row) -> str:
    """The row's path of an image, relative to its folder and inside of it."""
    name = row.text("image", blank=False)
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    leaves = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts
    if leaves or "\0" in name or not posix.name:
        row.refuse("image", "the path of a file inside the images folder")
    return name


class ImagesFolder:
    """Refuses symbolic links out of a folder: untrusted rows could read any file by them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve()
        self._inside: set[Path] = set()  # folders of images, looked up once each

    def check(self, path: Path, row: Row) -> None:
        """Refuse an image that lies elsewhere than its path says, outside of the folder."""
        is_link = path.is_symlink()
        if not is_link and path.parent in self._inside:
            return
        target = path.resolve()
        if not target.is_relative_to(self.root):
            raise GritError(
                f'{row.where}: field "image": {path} leads out of its folder, to {target}: put the '
                "file there"
            )
        if not is_link:
            self._inside.add(path.parent)


def _is_file(path: Path, row: Row) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # for example, the name is too long
        raise GritError(f'{row.where}: field "image": {error.strerror}') from error
