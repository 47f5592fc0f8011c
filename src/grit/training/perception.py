"""Terms that make a chain depend on the image: PAPO and VPPO, which need no annotation.

Both ask how likely the sampled tokens are if part of the image is blanked. That takes one more
forward pass over the same rows with another image, and no sampling.

- PAPO (2507.06448) adds gamma k3(pi(.|image), pi(.|blanked image)) to the objective. The blanked
  branch has no gradient. Since a policy can raise that term by becoming uncertain everywhere, PAPO
  may punish entropy; its estimate from the sampled tokens, -log pi, is used here, as in PAPO's
  code. Its gradient is 0 on average where the tokens are the policy's own: at one update a rollout.
- VPPO (2510.09285) gives the advantage to the tokens alone that depend on the image most, and more
  of it to completions that do: see ``pivotal_tokens`` and ``completion_scales``.

Shapes: B completions, M tokens of all completions; ``owner`` [M] is the completion of a token.
"""

import math
from dataclasses import dataclass, replace
from random import Random

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from grit.core.seeding import seed_for
from grit.data.samples import Picture, Sample
from grit.training.grpo_gr import k3
from grit.training.settings import PerceptionSettings

# Of log-probabilities and of k3, as in PAPO's code and in VPPO's
LARGEST_DIFFERENCE, LARGEST_KL = 20.0, 10.0


@dataclass(frozen=True)
class BlankedPicture:
    """A picture with random patches blanked; implements ``samples.Picture``."""

    picture: Picture
    share: float  # of patches, each blanked with this probability
    patch: int  # side in pixels
    seed: int

    @property
    def key(self) -> str:
        """That of the picture with everything that changes it."""
        return f"{self.picture.key}/blanked/{self.share}/{self.patch}/{self.seed}"

    def load(self) -> Image.Image:
        """A copy of the image in which the blanked patches are black."""
        rng, image = Random(self.seed), self.picture.load().copy()
        draw = ImageDraw.Draw(image)
        for top in range(0, image.height, self.patch):
            for left in range(0, image.width, self.patch):
                if rng.random() < self.share:
                    right, bottom = left + self.patch - 1, top + self.patch - 1
                    draw.rectangle((left, top, right, bottom), fill=0)
        return image


def with_blanked_picture(
    sample: Sample, settings: PerceptionSettings, seed: int, epoch: int
) -> Sample:
    """The sample with its picture blanked, by a seed, its id and the epoch it is drawn in."""
    drawn = seed_for(seed, "blanked", sample.id, epoch)
    picture = BlankedPicture(sample.picture, settings.blanked, settings.patch, drawn)
    return replace(sample, picture=picture)


def perception_gain(logp: Tensor, blanked_logp: Tensor, *, gamma: float, entropy: float) -> Tensor:
    """PAPO's terms of the objective, [M]: gamma k3 - entropy (-log pi).

    k3 is bounded as in PAPO's code, without a gradient beyond: the term is to grow, and one token
    that is rare with the image would else be a step's whole gradient.

    Args:
        logp: [M], log pi_theta given the image, with gradient.
        blanked_logp: [M], given the blanked image, without.
        gamma: weight of the KL estimate.
        entropy: weight of the entropy estimate.
    """
    return gamma * sensitivity(logp, blanked_logp) + entropy * logp


def sensitivity(logp: Tensor, blanked_logp: Tensor) -> Tensor:
    """How much each token depends on the image [M]: the k3 estimate, bounded."""
    difference = (blanked_logp - logp).clamp(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
    return k3(torch.zeros_like(difference), difference).clamp(0.0, LARGEST_KL)


def pivotal_tokens(sensitivities: Tensor, owner: Tensor, completions: int, share: float) -> Tensor:
    """Which tokens [M] keep their advantage: of each completion the ceil(share n) most sensitive.

    Of equally sensitive tokens, the earlier ones are taken.
    """
    kept = torch.zeros(len(owner), dtype=torch.bool, device=owner.device)
    for completion in range(completions):
        places = (owner == completion).nonzero().squeeze(-1)
        order = sensitivities[places].sort(descending=True, stable=True).indices
        kept[places[order[: math.ceil(share * len(places))]]] = True
    return kept


def completion_scales(scores: Tensor, least: float) -> Tensor:
    """Factors [B] of the completions' advantages, from ``least`` up, with mean 1.

    Linear in the sensitivities of a step, whose lowest has ``least``; 1 if all are equal.
    """
    span = scores.max() - scores.min()
    if span <= 1e-6:
        return torch.ones_like(scores)
    relative = (scores - scores.min()) / span
    return least + (1 - least) * relative / relative.mean()
