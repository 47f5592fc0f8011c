"""Later stages: the language part learns to answer from the features of the frozen vision part."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel, ProcessorMixin

from grit.data.shapes.scenes import Scene, scene_for
from grit.grounding.boxes import NORMALIZED_1000, Space
from grit.models.tiny import SCENE, Family
from grit.pretraining.habits import rng_for
from grit.pretraining.lessons import Lesson, turns_about
from grit.pretraining.optimizers import optimizers_for
from grit.pretraining.packing import Packed, Packer, Turn, answer_logits
from grit.pretraining.pointing import PointingHeads
from grit.pretraining.vision import cached_features

IMAGES = 8  # a step
HELD_OUT = 240  # scenes
LENGTH_POWER = 0.5  # a completion of n tokens weighs n ** 0.5 times one of one token


@dataclass(frozen=True)
class LanguagePlan:
    """What a language stage does."""

    name: str
    lesson: Lesson
    steps: int
    pool: int  # scenes, drawn and looked at once, at first
    rate: float  # Muon's peak; AdamW has two thirds of it
    pointing: float = 0.0  # what the loss of the pointing heads weighs; 0 leaves them out


class LanguageStage:
    """Trains the language part on one lesson."""

    shown: tuple[str, ...] = ("vsr_yes_no", "tallyqa", "habit")

    def __init__(
        self,
        plan: LanguagePlan,
        family: Family,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        heads: PointingHeads,
        seed: int,
    ) -> None:
        self.plan, self.family, self.seed = plan, family, seed
        self.name, self.steps, self.lesson = plan.name, plan.steps, plan.lesson
        self.model, self.processor, self.heads = model, processor, heads
        self.space = spoken_space(family)
        self.packer = Packer(model, processor, LENGTH_POWER)
        language = model.model.language_model
        self.trained: nn.Module = nn.ModuleList([language, heads])
        self.optimizers = optimizers_for([language], [heads], plan.rate, plan.rate / 1.5)
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

        self.scenes, self.held_out = drawn("pretrain", self.plan.pool), drawn("dev", HELD_OUT)
        self.features = cached_features(self.model, self.processor, self.scenes)
        self.held_out_features = cached_features(self.model, self.processor, self.held_out)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Weighted cross-entropy of the answers' tokens of eight images' turns."""
        chosen = rng_for(self.seed, self.name, step).sample(range(self.plan.pool), IMAGES)
        rows = self._rows([self.scenes[i] for i in chosen], "train", step)
        # Long rows apart from short ones: padding is paid for like text.
        order = sorted(range(IMAGES), key=lambda i: sum(map(_size, rows[i])))
        total = weight = aside = torch.zeros(())
        seen: dict[str, list[float]] = defaultdict(list)
        for part in (order[: IMAGES // 2], order[IMAGES // 2 :]):
            packed = self.packer.pack([rows[i] for i in part])
            features = self.features[[chosen[i] for i in part]].float()
            logits, states = answer_logits(self.model, packed, features, self.packer.image)
            each = functional.cross_entropy(logits, packed.labels, reduction="none")
            total, weight = total + (each * packed.weights).sum(), weight + packed.weights.sum()
            _note(seen, packed, logits.detach())
            if self.plan.pointing and len(packed.marked):
                pointed, figures = self.heads(states, packed.marked, packed.meant)
                aside = aside + self.plan.pointing * pointed
                for name, value in figures.items():
                    seen[name].append(value)
        return total / weight + aside, _means(seen)

    def quality(self) -> dict[str, float]:
        """Share of turns of each kind on dev scenes of which greedy decoding gets all tokens."""
        seen: dict[str, list[float]] = defaultdict(list)
        for at in range(0, HELD_OUT, IMAGES):
            packed = self.packer.pack(self._rows(self.held_out[at : at + IMAGES], "dev", at))
            features = self.held_out_features[at : at + IMAGES].float()
            with torch.no_grad():
                logits, _ = answer_logits(self.model, packed, features, self.packer.image)
            _note(seen, packed, logits)
        return _means(seen)

    def _rows(self, scenes: Sequence[Scene], *parts: object) -> list[list[Turn]]:
        stream = self.seed, self.name, *parts
        return [
            turns_about(scene, self.lesson, self.family, self.space, *stream, i)
            for i, scene in enumerate(scenes)
        ]


def spoken_space(family: Family) -> Space:
    """The coordinates that a tiny model of the family speaks about a drawn scene."""
    return Space("original", SCENE, SCENE) if family == "qwen" else NORMALIZED_1000


def _size(turn: Turn) -> int:
    return len(turn.prompt) + len(turn.completion)


def _note(seen: dict[str, list[float]], packed: Packed, logits: Tensor) -> None:
    """Note for each turn, by kind, whether every token of it is the most likely one."""
    right = (logits.argmax(-1) == packed.labels).float()
    whole = torch.ones(len(packed.kinds)).scatter_reduce(0, packed.turns, right, "amin")
    for kind, value in zip(packed.kinds, whole.tolist(), strict=True):
        seen[kind].append(value)


def _means(seen: dict[str, list[float]]) -> dict[str, float]:
    return {kind: fmean(values) for kind, values in sorted(seen.items())}
