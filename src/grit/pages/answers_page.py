"""``inference.html``: answers to questions that nobody judged, with their boxes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from grit.grounding.boxes import Space
from grit.pages.chains import Chain, EmbeddedPicture, embedded
from grit.pages.pages import page

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
    answer: ShownAnswer
    picture: EmbeddedPicture

    @property
    def chain(self) -> Chain:
        return self.answer.chain


def render_answers(answers: Sequence[ShownAnswer], model: str, *, budget: int = BUDGET) -> str:
    """The page as text; answers beyond ``budget`` characters of pictures are counted only."""
    cards: list[_Card] = []
    spent = 0
    for answer in answers:
        picture = embedded(answer.image, Space("original", *answer.image.size))
        spent += len(picture.uri)
        if cards and spent > budget:
            break
        cards.append(_Card(answer, picture))
    left_out = len(answers) - len(cards)
    return page("answers.html.jinja", cards=cards, left_out=left_out, model=model)
