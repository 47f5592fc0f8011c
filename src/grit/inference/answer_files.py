"""What ``task=infer`` leaves: ``inference.jsonl``, a picture for each row, and a page."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from grit.core.files import write_bytes, write_jsonl, write_text
from grit.core.line_file import LineFile
from grit.core.picture_bytes import picture_bytes
from grit.grounding.boxes import Box, Space
from grit.inference.answers import Answer
from grit.inference.questions import SCENE, Asked
from grit.pages.answers_page import ShownAnswer, render_answers
from grit.pages.chains import chain_said

ROWS, PAGE = "inference.jsonl", "inference.html"


class PartialRows:
    """The rows of questions that are answered, while others are not: a line for each answer.

    Args:
        folder: of the run.
        asked: a fingerprint of the questions and of who answers them, in the file's name: rows of
            others are not gone on with.
        samples: answers to each question.
    """

    def __init__(self, folder: Path, asked: str, samples: int) -> None:
        self.path = folder / f"inference.partial-{asked}.jsonl"
        self.samples = samples
        self._lines = LineFile(self.path)

    def done(self) -> list[dict[str, Any]]:
        """The rows of whole questions, of a run that was stopped."""
        rows = [json.loads(line) for line in self._lines.since()]
        return rows[: len(rows) // self.samples * self.samples]

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """Write the file anew with ``rows``; without any there is none."""
        if rows or self.path.exists():
            write_jsonl(self.path, rows)

    def append(self, row: dict[str, Any]) -> None:
        """Add a row, which a kill of the process does not lose."""
        self._lines.append(json.dumps(row, ensure_ascii=False))

    def finish(self) -> Path:
        """Give the file the name of a whole one."""
        return self.path.replace(self.path.with_name(ROWS))


def write_answers(
    answers: Iterable[Answer],
    folder: Path,
    model: str,
    rows: PartialRows,
    *,
    former: Sequence[tuple[Asked, dict[str, Any]]] = (),
) -> Iterator[Path]:
    """Write all files; yields the paths of those to look at, pictures as their folder.

    A picture has its row's number: ``inference/1.png`` is that of the first line. It is written
    as soon as there is its answer, of which the image is not kept.

    Args:
        answers: in the order of the rows.
        folder: of the run.
        model: its name, for the page.
        rows: that are written as they come.
        former: the first rows and their questions, where a run goes on that was stopped.
    """
    pictures = folder / "inference"
    rows.begin([row for _, row in former])
    number = len(former)

    def shown() -> Iterator[ShownAnswer]:
        nonlocal number
        for asked, row in former:
            yield _shown_again(asked, row, several=rows.samples > 1)
        for number, answer in enumerate(answers, start=len(former) + 1):
            write_bytes(pictures / f"{number}.png", answer.png())
            if answer.name == SCENE:
                write_bytes(folder / SCENE, picture_bytes(answer.image, "PNG", optimize=True))
            rows.append(answer.row())
            yield ShownAnswer(
                name=answer.name,
                question=answer.question,
                answer=answer.answer,
                truth=answer.truth,
                image=answer.image,
                chain=answer.chain,
                sample=answer.sample if rows.samples > 1 else None,
            )

    write_text(folder / PAGE, render_answers(shown(), model))
    yield rows.finish()  # last: it says all is there
    yield pictures / "1.png" if number == 1 else pictures
    yield folder / PAGE


def _shown_again(asked: Asked, row: dict[str, Any], *, several: bool) -> ShownAnswer:
    """The answer of a row, as the page shows it."""
    image = asked.picture.load()
    space = Space("original", *image.size)
    boxes = [Box(x1, y1, x2, y2, space) for x1, y1, x2, y2 in row["boxes"]]
    return ShownAnswer(
        name=asked.image,
        question=asked.question,
        answer=row["answer"],
        truth=asked.truth,
        image=image,
        chain=chain_said(row["completion"], boxes, space),
        sample=row["sample"] if several else None,
    )
