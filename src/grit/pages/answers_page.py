"""``inference.html``: answers to questions that nobody judged, with their boxes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from PIL import Image

from grit.grounding.boxes import Space
from grit.pages.chains import Chain, EmbeddedPicture, embedded
from grit.pages.pages import page

_NO_IMAGE = Image.new("RGB", (1, 1))
BUDGET = 12_000_000  # characters of all pictures; later answers are left out of the page


@dataclass(frozen=True)
class ShownAnswer:
    """An answer to a question about an image."""

    name: str  # of the image
    question: str
    answer: str | None
    truth: str | None  # where it is known
    image: Image.Image
    chain: Chain
    sample: int | None = None  # its number, where several answers to a question are shown


class _Card(NamedTuple):
    answer: ShownAnswer  # without its image: decoded ones of many answers do not fit into memory
    picture: EmbeddedPicture

    @property
    def chain(self) -> Chain:
        return self.answer.chain


def render_answers(answers: Iterable[ShownAnswer], model: str, *, budget: int = BUDGET) -> str:
    """The page as text; answers beyond ``budget`` characters of pictures are counted only.

    Answers are taken one at a time, and their images are not kept.
    """
    cards: list[_Card] = []
    spent = left_out = 0
    for answer in answers:
        if spent <= budget:
            picture = embedded(answer.image, Space("original", *answer.image.size))
            spent += len(picture.uri)
            if not cards or spent <= budget:
                cards.append(_Card(replace(answer, image=_NO_IMAGE), picture))
                continue
        left_out += 1
    return page("answers.html.jinja", cards=cards, left_out=left_out, model=model)
