"""What a judging model is asked, word for word as in the paper (figures 8 and 9)."""

import base64
import io
import re
from typing import Any

from PIL import Image

from grit.judge.judge import Query
from grit.judge_settings import PLACEHOLDERS

Content = str | list[dict[str, Any]]
"""The content of a user message: a text, or parts of which some are pictures."""

VERSION = 1  # part of the cache's keys: raise it with any change of a text below

ANSWER = """\
You are responsible for proofreading the answers, you need to give a score to the model's answer \
by referring to the standard answer, based on the given question. The full score is 1 point and \
the minimum score is 0 points. Please output the score in the json form "{score: <score>}". The \
evaluation criteria require that the closer the model's answer is to the standard answer, the \
higher the score.
Question: {question}
Standard answer: {answer}
Model's answer: {predicted_answer}"""

PICTURES = """\
Please decide which image has the bounding boxes that match the following description: \
{description} Reply with exactly "Image 0" or "Image 1"."""

_QUALITY = 95  # of JPEG: thin lines of boxes stay sharp
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PLACEHOLDERS)})\}}")


def answer_content(query: Query, prompt: str = ANSWER) -> Content:
    """The question about one answer; ``query.question`` stands in it alone, without any suffix.

    All but the three placeholders of ``prompt`` stays as it is, other braces too.
    """
    values = dict(zip(PLACEHOLDERS, query, strict=True))
    return sendable(_PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], prompt))


def pictures_content(description: str, pictures: tuple[Image.Image, Image.Image]) -> Content:
    """The question which of two pictures, Image 0 and Image 1, a description belongs to."""
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": _data_url(picture)}} for picture in pictures
    ]
    return [*parts, {"type": "text", "text": sendable(PICTURES.format(description=description))}]


def sendable(text: str) -> str:
    """``text`` with what UTF-8 cannot hold (a half of a UTF-16 pair) replaced."""
    return text.encode("utf-8", "replace").decode()


def _data_url(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "JPEG", quality=_QUALITY, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
