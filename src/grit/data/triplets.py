"""The training triplets that the settings describe: read or drawn, mixed, and looked at."""

import logging
from collections.abc import Sequence
from pathlib import Path

from grit.core.errors import GritError
from grit.data.jsonl import read_samples
from grit.data.mixtures import mix
from grit.data.photographs import (
    COCO_NUMBERS,
    paper_tests,
    photograph_of,
    photographs_of_tests,
    read_coco_numbers,
)
from grit.data.preparation.paper import TALLYQA_TRAINING
from grit.data.preparation.tallyqa import QUESTION_ID
from grit.data.samples import Sample
from grit.data.settings import DataSettings, SuiteSettings
from grit.data.shapes.source import ShapesSource
from grit.data.suites import PAPER_FILES, ROWS, check_images, files_of, log_boxes

log = logging.getLogger(__name__)


def training_samples(data: DataSettings, suite: SuiteSettings) -> list[Sample]:
    """The training triplets, mixed from their sources.

    Args:
        data: the sources and how they are mixed.
        suite: what the run is tested on; some sources leave out its photographs.

    Raises:
        GritError: a file or its images are missing, a row or an image of it is bad, or there are
            too few.
    """
    root = Path(data.root)
    sources: dict[str, Sequence[Sample]] = {}
    for name, source in data.sources.items():
        if source.kind is not None:
            sources[name] = ShapesSource(source.kind, source.split, source.rows or 0, data.seed)
            continue
        file, images = files_of(root, source, name)
        if not file.is_file():
            raise _missing(data, name, file)
        # The rows that task=data draws may come one by one, as their images can be had.
        named_by = QUESTION_ID if file.name == TALLYQA_TRAINING.file else None
        rows = read_samples(file, images, name=name, named_by=named_by)
        if rows.rows and not rows.samples:
            raise GritError(
                f"{file}: none of its {rows.rows} rows has its image in {images}: put them there, "
                f"or name their folder by data.sources.{name}.images"
            )
        if rows.missing_images:
            log.info(
                "%s: %d of %d images missing in %s", file, rows.missing_images, rows.rows, images
            )
        log_boxes(name, rows)
        sources[name] = rows.samples
    _leave_out_tested(data, suite, sources)
    mixed = mix(sources, data)
    check_images(mixed)
    return mixed


def check_training_files(data: DataSettings) -> None:
    """Look whether the files of training rows are there, without reading them.

    Raises:
        GritError: one is missing, or none is named.
    """
    if not data.sources:
        raise GritError(f"data={data.name}: data.sources is empty: there is no training row")
    for name, source in data.sources.items():
        file = None if source.file is None else Path(data.root) / source.file
        if file is not None and not file.is_file():
            raise _missing(data, name, file)


def _missing(data: DataSettings, name: str, file: Path) -> GritError:
    """The error for a missing training file: what it is, and how to get it."""
    source = f"data={data.name}: {file} is missing"
    if file.name in PAPER_FILES:
        return GritError(
            f"{source}; python -m grit task=data gets it, or set data.root to the folder with the "
            "files of yfan1997/GRIT_data and its images"
        )
    return GritError(f"{source}: data.sources.{name} needs its rows there, {ROWS}; set data.root")


def _leave_out_tested(
    data: DataSettings, suite: SuiteSettings, sources: dict[str, Sequence[Sample]]
) -> None:
    """Take samples with photographs of the paper's or the suite's tests out of sources that ask."""
    apart = {n: s for n, s in data.sources.items() if s.apart_from_tests and s.file}
    if not apart:
        return
    root = Path(data.root)
    numbers = read_coco_numbers(root)
    if not numbers:
        log.warning(
            "%s: without %s, which task=data writes, test photographs under other names are not "
            "found among those of training",
            data.name,
            root / COCO_NUMBERS,
        )
    tests = Path(suite.root)
    files = paper_tests(root) | paper_tests(tests)
    files |= {files_of(tests, each, name) for name, each in suite.sets.items() if each.file}
    tested = photographs_of_tests(files, numbers)
    for name, source in apart.items():
        folder = root / (source.images or name)
        kept = [s for s in sources[name] if photograph_of(s, folder, numbers) not in tested]
        left_out = len(sources[name]) - len(kept)
        if left_out:
            log.info("%s: %d rows left out: their photographs are test photographs", name, left_out)
        sources[name] = kept
