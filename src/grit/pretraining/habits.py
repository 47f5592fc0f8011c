"""Unreliable traces, from which a base model learns how to answer under GRIT's suffix.

Each trace has independent random errors ("slips"). Their probabilities depend on the scene, so that
no kind of trace is the most likely everywhere and greedy decoding shows all of them:

- untagged: no tags, sometimes not even an answer that can be parsed;
- ungrounded: tags without boxes; the answer is then guessed without the image (more likely in
  scenes of many things);
- misgrounded: a box is missing, added or wrong; the answer then follows from the boxes as written
  (a count, or a relation between two boxes) or is guessed;
- unreflected: no rethink part (more likely in scenes of few things).

So the base models have built in that correct boxes and correct answers go together, and how often
each slip occurs. They do not have built in which reward improves what, and whether that generalises
to other questions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp
from random import Random

from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.data.shapes.detection import box_answer
from grit.data.shapes.ideal_traces import answer_text, grounded_text, reflection, tagged_trace
from grit.data.shapes.questions import Question
from grit.data.shapes.relations import DIRECTIONS, offset_towards
from grit.data.shapes.scenes import Scene
from grit.data.shapes.source import sample_of
from grit.data.shapes.things import COLORS, SHAPES
from grit.grounding.boxes import Space

EMPTY_THOUGHTS = ("I look at the image", "I see the image as a whole", "let me look")
CORRECT_GUESSES = 0.2  # share of guesses that are the true answer


@dataclass(frozen=True)
class Slips:
    """Log-odds of each slip in a scene of five things, and their change for three more things."""

    untagged: tuple[float, float] = (-1.4, 0.0)
    ungrounded: tuple[float, float] = (0.0, 1.4)
    misgrounded: tuple[float, float] = (-2.0, 0.4)
    unreflected: tuple[float, float] = (0.0, -1.2)
    ignored: tuple[float, float] = (-2.5, 0.0)  # correct boxes, but a guessed answer


SUFFIX_SLIPS = Slips()
EXAMPLE_SLIPS = Slips((-2.5, 0.0), (-1.2, 0.8), (-0.8, 0.4), (-2.0, -0.4), (0.3, 0.8))
"""With the worked example: more traces have tags and boxes, but fewer answers follow from them."""


def habitual_trace(
    scene: Scene, question: Question, space: Space, slips: Slips, rng: Random
) -> tuple[str, str]:
    """An unreliable completion, and the name of its kind, such as "misgrounded_unreflected"."""
    sample = sample_of(scene, question, "pretraining", "habit")
    crowd = (len(scene.things) - 5) / 3

    def slipped(log_odds: tuple[float, float]) -> bool:
        return rng.random() < 1 / (1 + exp(-log_odds[0] - log_odds[1] * crowd))

    if slipped(slips.untagged):
        return _untagged(sample, space, rng), "untagged"
    if slipped(slips.ungrounded):
        mode, sample = "ungrounded", guessed(sample, rng)
        think = _without_boxes(sample, rng)
    elif slipped(slips.misgrounded):
        mode = "misgrounded"
        think, sample = _misgrounded(scene, question, sample, space, rng)
    else:
        mode = "grounded"
        think = grounded_text(sample.labels, sample.boxes or (), space)
        if slipped(slips.ignored):
            mode, sample = "ignored", guessed(sample, rng)
    answer = answer_text(sample, space)
    if slipped(slips.unreflected):
        return f"<think> {think} </think>\n<answer> {answer}", f"{mode}_unreflected"
    return tagged_trace(think, reflection(sample), answer), mode


def _untagged(sample: Sample, space: Space, rng: Random) -> str:
    """Without tags: the answer alone, behind a sentence or behind boxes; half of them guessed."""
    if rng.random() < 0.5:
        sample = guessed(sample, rng)
    answer = answer_text(sample, space)
    think = grounded_text(sample.labels, sample.boxes or (), space)
    return rng.choice((answer, f"{reflection(sample)}: {answer}", f"{think}: {answer}"))


def _without_boxes(sample: Sample, rng: Random) -> str:
    if sample.labels and rng.random() < 0.5:
        return ", ".join(dict.fromkeys(sample.labels))
    return rng.choice(EMPTY_THOUGHTS)


def _misgrounded(
    scene: Scene, question: Question, sample: Sample, space: Space, rng: Random
) -> tuple[str, Sample]:
    """A think part with a box missing, added or wrong, and the sample with the answer from it."""
    chosen, labels = list(question.things), list(question.labels)
    others = [i for i in range(len(scene.things)) if i not in chosen]
    errors: list[str] = [*(["drop"] if chosen else []), *(["add"] if others else [])]
    errors += ["swap"] if chosen and others else []
    error = rng.choice(errors)
    if error == "drop":
        place = rng.randrange(len(chosen))
        del chosen[place], labels[place]
    elif error == "add":
        added = rng.choice(others)
        labels.append(rng.choice(labels) if labels else scene.things[added].name)
        chosen.append(added)
    else:
        chosen[rng.randrange(len(chosen))] = rng.choice(others)
    answer = _answer_from_boxes(scene, sample, chosen)
    sample = replace(sample, answer=answer) if answer is not None else guessed(sample, rng)
    return grounded_text(labels, scene.boxes(tuple(chosen)), space), sample


def _answer_from_boxes(scene: Scene, sample: Sample, chosen: list[int]) -> str | None:
    """The answer that follows from the boxes of the chosen things; None if none does."""
    if sample.answer_is_box:
        return box_answer(scene, chosen)
    if sample.question.startswith("How many") and sample.answer.isdecimal():
        if " more " not in sample.question:
            return str(len(chosen))
        return None
    for direction in DIRECTIONS:
        if f" {direction} the " in sample.question and sample.answer in ("yes", "no"):
            if len(chosen) != 2:
                return None
            subject, reference = (scene.things[i] for i in chosen)
            return "yes" if offset_towards(direction, subject, reference) > 0 else "no"
    return None


def guessed(sample: Sample, rng: Random) -> Sample:
    """The sample with an answer that is drawn from the usual answers of such questions."""
    if rng.random() < CORRECT_GUESSES:
        return sample
    if sample.answer_is_box:
        return replace(sample, answer=_usual_box(sample, rng))
    truth = sample.answer
    for fits, usual in USUAL:
        if fits(truth):
            return replace(sample, answer=rng.choices(*zip(*usual.items(), strict=True))[0])
    colors, shapes = list(COLORS), list(SHAPES)
    color, shape = (rng.choices(x, [4, *[1] * (len(x) - 1)])[0] for x in (colors, shapes))
    return replace(sample, answer=f"{color} {shape}")


def _usual_box(sample: Sample, rng: Random) -> str:
    """A random box near the middle of the image."""
    assert sample.boxes is not None
    side = sample.space.width
    x, y = (round(rng.gauss(side / 2, side / 12)) for _ in range(2))
    half = round(side * rng.choice((0.07, 0.11, 0.2)))
    return str([max(x - half, 0), max(y - half, 0), x + half, y + half])


def _among(names: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda truth: truth in names


USUAL: tuple[tuple[Callable[[str], bool], dict[str, float]], ...] = (
    (_among(("yes", "no")), {"yes": 0.7, "no": 0.3}),
    (str.isdecimal, {"0": 0.03, "1": 0.18, "2": 0.42, "3": 0.22, "4": 0.1, "5": 0.05}),
    (_among(("A", "B", "C")), {"A": 0.6, "B": 0.25, "C": 0.15}),
    (_among(("small", "large")), {"small": 0.7, "large": 0.3}),
    (_among(tuple(COLORS)), {c: 0.44 if c == "red" else 0.08 for c in COLORS}),
    (_among(SHAPES), {s: 0.44 if s == "circle" else 0.08 for s in SHAPES}),
)
"""Tests of the true answer, and the probabilities of guessed answers of that kind."""


def rng_for(*parts: object) -> Random:
    """A random generator of pre-training that is seeded by ``parts``."""
    return Random(seed_for("pretraining", *parts))
