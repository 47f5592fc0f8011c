"""A chain that a model goes on from: a completion's tokens up to ``<rethink>``."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from grit.evaluation.predictions import Prediction
from grit.grounding.boxes import Box
from grit.grounding.traces import parse
from grit.models.adapter import Adapter
from grit.models.written_text import written_text

RETHINK = "<rethink>"


class AnsweredChain(NamedTuple):
    """A question that was answered, and the boxes of the chain before the answer."""

    prediction: Prediction
    boxes: tuple[Box, ...]  # different ones with an area, clipped; original pixels; at least one


def answered_chain(prediction: Prediction) -> AnsweredChain | None:
    """The chain of a completion; None where it has no box or no answer, or where that is a box.

    Its boxes are those before ``<rethink>``, without one before ``<answer>``. A picture of unknown
    size has none.
    """
    box_space, space = prediction.box_space, prediction.space
    trace = parse(prediction.completion)
    if prediction.truth_is_box or trace.answer is None or box_space is None or space is None:
        return None
    tidied = (Box(*corners, box_space).to(space).tidied() for corners in trace.boxes)
    boxes = tuple(dict.fromkeys(box for box in tidied if box is not None))
    return AnsweredChain(prediction, boxes) if boxes else None


def kept_ids(completion: str, adapter: Adapter) -> tuple[int, ...] | None:
    r"""The token ids of a completion as written up to ``<rethink>``; None where there is none.

    The text is encoded as a whole and cut between tokens: a token that ends behind the tag, as
    ``>\n`` does in some vocabularies, is left to the model. So a greedy model that wrote the text
    in these tokens goes on as it did.
    """
    chain, tag, _ = completion.partition(RETHINK)
    if not tag:
        return None
    ids = adapter.row_text.trace_ids(completion)

    def length(count: int) -> int:
        return len(written_text(ids[:count], adapter))

    return tuple(ids[: bisect_right(range(len(ids) + 1), len(chain + tag), key=length) - 1])


def whole(kept: Sequence[int], continued: Sequence[int], most: int, adapter: Adapter) -> str:
    """The completion of kept and continued tokens, of at most so many."""
    return adapter.decode([*kept, *continued][:most])
