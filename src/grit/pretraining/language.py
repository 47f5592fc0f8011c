"""The later stages: training the language model on features of the frozen vision tower."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn import functional

from grit.data.shapes.scenes import Scene, scene_for
from grit.grounding.boxes import Space
from grit.models.adapter import Adapter
from grit.pretraining.habits import rng_for
from grit.pretraining.lessons import Lesson, turns_about
from grit.pretraining.optimizers import optimizers_for
from grit.pretraining.packing import Packed, Packer, Turn, answer_logits
from grit.pretraining.pointing import PointingHeads
from grit.pretraining.settings import IMAGES
from grit.pretraining.vision import cached_features

HELD_OUT = 240  # scenes
LENGTH_POWER = 0.5  # a completion of n tokens weighs n ** 0.5 times one of one token


@dataclass(frozen=True)
class LanguagePlan:
    """The settings of a language stage."""

    name: str
    lesson: Lesson
    steps: int
    pool: int  # number of scenes, whose image features are computed once
    rate: float  # peak learning rate of Muon; AdamW has two thirds of it
    pointing: float = 0.0  # weight of the loss of the pointing heads; 0: without them


class LanguageStage:
    """Trains the language model on a lesson."""

    shown: tuple[str, ...] = ("vsr_yes_no", "tallyqa", "habit")

    def __init__(
        self,
        plan: LanguagePlan,
        adapter: Adapter,
        space: Space,
        heads: PointingHeads,
        seed: int,
    ) -> None:
        self.plan, self.space, self.seed = plan, space, seed
        self.name, self.steps, self.lesson = plan.name, plan.steps, plan.lesson
        self.adapter, self.heads = adapter, heads
        self.packer = Packer(adapter, LENGTH_POWER)
        language = adapter.plain.model.language_model
        self.trained: nn.Module = nn.ModuleList([language, heads])
        self.optimizers = optimizers_for([language], [heads], plan.rate, plan.rate / 1.5)
        self.scenes: list[Scene] = []
        self.held_out: list[Scene] = []
        self.features = self.held_out_features = torch.empty(0)

    def prepare(self) -> None:
        """Draw the scenes and compute their image features."""
        plans = self.lesson.plans

        def drawn(split: str, count: int) -> list[Scene]:
            return [
                scene_for(split, self.seed, self.name, i, plan=plans[i % len(plans)])
                for i in range(count)
            ]

        self.scenes, self.held_out = drawn("pretrain", self.plan.pool), drawn("dev", HELD_OUT)
        self.features = cached_features(self.adapter, self.scenes)
        self.held_out_features = cached_features(self.adapter, self.held_out)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Weighted cross-entropy of the completions' tokens of all turns about eight images."""
        chosen = rng_for(self.seed, self.name, step).sample(range(self.plan.pool), IMAGES)
        rows = self._rows([self.scenes[i] for i in chosen], "train", step)
        # Two batches, of the shorter and of the longer rows: less padding.
        order = sorted(range(IMAGES), key=lambda i: sum(map(_size, rows[i])))
        total = weight = auxiliary = torch.zeros(())
        figures: dict[str, list[float]] = defaultdict(list)
        for batch in (order[: IMAGES // 2], order[IMAGES // 2 :]):
            packed = self.packer.pack([rows[i] for i in batch])
            features = self.features[[chosen[i] for i in batch]].float()
            logits, states = answer_logits(self.adapter, packed, features)
            losses = functional.cross_entropy(logits, packed.labels, reduction="none")
            total, weight = total + (losses * packed.weights).sum(), weight + packed.weights.sum()
            _add_accuracies(figures, packed, logits.detach())
            if self.plan.pointing and len(packed.marked):
                head_loss, head_figures = self.heads(states, packed.marked, packed.meant)
                auxiliary = auxiliary + self.plan.pointing * head_loss
                for name, value in head_figures.items():
                    figures[name].append(value)
        return total / weight + auxiliary, _means(figures)

    def quality(self) -> dict[str, float]:
        """The share of turns on dev scenes, by kind, of which all tokens are the most likely."""
        figures: dict[str, list[float]] = defaultdict(list)
        for start in range(0, HELD_OUT, IMAGES):
            batch = slice(start, start + IMAGES)
            packed = self.packer.pack(self._rows(self.held_out[batch], "dev", start))
            features = self.held_out_features[batch].float()
            with torch.no_grad():
                logits, _ = answer_logits(self.adapter, packed, features)
            _add_accuracies(figures, packed, logits)
        return _means(figures)

    def _rows(self, scenes: Sequence[Scene], *parts: object) -> list[list[Turn]]:
        stream = self.seed, self.name, *parts
        return [
            turns_about(scene, self.lesson, self.adapter.example_style, self.space, *stream, i)
            for i, scene in enumerate(scenes)
        ]


def _size(turn: Turn) -> int:
    return len(turn.prompt) + len(turn.completion)


def _add_accuracies(figures: dict[str, list[float]], packed: Packed, logits: Tensor) -> None:
    """Add, for each turn by its kind, whether all of its tokens are the most likely ones."""
    right = (logits.argmax(-1) == packed.labels).float()
    all_right = torch.ones(len(packed.kinds)).scatter_reduce(0, packed.turns, right, "amin")
    for kind, value in zip(packed.kinds, all_right.tolist(), strict=True):
        figures[kind].append(value)


def _means(figures: dict[str, list[float]]) -> dict[str, float]:
    return {name: fmean(values) for name, values in sorted(figures.items())}
