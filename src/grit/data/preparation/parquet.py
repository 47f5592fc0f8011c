"""Images inside the Parquet files of MathVista and of MME."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from grit.data.preparation.hub import HubDataset
from grit.data.preparation.images import Wanted, put
from grit.data.preparation.pictures import Unusable

_ROWS_AT_ONCE = 16  # an image may have megabytes
_ABSENT = "not among the rows of {name}"


class Taken:
    """What became of the images that are looked for in a data set's rows."""

    def __init__(self, images: Sequence[Wanted]) -> None:
        self._open = {_number(image): image for image in images}
        self.failures: list[tuple[Wanted, str]] = []

    def __bool__(self) -> bool:
        """Whether any are still looked for."""
        return bool(self._open)

    def look_for(self, number: int) -> Wanted | None:
        """The image with this number, if it is looked for."""
        return self._open.get(number)

    def take(self, number: int, content: bytes) -> None:
        """Put an image in its place."""
        image = self._open.pop(number)
        try:
            put(image, content)
        except Unusable as error:
            self.failures.append((image, str(error)))

    def end(self, reason: str) -> list[tuple[Wanted, str]]:
        """The images that could not be had; those still looked for have ``reason``."""
        return [*self.failures, *((image, reason) for image in self._open.values())]


def take_mathvista(hub: HubDataset, images: Sequence[Wanted]) -> list[tuple[Wanted, str]]:
    """Images of MathVista's testmini: ``17.png`` is that of the problem with pid 17."""
    taken = Taken(images)
    try:
        for path in hub.matching("testmini-*.parquet"):
            for row in _rows(hub.download(path), ["pid", "decoded_image"]):
                if taken.look_for(int(row["pid"])):
                    taken.take(int(row["pid"]), row["decoded_image"]["bytes"])
    except Unusable as error:
        return taken.end(str(error))
    return taken.end(_ABSENT.format(name=hub.name))


def take_mme(
    hub: HubDataset, images: Sequence[Wanted]
) -> tuple[list[tuple[Wanted, str]], dict[str, int]]:
    """Images of MME: ``000860.png`` is that of row 860, whose question has to be the annotation's.

    Files are downloaded one after another until every image is found.

    Returns:
        The images that could not be had with the reason, and the COCO numbers of those that could.
    """
    taken, numbers, first = Taken(images), {}, 0
    try:
        for path in hub.matching("test-*.parquet"):
            if not taken:
                break
            local = hub.download(path)
            for number, row in enumerate(_rows(local, ["question_id", "question", "image"]), first):
                image = taken.look_for(number)
                if image is not None and row["question"].split() == image.question.split():
                    coco = PurePosixPath(row["question_id"]).stem
                    if re.fullmatch(r"\d{12}", coco):
                        numbers[f"{image.folder.name}/{image.name}"] = int(coco)
                    taken.take(number, row["image"]["bytes"])
            first += _count(local)
    except Unusable as error:
        return taken.end(str(error)), numbers
    reason = f"row N of {hub.name} does not have the question of the image N.png"
    return taken.end(reason), numbers


def _rows(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            missing = set(columns) - set(file.schema_arrow.names)
            if missing:
                raise Unusable(f"{path.name} has no column {', '.join(sorted(missing))}")
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Unusable(f"{path.name} cannot be read: {error}") from error


def _count(path: Path) -> int:
    from pyarrow import parquet

    return int(parquet.read_metadata(path).num_rows)


def _number(image: Wanted) -> int:
    stem = PurePosixPath(image.name).stem
    return int(stem) if stem.isdecimal() else -1
