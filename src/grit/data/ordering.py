"""Which prompts each training step draws: a pure function of the seed and the step.

The samples are shuffled anew every epoch, the shuffled epochs follow one another without a gap,
and the row is cut into steps. A step may therefore span epochs, and a stopped run finds its place
again from its step's number alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from grit.core.errors import GritError
from grit.core.seeding import seed_for


class Draw(NamedTuple):
    """A sample drawn in an epoch; completions are seeded by the sample's id and the epoch."""

    sample: int  # index into the data set
    epoch: int


@dataclass(frozen=True)
class DrawOrder:
    """The draws of every step, for one process of ``world_size``."""

    samples: int
    prompts_per_step: int  # of all processes together
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
        """The process's draws of step ``step`` (from 0): every ``world_size``-th of them all.

        The group of completions of one prompt therefore never crosses processes.
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


@lru_cache(maxsize=8)  # neighbouring draws ask for the same epoch
def _permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng(seed_for(seed, "order", epoch)).permutation(size)
