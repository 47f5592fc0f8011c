"""Ask a judge which of two pictures a reasoning chain describes (cross-modal correlation).

Figure 4 of the paper: one picture has the boxes of a reasoning chain drawn on it, the other as many
random ones; the judge sees both and the chain without its coordinates. The score is the share of
chains for which it picks the chain's own boxes; 0.5 is chance.
"""

import hashlib
from collections.abc import Callable, Sequence

from PIL import Image

from grit.core.seeding import seed_for
from grit.judge.cache import cache_key
from grit.judge.prompt import PICTURES_VERSION, Comparison, pictures_content
from grit.judge.reply import read_picture
from grit.judge.service import Question, ServiceJudge
from grit.judge.settings import ServiceJudgeSettings


def compare_pictures(
    judge: ServiceJudge, comparisons: Sequence[Comparison], *, seed: int = 0
) -> list[float | None]:
    """1 if the judge picks the right picture, 0 if the wrong one, None if it fails.

    The order of the two pictures is a random function of seed and id. Another seed repeats the
    measurement: orders are drawn again, and answers cached for other seeds are not used.
    """
    return judge.answers([_question(judge.service, one, seed) for one in comparisons])


def _question(service: ServiceJudgeSettings, comparison: Comparison, seed: int) -> Question:
    place = seed_for(seed, "pictures", comparison.id) % 2  # of the right picture
    right, wrong = comparison.right, comparison.wrong
    pictures = (wrong, right) if place else (right, wrong)
    return Question(
        key=cache_key(
            *("pictures", *service.answering, PICTURES_VERSION, seed),
            *(comparison.id, comparison.description, *map(_digest, pictures)),
        ),
        content=lambda: pictures_content(comparison.description, pictures),
        read=_picks(place),
    )


def _picks(place: int) -> Callable[[str], float]:
    return lambda reply: float(read_picture(reply) == place)


def _digest(picture: Image.Image) -> str:
    head = f"{picture.mode} {picture.size} ".encode()
    return hashlib.sha256(head + picture.tobytes()).hexdigest()
