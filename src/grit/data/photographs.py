"""Which photograph an image is, whatever the data set that took it calls it.

COCO's numbers are the same in VSR, TallyQA and COCO itself. Half of Visual Genome, which TallyQA
and GQA take from, and the MME questions used here are photographs of COCO under other names.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from grit.core.files import write_jsonl
from grit.data.jsonl import read_samples
from grit.data.pictures import ImageFile
from grit.data.preparation.paper import TEST_FILES
from grit.data.rows import read_rows
from grit.data.samples import Sample

COCO_NUMBERS = (
    "coco_numbers.jsonl"  # below data.root, made by task=data; missing: names alone count
)
_COCO = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})")
_VISUAL_GENOME_FOLDERS = ("VG_100K", "VG_100K_2", "images")  # GQA's are in images/


def photograph(folder: str, image: str, coco_numbers: Mapping[str, int]) -> str:
    """A name that two images share where they are the same photograph.

    Args:
        folder: of the set's images, such as ``gqa``.
        image: as the row has it, such as ``images/2376641.jpg``.
        coco_numbers: COCO's number of photographs with other names.
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
    """What COCO 2017 calls the file of one of its images; None where it is not one of COCO's."""
    path = PurePosixPath(file)
    coco = _COCO.fullmatch(path.stem)
    return f"{coco[1]}{path.suffix}" if coco else None


def photograph_of(sample: Sample, folder: Path, coco_numbers: Mapping[str, int]) -> str:
    """The photograph of a row that was read from a file whose images lie in ``folder``."""
    assert isinstance(sample.picture, ImageFile)
    image = sample.picture.path.relative_to(folder).as_posix()
    return photograph(folder.name, image, coco_numbers)


def photographs_of_tests(roots: Iterable[Path], coco_numbers: Mapping[str, int]) -> set[str]:
    """The photographs of the paper's test sets that are in any of the folders ``roots``."""
    found = set()
    for root in roots:
        for each in TEST_FILES:
            file, folder = root / each.file, root / each.images
            if file.is_file():
                read = read_samples(file, folder, name=each.name, require_images=False)
                found |= {photograph_of(sample, folder, coco_numbers) for sample in read.samples}
    return found


def read_coco_numbers(root: Path) -> dict[str, int]:
    """What ``task=data`` found out about photographs with several names; empty where it did not."""
    path = root / COCO_NUMBERS
    if not path.is_file():
        return {}
    return {row.text("photograph"): row.integer("coco") for row in read_rows(path)}


def add_coco_numbers(root: Path, numbers: Mapping[str, int]) -> None:
    """Write what was found out beside what is known."""
    every = read_coco_numbers(root) | dict(numbers)
    rows = ({"photograph": name, "coco": number} for name, number in sorted(every.items()))
    write_jsonl(root / COCO_NUMBERS, rows)
