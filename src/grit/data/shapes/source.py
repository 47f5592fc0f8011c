"""Data sets of drawn scenes: sequences of samples that need no files."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar, overload

from grit.core.errors import GritError
from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.data.shapes.kinds import KINDS
from grit.data.shapes.questions import Question, Template
from grit.data.shapes.scenes import (
    EVERYTHING,
    IN_DOMAIN,
    OUT_OF_DOMAIN,
    SPLITS,
    Domain,
    Plan,
    Scene,
    random_scene,
    split_of,
)

Item = TypeVar("Item")
MAX_ATTEMPTS = 20_000  # random scenes that are tried before a question is declared impossible


class ShapesSource(Sequence[Sample]):
    """`size` samples of one kind of question; sample i depends only on (kind, split, seed, i).

    Templates come in shuffled blocks in which each is as often as its weight, and the answers of a
    template in shuffled blocks of one of each, so that any long prefix is balanced. Splits share no
    scene (`scenes.split_of`).

    Args:
        kind: one of `KINDS`.
        split: one of `scenes.SPLITS`.
        size: number of samples.
        seed: of scenes and questions.
        plan: of the scenes; their domain follows from kind and split.
        keep: keep samples in memory, instead of drawing them again at every access.

    Raises:
        GritError: for an unknown kind or split, and for the train split of an out-of-domain kind,
            which is for tests and pre-training only.
    """

    def __init__(
        self,
        kind: str,
        split: str,
        size: int,
        seed: int = 0,
        plan: Plan | None = None,
        *,
        keep: bool = False,
    ) -> None:
        if kind not in KINDS:
            raise GritError(f"no kind of shapes is called {kind!r}: choose from {', '.join(KINDS)}")
        if split not in SPLITS:
            raise GritError(f"no split of shapes is called {split!r}: choose from {SPLITS}")
        if size < 0:
            raise GritError(f"the size is a whole number of samples, not {size}")
        if split == "train" and not KINDS[kind].in_domain:
            in_domain = ", ".join(name for name in KINDS if KINDS[name].in_domain)
            raise GritError(
                f"shapes_{kind} is out of domain and has no train split: use {in_domain}"
            )
        self.kind, self.split, self.size, self.seed = KINDS[kind], split, size, seed
        self.plan = replace(plan or Plan(), domain=domain_of(kind, split))
        self.kept: dict[int, Sample] | None = {} if keep else None

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """The sample at a position; a list for a slice."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.size))]
        if not -self.size <= index < self.size:
            raise IndexError(f"{self.kind.dataset} has {self.size} samples, not one at {index}")
        index %= self.size
        if self.kept is None:
            return self._drawn(index)
        if index not in self.kept:
            self.kept[index] = self._drawn(index)
        return self.kept[index]

    def _drawn(self, index: int) -> Sample:
        _, scene, question = self.question(index)
        with_boxes = self.kind.boxes_in_tests or self.split == "pretrain"
        sample_id = f"{self.kind.dataset}/{self.split}/{index}"
        return sample_of(scene, question, self.kind.dataset, sample_id, with_boxes=with_boxes)

    def question(self, index: int) -> tuple[Template, Scene, Question]:
        """The template, the scene and the question of the sample at a position."""
        template, answer = self._slot(index)
        rng = Random(seed_for("shapes", self.kind.name, self.split, self.seed, index))
        plan = self.plan
        if template.counts and answer:
            needed = min(max(int(answer), plan.min_things), plan.max_things)
            plan = replace(plan, min_things=needed)
        for _ in range(MAX_ATTEMPTS):
            scene = random_scene(rng, plan)
            if split_of(scene) != self.split:
                continue
            question = template.ask(scene, rng, answer)
            if question is not None:
                return template, scene, question
        raise GritError(
            f"{self.kind.dataset}: no scene of {self.plan.min_things}-{self.plan.max_things} things"
            f" answers a question of the form {template.name!r} with {answer or 'anything'}"
        )

    def _slot(self, index: int) -> tuple[Template, str | None]:
        """The template of a position, and its answer (None: any)."""
        templates = [t for t in self.kind.templates for _ in range(t.weight)]
        block, rank = divmod(index, len(templates))
        order = self._shuffled(templates, "templates", block)
        template = order[rank]
        answers = template.answers_in(self.split)
        if not answers:
            return template, None
        earlier = block * template.weight + order[:rank].count(template)
        answer_block, place = divmod(earlier, len(answers))
        return template, self._shuffled(answers, template.name, answer_block)[place]

    def _shuffled(self, items: Sequence[Item], *parts: object) -> list[Item]:
        rng = Random(seed_for("shapes", self.kind.name, self.split, self.seed, *parts))
        return rng.sample(items, len(items))


def domain_of(kind: str, split: str) -> Domain:
    """The shapes, colours and grounds that a split of a kind is drawn from."""
    if split == "pretrain":
        return EVERYTHING
    return IN_DOMAIN if KINDS[kind].in_domain else OUT_OF_DOMAIN


def sample_of(
    scene: Scene, question: Question, dataset: str, sample_id: str, *, with_boxes: bool = True
) -> Sample:
    """A question about a scene as a sample; without boxes it is not annotated."""
    return Sample(
        id=sample_id,
        question=question.text,
        answer=question.answer,
        dataset=dataset,
        picture=scene,
        space=scene.space,
        boxes=scene.boxes(question.things) if with_boxes else None,
        labels=question.labels if with_boxes else (),
        answer_is_box=question.answer_is_box,
    )
