"""Identifying photographs that several data sets use under different names.

COCO's numbers are the same in VSR, TallyQA and COCO itself. Half of Visual Genome, whose images
TallyQA and GQA use, and the images of the MME questions used here are photographs of COCO too.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath

from grit.core.files import write_jsonl
from grit.data.jsonl import image_name
from grit.data.pictures import ImageFile
from grit.data.preparation.paper import TEST_FILES
from grit.data.rows import read_rows
from grit.data.samples import Sample

COCO_NUMBERS = "coco_numbers.jsonl"
"""Below data.root, written by task=data. Without it photographs are compared by name only."""
_COCO = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})")
_FOLDERS = {test.images for test in TEST_FILES}
_VISUAL_GENOME_FOLDERS = ("VG_100K", "VG_100K_2", "images")  # GQA's are in images/


def photograph(folder: str, image: str, coco_numbers: Mapping[str, int]) -> str:
    """An identifier that is the same for images of the same photograph.

    Args:
        folder: of the set's images, such as ``gqa``.
        image: the row's field, such as ``images/2376641.jpg``.
        coco_numbers: COCO's numbers of photographs with other names.
    """
    path = PurePosixPath(image)
    coco = _COCO.fullmatch(path.stem)
    if coco:
        return f"coco/{int(coco[1])}"
    if path.parent.name in _VISUAL_GENOME_FOLDERS and path.stem.isdecimal():
        name = f"vg/{int(path.stem)}"
    else:
        name = f"{folder}/{image}"
    return f"coco/{coco_numbers[name]}" if name in coco_numbers else name


def coco_name(file: str) -> str | None:
    """The name of an image file in COCO 2017; None if it is not an image of COCO."""
    path = PurePosixPath(file)
    coco = _COCO.fullmatch(path.stem)
    return f"{coco[1]}{path.suffix}" if coco else None


def photograph_of(sample: Sample, folder: Path, coco_numbers: Mapping[str, int]) -> str:
    """The photograph of a row that was read from a file whose images lie in ``folder``."""
    assert isinstance(sample.picture, ImageFile)
    return _photograph_in(folder, sample.picture.path.relative_to(folder), coco_numbers)


def _photograph_in(folder: Path, image: PurePath, coco_numbers: Mapping[str, int]) -> str:
    name = image.as_posix()
    found = photograph(folder.name, name, coco_numbers)
    if found == f"{folder.name}/{name}" and folder.name not in _FOLDERS:
        return str((folder / image).resolve())  # other folders may share a name
    return found


def paper_tests(root: Path) -> set[tuple[Path, Path]]:
    """The files of the paper's test sets below ``root``, each with the folder of its images."""
    return {(root / test.file, root / test.images) for test in TEST_FILES}


def photographs_of_tests(
    files: Iterable[tuple[Path, Path]], coco_numbers: Mapping[str, int]
) -> set[str]:
    """The photographs of test files, given with the folders of their images, that are there."""
    photographs = set()
    for file, folder in files:
        if file.is_file():
            images = (PurePosixPath(image_name(row)) for row in read_rows(file))
            photographs |= {_photograph_in(folder, image, coco_numbers) for image in images}
    return photographs


def read_coco_numbers(root: Path) -> dict[str, int]:
    """The COCO numbers of photographs with other names; empty before ``task=data`` was run."""
    path = root / COCO_NUMBERS
    if not path.is_file():
        return {}
    return {row.text("photograph"): row.integer("coco") for row in read_rows(path)}


def add_coco_numbers(root: Path, numbers: Mapping[str, int]) -> None:
    """Add entries to the file of COCO numbers."""
    merged = read_coco_numbers(root) | dict(numbers)
    rows = ({"photograph": name, "coco": number} for name, number in sorted(merged.items()))
    write_jsonl(root / COCO_NUMBERS, rows)
