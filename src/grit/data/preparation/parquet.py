"""Extracting the images of MathVista and MME from their Parquet files."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from grit.data.pictures import Unusable
from grit.data.preparation.hub_data import HubDataset
from grit.data.preparation.images import Failures, Wanted, store

_BATCH_ROWS = 16  # an image may have megabytes


class _Pending:
    """Images that are still to be extracted, by their numbers, and those that were not usable."""

    def __init__(self, images: Sequence[Wanted]) -> None:
        self.images = {_number(image): image for image in images}
        self.failures: Failures = []

    def store(self, number: int, content: bytes) -> None:
        """Store an image."""
        image = self.images.pop(number)
        try:
            store(image, content)
        except Unusable as error:
            self.failures.append((image, str(error)))

    def all_failures(self, reason: str) -> Failures:
        """The failures; images that are still pending fail for ``reason``."""
        return [*self.failures, *((image, reason) for image in self.images.values())]


def extract_mathvista(hub: HubDataset, images: Sequence[Wanted]) -> Failures:
    """Store images of MathVista's testmini: ``17.png`` is that of the problem with pid 17."""
    pending = _Pending(images)
    try:
        for path in hub.matching("testmini-*.parquet"):
            for row in _rows(hub.download(path), ["pid", "decoded_image"]):
                if int(row["pid"]) in pending.images:
                    pending.store(int(row["pid"]), row["decoded_image"]["bytes"])
    except Unusable as error:
        return pending.all_failures(str(error))
    return pending.all_failures(f"not among the rows of {hub.name}")


def extract_mme(
    hub: HubDataset,
    images: Sequence[Wanted],
    record: Callable[[dict[str, int]], None],
    *,
    numbers_only: bool = False,
) -> Failures:
    """Store images of MME: ``000860.png`` is that of row 860, if the questions are the same.

    Parquet files are downloaded one after another until no image is pending. The COCO numbers of
    a file's images are recorded before the images are stored: after a stop in between, nobody
    would ask for the number of an image that is there.

    Args:
        hub: MME.
        images: to store.
        record: takes the COCO numbers of images that are photographs of COCO.
        numbers_only: the images are there already.
    """
    pending, first = _Pending(images), 0
    try:
        for path in hub.matching("test-*.parquet"):
            if not pending.images:
                break
            local = hub.download(path)
            found, coco_numbers = _same_questions(local, first, pending.images)
            record(coco_numbers)
            if numbers_only:
                for number in found:
                    del pending.images[number]
            elif found:
                for number, row in enumerate(_rows(local, ["image"]), first):
                    if number in found:
                        pending.store(number, row["image"]["bytes"])
            first += _row_count(local)
    except Unusable as error:
        return pending.all_failures(str(error))
    reason = f"row N of {hub.name} does not have the question of the image N.png"
    return pending.all_failures(reason)


def _same_questions(
    file: Path, first: int, images: Mapping[int, Wanted]
) -> tuple[set[int], dict[str, int]]:
    """Which images a file has with the questions of their rows, and their COCO numbers."""
    found: set[int] = set()
    coco_numbers: dict[str, int] = {}
    for number, row in enumerate(_rows(file, ["question_id", "question"]), first):
        image = images.get(number)
        if image is not None and row["question"].split() == image.question.split():
            found.add(number)
            coco = PurePosixPath(row["question_id"]).stem
            if re.fullmatch(r"\d{12}", coco):
                coco_numbers[image.photograph] = int(coco)
    return found, coco_numbers


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise Unusable(f"{path.name} has no column {', '.join(sorted(missing))}")
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Unusable(f"{path.name} cannot be read: {error}") from error


def _row_count(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def _number(image: Wanted) -> int:
    stem = PurePosixPath(image.name).stem
    return int(stem) if stem.isdecimal() else -1
