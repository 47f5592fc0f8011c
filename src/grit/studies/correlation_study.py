"""Vision-Language Reasoning Cross-Modal Correlation, the paper's figure 4.

The boxes of a chain are drawn on its image, and as many random boxes on a second copy. A judge sees
both in random order, with the chain whose coordinates are masked, and says which matches. The
correlation is the share of chains for which it picks the chain's own boxes: 0.5 is chance.

Where the paper is silent: a chain is everything before the answer; its boxes are drawn without
numbers; random corners are uniform; every repeat draws new random boxes and a new order. Beside the
paper's random boxes there is a harder control, boxes of the chain's own sizes in random places:
against the paper's, a chain can win by the size of its boxes alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from grit.core.seeding import seed_for
from grit.evaluation.bootstrap import Estimate, estimate_known, mean_known
from grit.studies.correlation_chains import GroundedChain, random_boxes
from grit.studies.correlation_judges import UNDECIDED, Matcher, Pair

CONTROLS = {"random": False, "same_sizes": True}
"""What a chain's boxes are compared with -> whether the random boxes have their sizes."""


@dataclass(frozen=True)
class Correlation:
    """The correlation of one model's chains with their images, against one control."""

    repeats: tuple[float | None, ...]  # the share of own boxes picked, in each repeat
    mean: float | None  # over the repeats
    std: float | None  # sample standard deviation over the repeats: of the control's chance
    interval: Estimate  # over pictures, with the means over the repeats of each of their chains
    sets: Mapping[str, Estimate]  # the same within each set
    undecided: int  # of all judgements; half a point each, what guessing earns on average
    failures: int  # of all judgements; no part of any number


def correlate(
    chains: Sequence[GroundedChain], matcher: Matcher, *, repeats: int = 3, seed: int = 0
) -> dict[str, Correlation]:
    """Judge every chain ``repeats`` times against each of ``CONTROLS``.

    What is drawn for a chain depends on seed, set, id, control and repeat alone.
    """
    return {control: _correlation(chains, matcher, control, repeats, seed) for control in CONTROLS}


def _correlation(
    chains: Sequence[GroundedChain], matcher: Matcher, control: str, repeats: int, seed: int
) -> Correlation:
    picks = matcher([_pair(chain, control, seed, k) for k in range(repeats) for chain in chains])
    points = np.array(picks, dtype=np.float64).reshape(repeats, len(chains))  # nan: no answer
    shares = tuple(map(mean_known, points))
    known = [share for share in shares if share is not None]
    of_chain = [mean_known(column) for column in points.T]
    sets = list(dict.fromkeys(chain.set for chain in chains))
    return Correlation(
        repeats=shares,
        mean=float(np.mean(known)) if known else None,
        std=float(np.std(known, ddof=1)) if len(known) > 1 else None,
        interval=_estimate(of_chain, chains, sets),
        sets={name: _estimate(of_chain, chains, [name]) for name in sets},
        undecided=sum(pick == UNDECIDED for pick in picks),
        failures=sum(pick is None for pick in picks),
    )


def _pair(chain: GroundedChain, control: str, seed: int, repeat: int) -> Pair:
    name = "/".join((control, str(repeat), chain.set, chain.id))
    random = Random(seed_for(seed, "figure4", name))
    return Pair(name, chain, random_boxes(chain.boxes, random, same_sizes=CONTROLS[control]))


def _estimate(
    points: Sequence[float | None], chains: Sequence[GroundedChain], sets: Sequence[str]
) -> Estimate:
    """The chains of these sets that have a point; those of one picture are drawn together."""
    mine = [at for at, chain in enumerate(chains) if chain.set in sets]
    pictures = [(chains[at].set, chains[at].picture.key) for at in mine]
    return estimate_known([points[at] for at in mine], pictures)
