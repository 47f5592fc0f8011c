"""What ``task=infer`` leaves: ``inference.jsonl``, a picture for each row, and a page."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from grit.core.files import write_bytes, write_jsonl, write_text
from grit.core.picture_bytes import picture_bytes
from grit.inference.answers import Answer
from grit.inference.questions import SCENE
from grit.pages.answers_page import ShownAnswer, render_answers

ROWS, PAGE = "inference.jsonl", "inference.html"


def write_answers(
    answers: Iterable[Answer], folder: Path, model: str, *, several: bool
) -> Iterator[Path]:
    """Write all files; yields the paths of those to look at, pictures as their folder.

    A picture has its row's number: ``inference/1.png`` is that of the first line. It is written
    as soon as there is its answer, of which the image is not kept.

    Args:
        answers: in the order of the rows.
        folder: of the run.
        model: its name, for the page.
        several: whether a question has more answers than one.
    """
    pictures = folder / "inference"
    rows: list[dict[str, Any]] = []

    def shown() -> Iterator[ShownAnswer]:
        for number, answer in enumerate(answers, start=1):
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
                sample=answer.sample if several else None,
            )

    write_text(folder / PAGE, render_answers(shown(), model))
    write_jsonl(folder / ROWS, rows)  # last: it says all is there
    yield folder / ROWS
    yield pictures / "1.png" if len(rows) == 1 else pictures
    yield folder / PAGE
