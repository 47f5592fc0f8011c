"""The order of training prompts: a pure function of the seed and the step.

Samples are shuffled anew for every epoch, and the sequence of epochs is cut into steps. A step may
therefore span two epochs, and a resumed run needs only the number of its step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from grit.core.errors import GritError
from grit.core.seeding import seed_for


class Draw(NamedTuple):
    """A sample and the epoch in which it is drawn; both seed its completions."""

    sample: int  # index into the data set
    epoch: int


@dataclass(frozen=True)
class DrawOrder:
    """The draws of every step, for one rank of ``world_size``."""

    samples: int  # size of the data set
    prompts_per_step: int  # of all ranks together
    seed: int
    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise GritError("data: there is no sample to train on")
        if self.prompts_per_step < 1 or self.prompts_per_step % self.world_size:
            raise GritError(
                f"training: {self.prompts_per_step} prompts a step cannot be dealt evenly to "
                f"{self.world_size} processes: expected a positive multiple of {self.world_size}"
            )

    def draws(self, step: int) -> list[Draw]:
        """This rank's draws of step ``step`` (from 0): every ``world_size``-th of them all.

        All completions of a prompt are therefore made on one rank.
        """
        first = step * self.prompts_per_step
        places = range(first + self.rank, first + self.prompts_per_step, self.world_size)
        return [self._draw(place) for place in places]

    def steps(self, start: int, stop: int) -> Iterator[list[Draw]]:
        """The draws of steps ``start`` to ``stop - 1``."""
        return (self.draws(step) for step in range(start, stop))

    def _draw(self, place: int) -> Draw:
        epoch, offset = divmod(place, self.samples)
        return Draw(int(_permutation(self.samples, self.seed, epoch)[offset]), epoch)


@lru_cache(maxsize=8)
def _permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng(seed_for(seed, "order", epoch)).permutation(size)
