"""``chains.html``: every reasoning chain of a run, to search and to filter, beside its report."""

from grit.pages.gallery import Card, Gallery, PictureOf, Rows, card_of, examples_of
from grit.pages.pages import page

PER_PAGE = 40  # chains
BUDGET = 24_000_000  # characters of pictures; later chains stand on an empty ground


def render_all_chains(
    title: str, before: Rows, after: Rows, picture_of: PictureOf, *, budget: int = BUDGET
) -> str:
    """The page as text.

    Args:
        title: of the run.
        before: rows of the evaluation before training, by set; may be empty.
        after: those of the evaluation that counts.
        picture_of: an image by set and id; asked for until ``budget`` is spent.
        budget: characters of all pictures.
    """
    sets: dict[str, list[Card]] = {}
    spent = 0
    for name, rows in after.items():
        for example in examples_of(before.get(name, ()), rows):
            card = card_of(example, picture_of if spent < budget else _no_picture)
            spent += len(card.picture.uri)
            sets.setdefault(name, []).append(card)
    return page(
        "all_chains.html.jinja",
        title=title,
        gallery=Gallery(sets),
        per_page=PER_PAGE,
        without_pictures=spent >= budget,
    )


def _no_picture(name: str, row: str) -> None:
    return None
