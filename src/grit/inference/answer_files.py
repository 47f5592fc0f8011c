"""What ``task=infer`` leaves: ``inference.jsonl``, a picture for each row, and a page."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from grit.core.files import write_bytes, write_jsonl, write_text
from grit.inference.answers import Answer
from grit.inference.questions import SCENE
from grit.pages.answers_page import ShownAnswer, render_answers

ROWS, PAGE = "inference.jsonl", "inference.html"


def write_answers(answers: Sequence[Answer], folder: Path, model: str) -> Iterator[Path]:
    """Write all files; yields the paths of those to look at, pictures as their folder.

    A picture has its row's number: ``inference/1.png`` is that of the first line.

    Args:
        answers: in the order of the rows.
        folder: of the run.
        model: its name, for the page.
    """
    several = any(answer.sample > 1 for answer in answers)
    pictures = folder / "inference"
    for number, answer in enumerate(answers, start=1):
        write_bytes(pictures / f"{number}.png", answer.png())
        if answer.name == SCENE:
            write_bytes(folder / SCENE, _png(answer))
    shown = [
        ShownAnswer(
            name=answer.name,
            question=answer.question,
            answer=answer.answer,
            truth=answer.truth,
            image=answer.image,
            chain=answer.chain,
            sample=answer.sample if several else None,
        )
        for answer in answers
    ]
    write_text(folder / PAGE, render_answers(shown, model))
    write_jsonl(folder / ROWS, [answer.row() for answer in answers])  # last: it says all is there
    yield folder / ROWS
    yield pictures / "1.png" if len(answers) == 1 else pictures
    yield folder / PAGE


def _png(answer: Answer) -> bytes:
    stream = io.BytesIO()
    answer.image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
