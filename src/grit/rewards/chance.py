"""A reward that knows nothing: the control that says what training does by itself."""

from grit.core.seeding import seed_for
from grit.rewards.response import Response


def coin(response: Response) -> float:
    """1 or 0, each half of the time, whatever was asked and answered.

    "Spurious Rewards" (2506.10947) trains on it: what such a run gains is no merit of a reward. It
    hangs on the completion's seed, so that a resumed run and any number of ranks toss the same
    coins; where no seed is known, as in ``task=score``, on the question and the text.
    """
    tossed = seed_for("coin", response.seed, response.question, response.trace.text)
    return float(tossed % 2)
