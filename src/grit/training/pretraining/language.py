"""Later stages: the language part learns to answer from the features of the frozen vision part."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, ProcessorMixin

from grit.data.shapes.scenes import Scene, scene_for
from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.tiny import SCENE, Family
from grit.training.pretraining.habits import rng_for
from grit.training.pretraining.lessons import Lesson, turns_about
from grit.training.pretraining.optimizers import optimizers_for
from grit.training.pretraining.packing import Packed, Packer, answer_logits
from grit.training.pretraining.vision import cached_features

IMAGES = 8  # a step
HELD_OUT = 240  # scenes
LENGTH_POWER = 0.5  # a completion of n tokens weighs n ** 0.5 times one of one token


class LanguageStage:
    """Trains the language part on one lesson; ``pool`` scenes are drawn and seen once, at first."""

    shown = ("vsr_yes_no", "tallyqa", "habit")

    def __init__(
        self,
        name: str,
        lesson: Lesson,
        family: Family,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        seed: int,
        steps: int,
        pool: int,
        rate: float,
    ) -> None:
        self.name, self.lesson, self.family = name, lesson, family
        self.model, self.processor = model, processor
        self.seed, self.steps, self.pool = seed, steps, pool
        self.space = spoken_space(family)
        self.packer = Packer(model, processor, LENGTH_POWER)
        self.trained = model.model.language_model
        self.optimizers = optimizers_for([self.trained], [], rate, rate / 1.5)
        self.scenes: list[Scene] = []
        self.held_out: list[Scene] = []
        self.features = self.held_out_features = torch.empty(0)

    def prepare(self) -> None:
        """Draw the scenes and keep what the frozen vision part makes of them."""
        plans = self.lesson.plans

        def drawn(split: str, count: int) -> list[Scene]:
            ways = [plans[i % len(plans)] for i in range(count)]
            return [
                scene_for(split, self.seed, self.name, i, plan=plan) for i, plan in enumerate(ways)
            ]

        self.scenes, self.held_out = drawn("pretrain", self.pool), drawn("dev", HELD_OUT)
        self.features = cached_features(self.model, self.processor, self.scenes)
        self.held_out_features = cached_features(self.model, self.processor, self.held_out)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Weighted cross-entropy of the answers' tokens of eight images' turns."""
        chosen = rng_for(self.seed, self.name, step).sample(range(self.pool), IMAGES)
        packed = self._packed([self.scenes[i] for i in chosen], "train", step)
        logits = answer_logits(
            self.model, packed, self.features[chosen].float(), self.packer.image
        )
        each = functional.cross_entropy(logits, packed.labels, reduction="none")
        loss = (each * packed.weights).sum() / packed.weights.sum()
        return loss, _right_turns(packed, logits)

    def quality(self, step: int) -> dict[str, float]:
        """Share of turns of each kind on dev scenes of which greedy decoding gets all tokens."""
        totals: dict[str, list[float]] = defaultdict(list)
        for at in range(0, HELD_OUT, IMAGES):
            packed = self._packed(self.held_out[at : at + IMAGES], "dev", at)
            features = self.held_out_features[at : at + IMAGES].float()
            with torch.no_grad():
                logits = answer_logits(self.model, packed, features, self.packer.image)
            right = _all_right(packed, logits)
            for kind, value in zip(packed.kinds, right.tolist(), strict=True):
                totals[kind].append(value)
        return {kind: sum(values) / len(values) for kind, values in sorted(totals.items())}

    def _packed(self, scenes: Sequence[Scene], *parts: object) -> Packed:
        rows = [
            turns_about(scene, self.lesson, self.family, self.space, self.seed, self.name, *parts, i)
            for i, scene in enumerate(scenes)
        ]
        return self.packer.pack(rows)


def spoken_space(family: Family) -> Space:
    """The coordinates that a tiny model of the family speaks about a drawn scene."""
    return Space("original", SCENE, SCENE) if family == "qwen" else NORMALIZED_1000


def _all_right(packed: Packed, logits: Tensor) -> Tensor:
    """[number of turns]: 1 where every token of the completion is the most likely one."""
    right = (logits.argmax(-1) == packed.labels).float()
    whole = torch.ones(len(packed.kinds))
    return whole.scatter_reduce(0, packed.turns, right, "amin")


def _right_turns(packed: Packed, logits: Tensor) -> dict[str, float]:
    whole = _all_right(packed, logits.detach()).tolist()
    kinds: dict[str, list[float]] = defaultdict(list)
    for kind, value in zip(packed.kinds, whole, strict=True):
        kinds[kind].append(value)
    return {kind: sum(values) / len(values) for kind, values in kinds.items()}
