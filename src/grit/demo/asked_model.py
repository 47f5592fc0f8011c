"""A model that visitors ask: its chain as pieces of a page, and where it looked."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from PIL import Image

from grit.core.errors import GritError
from grit.core.picture_bytes import data_uri
from grit.demo.shelf import Shelf
from grit.demo.visitor_pictures import VisitorPicture
from grit.inference.answers import Answer
from grit.inference.grounded_model import GroundedModel
from grit.pages.chains import chain_said
from grit.pages.pages import fragment

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_QUESTION = 2000  # characters
_ANSWERS = 64  # that can be looked into
_SHADE = 0.85  # opacity where the model did not look
_NO_IMAGE = Image.new("RGB", (1, 1))
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Kept:
    """An answer to be looked into. Its picture stays with the others: decoded it takes 36 MB."""

    picture: str  # its key
    answer: Answer  # with an image that is none


class AskedModel:
    """One of the demo's models. What it returns is JSON for the page."""

    def __init__(self, model: GroundedModel, pictures: Shelf[VisitorPicture], limit: float) -> None:
        self.model, self.pictures, self.limit = model, pictures, limit
        self._answers: Shelf[_Kept] = Shelf(_ANSWERS)

    def ask(self, picture: str, question: str) -> Iterator[dict[str, Any]]:
        """The answer so far after each token as ``html``; at the end also its id; or a ``problem``.

        The generator's end stops the model.
        """
        found = self.pictures.get(picture)
        if found is None:
            yield {"problem": "The picture is no longer here: choose it again."}
            return
        if not isinstance(question, str) or not 0 < len(question.strip()) <= LONGEST_QUESTION:
            yield {"problem": f"A question has 1 to {LONGEST_QUESTION:,} characters."}
            return
        try:
            yield from self._chain(picture, found, question.strip())
        except TimeoutError:
            yield {"problem": f"Stopped: it took longer than {self.limit:g} s."}
        except GritError as error:
            yield {"problem": str(error)}
        except Exception:  # a fault of ours: in the log, and no word of it outside
            log.exception("an answer failed")
            yield {"problem": "Something went wrong. The demo's log says what."}

    def _chain(self, key: str, picture: VisitorPicture, question: str) -> Iterator[dict[str, Any]]:
        began = monotonic()
        image = picture.load()
        with closing(self.model.stream(image, question, within=self.limit)) as stream:
            for answer in stream:
                yield {"html": answer_html(key, picture, answer)}
        note = f"{answer.tokens} tokens in {monotonic() - began:.1f} s"
        html = answer_html(key, picture, answer, note=note)
        kept = _Kept(key, replace(answer, image=_NO_IMAGE))
        yield {"html": html, "answer": self._answers.put(kept)}

    def look(self, answer: str, number: int) -> dict[str, Any]:
        """Where the model looked while it wrote a box of an answer: a picture's ``uri``, a note."""
        kept = self._answers.get(answer)
        picture = None if kept is None else self.pictures.get(kept.picture)
        if kept is None or picture is None:
            return {"problem": "The answer is no longer here: ask again."}
        try:
            whole = replace(kept.answer, image=picture.load())
            seen = self.model.attention(whole, number)
        except KeyError:
            return {"problem": "The answer has no such box."}
        except Exception:  # as above
            log.exception("attention failed")
            return {"problem": "Something went wrong. The demo's log says what."}
        note = f"bright is where it looked; the picture got {seen.sum():.0%} of all attention"
        return {"uri": spotlight(seen), "note": note}


def answer_html(
    key: str, picture: VisitorPicture, answer: Answer | None, *, note: str | None = None
) -> str:
    """A picture with the boxes of an answer, beside it the chain.

    Args:
        key: of the picture, which is on the page already.
        picture: that was asked about.
        answer: so far; None: nothing was asked yet.
        note: of an answer that has ended, about how it came to be.
    """
    chain = answer.chain if answer else chain_said("", (), None)
    is_scenes_own = answer is not None and answer.question == picture.question
    return fragment(
        "answer.html.jinja",
        room=TEMPLATES,
        key=f"p{key}",
        picture=picture.shown,
        chain=chain,
        numbers=sorted({piece.number for piece in chain.pieces if piece.kind == "box"}),
        answer=answer.answer if answer else None,
        truncated=answer is not None and answer.truncated,
        truth=picture.truth if is_scenes_own else None,
        note=note,
    )


def spotlight(attention: np.ndarray) -> str:
    """A map [rows, columns] as a picture to lay over another: dark where little attention went."""
    dark = 1 - attention / attention.max()
    shade = np.zeros((*attention.shape, 4), np.uint8)
    shade[..., 3] = np.rint(255 * _SHADE * dark)
    return data_uri(Image.fromarray(shade, "RGBA"), "PNG")
