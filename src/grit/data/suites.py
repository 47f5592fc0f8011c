"""The test sets that the settings of a suite describe."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image

from grit.core.errors import GritError
from grit.core.seeding import seed_for
from grit.data.jsonl import SampleFile, read_samples
from grit.data.mixtures import shared_pictures
from grit.data.pictures import ImageFile
from grit.data.preparation.paper import FILES
from grit.data.samples import Sample
from grit.data.settings import SourceSettings, SuiteSettings
from grit.data.shapes.kinds import TEST_KINDS
from grit.data.shapes.source import ShapesSource

log = logging.getLogger(__name__)
ROWS = "JSON objects with question, answer, image, width, height and dataset, one a line"
PAPER_FILES = {each.file for each in FILES}


@dataclass(frozen=True)
class TestSet:
    """The questions of one test set whose images are there."""

    name: str
    samples: Sequence[Sample]
    images_missing: int = 0
    skipped: str | None = None  # why there is nothing to ask
    file_missing: bool = False  # that is why, and not its images


def test_sets(suite: SuiteSettings) -> list[TestSet]:
    """The test sets of a suite; those that are not there are marked as skipped.

    Raises:
        GritError: a row or its image is bad, or there is no question at all.
    """
    sets = find_sets(suite)
    _announce(suite, sets)
    for test_set in sets:
        if suite.sets[test_set.name].kind is None:
            check_images(test_set.samples)
    if not any(test_set.samples for test_set in sets):
        raise _nothing_to_ask(suite, sets)
    return sets


def find_sets(suite: SuiteSettings) -> list[TestSet]:
    """The test sets of a suite, as far as they are there."""
    return [_test_set(suite, name, source) for name, source in suite.sets.items()]


def check_sets(group: str, suite: SuiteSettings) -> None:
    """Check that the sets of a suite are such that a model can be asked.

    Args:
        group: of the settings, for messages: ``suite`` or ``validation``.
        suite: the settings.

    Raises:
        GritError: a kind of scenes is no test set's, they are of a split to train on, or rows are
            chosen of a file.
    """
    for name, source in suite.sets.items():
        if source.kind is not None and source.kind not in TEST_KINDS:
            raise GritError(
                f"{group}.sets.{name}.kind={source.kind} is no kind of test questions; there are "
                f"{', '.join(TEST_KINDS)}"
            )
        if source.kind is not None and source.split in ("train", "pretrain"):
            raise GritError(
                f"{group}.sets.{name} is drawn from the scenes to train on: name its split, "
                "split=test, or split=dev for choosing what to train"
            )
        if source.file is not None and source.rows is not None:
            raise GritError(
                f"{group}.sets.{name}.rows={source.rows} would change nothing: a file is asked "
                f"whole; {group}.limit={source.rows} takes so many of each set"
            )


def check_test_files(suite: SuiteSettings) -> None:
    """Look whether the files of test rows are there, without reading them.

    Raises:
        GritError: all are missing, or none is named.
    """
    if not suite.sets:
        raise GritError(f"suite={suite.name}: suite.sets is empty: there is no test set")
    if not has_test_files(suite):
        raise _nothing_to_ask(suite, find_sets(suite))


def has_test_files(suite: SuiteSettings) -> bool:
    """Whether any file of test rows is there; drawn scenes need none."""
    root, sets = Path(suite.root), suite.sets.values()
    return any(source.file is None or (root / source.file).is_file() for source in sets)


def check_overlap(suite: SuiteSettings, samples: Sequence[Sample], sets: Sequence[TestSet]) -> None:
    """Look for pictures that are both trained on and tested on, by content.

    Raises:
        GritError: a drawn test scene is among the training scenes. Real files are as they are
            (the paper's own share pictures), and only reported.
    """
    for test_set in sets:
        shared, name = shared_pictures(samples, test_set.samples), test_set.name
        if shared and suite.sets[name].kind is not None:
            train, test = shared[0]
            raise GritError(f"test scene {test.id} is the training scene {train.id}; change a seed")
        if shared:
            text = "suite=%s: %s: %d test pictures are training pictures"
            log.info(text, suite.name, name, len(shared))


def check_not_tested(
    suite: SuiteSettings, dev: Sequence[TestSet], tests: Sequence[TestSet]
) -> None:
    """Check that no question of validation is a test question about the same picture.

    Raises:
        GritError: one is: the best weights and the end of training would be chosen on it.
    """
    asked = [sample for each in dev for sample in each.samples]
    questions = {sample.question for sample in asked}
    tested = [s for each in tests for s in each.samples if s.question in questions]
    keys = {(sample.question, sample.picture.key) for sample in tested}
    questions = {question for question, _ in keys}
    for sample in asked:
        if sample.question in questions and (sample.question, sample.picture.key) in keys:
            raise GritError(
                f"validation={suite.name}: {sample.where or sample.id} is a test question too: "
                "model/best and evaluation.patience would be chosen on what the run is tested on; "
                "validate on other rows: suite@validation=own_dev reads dev.jsonl"
            )


def pictures_of(
    sets: Sequence[TestSet], asked: Callable[[str], Mapping[str, str]] | None = None
) -> Callable[[str, str], Image.Image | None]:
    """Finds the image of a test question by its set and id; None for a question of elsewhere.

    Args:
        sets: the test sets.
        asked: of a set, the keys of the pictures that were shown, by question; others are None.
    """
    pictures = {(test_set.name, s.id): s.picture for test_set in sets for s in test_set.samples}

    def picture_of(name: str, row: str) -> Image.Image | None:
        picture = pictures.get((name, row))
        if picture is None or (asked and asked(name).get(row, picture.key) != picture.key):
            return None
        return picture.load()

    return picture_of


def files_of(root: Path, source: SourceSettings, name: str) -> tuple[Path, Path]:
    """The file of a source's rows and the folder of its images, below ``root``."""
    assert source.file is not None
    return root / source.file, root / (source.images or name)


def check_images(samples: Sequence[Sample]) -> None:
    """Raise GritError for a damaged image file, or one not of its row's size."""
    for picture in dict.fromkeys(sample.picture for sample in samples):
        if isinstance(picture, ImageFile):
            picture.check()


def log_boxes(name: str, rows: SampleFile) -> None:
    """Say how many boxes of a file were clipped, and whether they seem to be no pixels."""
    if rows.seems_in_thousandths:
        log.warning(
            "%s: no box of a large image reaches beyond 1000: are these thousandths of the image? "
            "Boxes are taken as pixels of it",
            name,
        )
    if rows.boxes_beyond:
        text = "%s: %d boxes reach a few pixels beyond their images and are clipped"
        log.info(text, name, rows.boxes_beyond)


def _test_set(suite: SuiteSettings, name: str, source: SourceSettings) -> TestSet:
    limit = suite.limit
    if source.kind is not None:
        rows = source.rows or 0
        size = rows if limit is None else min(rows, limit)
        scenes: Sequence[Sample] = ShapesSource(source.kind, source.split, size, keep=True)
        return TestSet(name, scenes)
    file, images = files_of(Path(suite.root), source, name)
    if not file.is_file():
        return TestSet(name, [], skipped=f"{file} is missing", file_missing=True)
    read = read_samples(file, images, name=name)
    log_boxes(name, read)
    if not read.samples:
        reason = f"all {read.rows} images are missing in {images}"
        return TestSet(name, [], read.missing_images, skipped=reason)
    return TestSet(name, _spread(read.samples, limit), read.missing_images)


def _spread(samples: Sequence[Sample], limit: int | None) -> list[Sample]:
    """At most ``limit`` samples in file order, one from each of ``limit`` equal parts.

    A file may be sorted by answer or alternate yes and no, so neither its first rows nor every k-th
    row are representative: the place within each part is pseudo-random.
    """
    parts = min(limit or len(samples), len(samples))
    ends = [len(samples) * part // parts for part in range(parts + 1)]
    return [
        samples[start + seed_for("limit", start) % (end - start)] for start, end in pairwise(ends)
    ]


def _announce(suite: SuiteSettings, sets: Sequence[TestSet]) -> None:
    """Say in one line what will be asked; the notes under the results say what is missing."""
    asked = [f"{each.name} ({len(each.samples)})" for each in sets if not each.skipped]
    absent = [each.name for each in sets if each.file_missing]
    skipped = [each.name for each in sets if each.skipped and not each.file_missing]
    rest = f"; files missing: {', '.join(absent)}" if absent else ""
    rest += f"; without images: {', '.join(skipped)}" if skipped else ""
    log.info("suite=%s: %s%s", suite.name, ", ".join(asked) or "nothing", rest)


def _nothing_to_ask(suite: SuiteSettings, sets: Sequence[TestSet]) -> GritError:
    """Says why no set of the suite has a question: files that are missing, or their images."""
    label = f"suite={suite.name}"
    ways_out = (
        "set suite.root (or data.root) to the folder with the test files and images, or choose "
        "suite=shapes"
    )
    absent = [test_set for test_set in sets if test_set.file_missing]
    if not absent:
        return GritError(f"{label}: no test question has its image below {suite.root}; {ways_out}")
    skipped = [test_set for test_set in sets if test_set.skipped]
    rest = f", and {len(skipped) - 1} other sets have nothing to ask" if len(skipped) > 1 else ""
    file = suite.sets[absent[0].name].file
    paper = file is not None and Path(file).name in PAPER_FILES
    how = "python -m grit task=data gets it" if paper else f"test rows are {ROWS}"
    return GritError(f"{label}: {absent[0].skipped}{rest}; {how}; {ways_out}")
