"""From a checked configuration to what a run is asked: training triplets and test sets."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.data.jsonl import SampleFile, read_samples
from grit.data.mixtures import mix, shared_pictures
from grit.data.photographs import photograph_of, photographs_of_tests, read_coco_numbers
from grit.data.pictures import ImageFile
from grit.data.preparation.paper import FILES
from grit.data.samples import Sample
from grit.data.settings import SourceSettings, SuiteSettings
from grit.data.shapes.source import ShapesSource
from grit.data.traces import is_annotated

if TYPE_CHECKING:
    from grit.pages.gallery import PictureOf  # imports torch, which reading rows need not

log = logging.getLogger(__name__)
ROWS = "JSON objects with question, answer, image, width, height and dataset, one a line"
PAPER_FILES = {each.file for each in FILES}
COUNTS = (0, 1, 2, 3, 4)  # the answers that counting data is balanced over (GRIT.md section 3)


@dataclass(frozen=True)
class TestSet:
    """The questions of one test set whose images are there."""

    name: str
    samples: Sequence[Sample]
    images_missing: int = 0
    skipped: str | None = None  # why there is nothing to ask
    file_missing: bool = False  # that is why, and not its images


def pictures_of(sets: Sequence[TestSet]) -> "PictureOf":
    """Finds the image of a test question by its set and id; None for a question of elsewhere."""
    pictures = {(found.name, s.id): s.picture for found in sets for s in found.samples}

    def picture_of(name: str, row: str) -> Image.Image | None:
        picture = pictures.get((name, row))
        return None if picture is None else picture.load()

    return picture_of


def check_overlap(suite: SuiteSettings, samples: Sequence[Sample], sets: Sequence[TestSet]) -> None:
    """Look for pictures that are both trained on and tested on, by content.

    Raises:
        GritError: a drawn test scene is among the training scenes. Real files are as they are
            (the paper's own share pictures), and only reported.
    """
    for found in sets:
        shared = shared_pictures(samples, found.samples)
        if shared and suite.sets[found.name].kind is not None:
            train, test = shared[0]
            raise GritError(f"test scene {test.id} is the training scene {train.id}; change a seed")
        if shared:
            log.info(
                "suite=%s: %s: %d test pictures are training pictures",
                suite.name,
                found.name,
                len(shared),
            )


def training_samples(config: Config) -> list[Sample]:
    """The training triplets, mixed from their sources.

    Raises:
        GritError: a file or its images are missing, a row or an image of it is bad, or there are
            too few.
    """
    root = Path(config.data.root)
    sources: dict[str, Sequence[Sample]] = {}
    for name, source in config.data.sources.items():
        if source.kind is not None:
            sources[name] = ShapesSource(
                source.kind, source.split, source.rows or 0, config.data.seed
            )
            continue
        file, images = _files(root, source, name)
        if not file.is_file():
            raise _missing(config, name, file)
        found = read_samples(file, images, name=name)
        if found.missing_images:
            log.info(
                "%s: %d of %d images missing in %s", file, found.missing_images, found.rows, images
            )
        _say_boxes_beyond(name, found)
        sources[name] = found.samples
    _leave_out_tested(config, sources)
    sizes = {name: source.rows for name, source in config.data.sources.items()}
    balanced = {name: COUNTS for name, s in config.data.sources.items() if s.balance_counts}
    mixed = mix(sources, sizes, config.data.seed, balanced=balanced, total=config.data.total)
    _check_images(mixed)
    return mixed


def _say_boxes_beyond(name: str, found: SampleFile) -> None:
    if found.boxes_beyond:
        log.info(
            "%s: %d boxes reach a few pixels beyond their images and are clipped",
            name,
            found.boxes_beyond,
        )


@dataclass(frozen=True)
class TaughtRows:
    """What supervised fine-tuning learns from, and the rows that nobody has annotated."""

    samples: list[Sample]
    unannotated: int  # of the rows that were drawn


def taught_rows(config: Config, drawn: list[Sample]) -> TaughtRows:
    """The rows of ``drawn`` that supervised fine-tuning gets, by `training.sft.unannotated`.

    Raises:
        GritError: none is left.
    """
    annotated = [sample for sample in drawn if is_annotated(sample)]
    unannotated = len(drawn) - len(annotated)
    if not unannotated:
        return TaughtRows(drawn, 0)
    choice = config.training.sft.unannotated
    count = f"method={config.method.name}: {unannotated} of {len(drawn)} rows have no annotated box"
    if choice == "without_boxes":
        log.info("%s: their traces are without (training.sft.unannotated=%s)", count, choice)
        return TaughtRows(drawn, unannotated)
    if not annotated:
        raise GritError(
            f"{count}, and training.sft.unannotated={choice} leaves them out: give the rows of "
            f"data={config.data.name} their bboxs, or set training.sft.unannotated=without_boxes"
        )
    log.info("%s: left out (training.sft.unannotated=%s)", count, choice)
    return TaughtRows(annotated, unannotated)


def check_files(config: Config, *, training: bool) -> None:
    """Look whether the files of rows are there, without reading them.

    Raises:
        GritError: a training file is missing, or every test file, or none is named.
    """
    if training and not config.data.sources:
        raise GritError(f"data={config.data.name}: data.sources is empty: there is no training row")
    if not config.suite.sets:
        raise GritError(f"suite={config.suite.name}: suite.sets is empty: there is no test set")
    for name, source in config.data.sources.items() if training else ():
        file = None if source.file is None else Path(config.data.root) / source.file
        if file is not None and not file.is_file():
            raise _missing(config, name, file)
    root = Path(config.suite.root)
    sets = config.suite.sets.values()
    if not any(each.file is None or (root / each.file).is_file() for each in sets):
        raise _nothing_to_ask(config, find_sets(config))


def _missing(config: Config, name: str, file: Path) -> GritError:
    """Says of a training file that is not there what it is, and how to come by it."""
    source = f"data={config.data.name}: {file} is missing"
    if file.name in PAPER_FILES:
        return GritError(
            f"{source}; python -m grit task=data gets it, or set data.root to the folder with the "
            "files of yfan1997/GRIT_data and its images"
        )
    return GritError(f"{source}: data.sources.{name} needs its rows there, {ROWS}; set data.root")


def _nothing_to_ask(config: Config, sets: Sequence[TestSet]) -> GritError:
    """Says why no set of the suite has a question: files that are missing, or their images."""
    suite, root = f"suite={config.suite.name}", config.suite.root
    ways_out = (
        "set suite.root (or data.root) to the folder with the test files and images, or choose "
        "suite=shapes"
    )
    absent = [found for found in sets if found.file_missing]
    if not absent:
        return GritError(f"{suite}: no test question has its image below {root}; {ways_out}")
    skipped = [found for found in sets if found.skipped]
    rest = f", and {len(skipped) - 1} other sets have nothing to ask" if len(skipped) > 1 else ""
    file = config.suite.sets[absent[0].name].file
    paper = file is not None and Path(file).name in PAPER_FILES
    how = "python -m grit task=data gets it" if paper else f"test rows are {ROWS}"
    return GritError(f"{suite}: {absent[0].skipped}{rest}; {how}; {ways_out}")


def _check_images(samples: Sequence[Sample]) -> None:
    """Now and not after hours of training: each file is whole, and of its row's size."""
    for picture in dict.fromkeys(sample.picture for sample in samples):
        if isinstance(picture, ImageFile):
            picture.check()


def _leave_out_tested(config: Config, sources: dict[str, Sequence[Sample]]) -> None:
    """Take samples whose photographs are in the paper's test sets out of the sources that ask."""
    apart = {n: s for n, s in config.data.sources.items() if s.apart_from_tests and s.file}
    if not apart:
        return
    root = Path(config.data.root)
    numbers = read_coco_numbers(root)
    tested = photographs_of_tests({root, Path(config.suite.root)}, numbers)
    for name, source in apart.items():
        folder = root / (source.images or name)
        kept = [s for s in sources[name] if photograph_of(s, folder, numbers) not in tested]
        left_out = len(sources[name]) - len(kept)
        if left_out:
            log.info("%s: %d rows left out: their photographs are test photographs", name, left_out)
        sources[name] = kept


def test_sets(config: Config) -> list[TestSet]:
    """The test sets of the suite; those that are not there are marked as skipped.

    Raises:
        GritError: a row or its image is bad, or there is no question at all.
    """
    sets = find_sets(config)
    _announce(config, sets)
    for found in sets:
        if config.suite.sets[found.name].kind is None:
            _check_images(found.samples)
    if not any(found.samples for found in sets):
        raise _nothing_to_ask(config, sets)
    return sets


def find_sets(config: Config) -> list[TestSet]:
    """The test sets of the suite, as far as they are there."""
    return [_test_set(config, name, source) for name, source in config.suite.sets.items()]


def _announce(config: Config, sets: Sequence[TestSet]) -> None:
    """Say in one line what will be asked; the notes under the results say what is missing."""
    asked = [f"{found.name} ({len(found.samples)})" for found in sets if not found.skipped]
    absent = [found.name for found in sets if found.file_missing]
    skipped = [found.name for found in sets if found.skipped and not found.file_missing]
    rest = f"; files missing: {', '.join(absent)}" if absent else ""
    rest += f"; without images: {', '.join(skipped)}" if skipped else ""
    log.info("suite=%s: %s%s", config.suite.name, ", ".join(asked) or "nothing", rest)


def _test_set(config: Config, name: str, source: SourceSettings) -> TestSet:
    limit = config.suite.limit
    if source.kind is not None:
        rows = source.rows or 0
        size = rows if limit is None else min(rows, limit)
        samples: Sequence[Sample] = ShapesSource(source.kind, source.split, size, keep=True)
        return TestSet(name, samples)
    file, images = _files(Path(config.suite.root), source, name)
    if not file.is_file():
        return TestSet(name, [], skipped=f"{file} is missing", file_missing=True)
    found = read_samples(file, images, name=name)
    _say_boxes_beyond(name, found)
    if not found.samples:
        reason = f"all {found.rows} images are missing in {images}"
        return TestSet(name, [], found.missing_images, skipped=reason)
    return TestSet(name, found.samples[:limit], found.missing_images)


def _files(root: Path, source: SourceSettings, name: str) -> tuple[Path, Path]:
    assert source.file is not None
    return root / source.file, root / (source.images or name)
