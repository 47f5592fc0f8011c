"""Prompts with part of their image blanked, for the terms of ``perception``."""

from dataclasses import dataclass, replace
from random import Random

from PIL import Image

from grit.core.seeding import seed_for
from grit.data.samples import Picture, Sample
from grit.training.perception import blanked
from grit.training.settings import PerceptionSettings


@dataclass(frozen=True)
class BlankedPicture:
    """A picture with random patches blanked; implements ``samples.Picture``."""

    picture: Picture
    share: float  # of patches
    patch: int  # side in pixels
    seed: int

    @property
    def key(self) -> str:
        """That of the picture with everything that changes it."""
        return f"{self.picture.key}/blanked/{self.share}/{self.patch}/{self.seed}"

    def load(self) -> Image.Image:
        """The blanked image, of the same size."""
        return blanked(self.picture.load(), self.share, self.patch, Random(self.seed))


def with_blanked_picture(
    sample: Sample, settings: PerceptionSettings, seed: int, epoch: int
) -> Sample:
    """The sample with its picture blanked, by a seed, its id and the epoch it is drawn in."""
    drawn = seed_for(seed, "blanked", sample.id, epoch)
    picture = BlankedPicture(sample.picture, settings.blanked, settings.patch, drawn)
    return replace(sample, picture=picture)
