"""The unreliable way in which a base model answers under GRIT's suffix.

A trace is made by independent slips, each likelier in some scenes than in others, so that no single
mode is the most likely one everywhere and greedy decoding shows them all:

- untagged: no tags at all, sometimes not even an answer that could be found;
- ungrounded: tags but no boxes, and then the answer is guessed from habit, not from the image
  (likelier the more things there are);
- misgrounded: one box too few, too many or of another thing, and then the answer follows from the
  boxes as they stand (a count, a relation between two boxes) or is guessed;
- no rethinking: the answer comes straight after the thoughts (likelier the fewer things there are).

What is built in, therefore: that grounding and right answers go together, and how often each slip
is made. What is not: which reward raises what, and whether that carries over to other questions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp
from random import Random

from grit.core.seeding import seed_for
from grit.data.samples import Sample
from grit.data.shapes.detection import box_answer
from grit.data.shapes.questions import Question
from grit.data.shapes.relations import DIRECTIONS, offset_towards
from grit.data.shapes.scenes import Scene
from grit.data.shapes.source import sample_of
from grit.data.shapes.things import COLORS, SHAPES
from grit.data.shapes.traces import answer_text, grounded_text, reflection, tagged_trace
from grit.grounding.boxes import Space

GLANCES = ("I look at the image", "I see the image as a whole", "let me look")
KNOWING = 0.2  # of guesses that happen to look at the image


@dataclass(frozen=True)
class Slips:
    """Log-odds of each slip among five things, and how they change per three things more."""

    untagged: tuple[float, float] = (-1.4, 0.0)
    ungrounded: tuple[float, float] = (0.0, 1.4)
    misgrounded: tuple[float, float] = (-2.0, 0.4)
    unreflected: tuple[float, float] = (0.0, -1.2)
    ignored: tuple[float, float] = (-2.5, 0.0)  # right boxes, and a guess all the same


SUFFIX_SLIPS = Slips()
EXAMPLE_SLIPS = Slips((-2.5, 0.0), (-1.2, 0.8), (-0.8, 0.4), (-2.0, -0.4), (0.3, 0.8))
"""After the worked example: tags and boxes come more often, and the answer heeds them less."""


def habitual_trace(
    scene: Scene, question: Question, space: Space, slips: Slips, rng: Random
) -> tuple[str, str]:
    """A completion under the suffix, and the name of its mode."""
    sample = sample_of(scene, question, "pretraining", "habit")
    crowd = (len(scene.things) - 5) / 3

    def slipped(log_odds: tuple[float, float]) -> bool:
        return rng.random() < 1 / (1 + exp(-log_odds[0] - log_odds[1] * crowd))

    if slipped(slips.untagged):
        return _untagged(scene, sample, space, rng), "untagged"
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


def _untagged(scene: Scene, sample: Sample, space: Space, rng: Random) -> str:
    """No tags: the bare answer, a sentence, or boxes and a sentence; the answer is often right."""
    if rng.random() < 0.5:
        sample = guessed(sample, rng)
    answer = answer_text(sample, space)
    think = grounded_text(sample.labels, sample.boxes or (), space)
    return rng.choice((answer, f"{reflection(sample)}: {answer}", f"{think}: {answer}"))


def _without_boxes(sample: Sample, rng: Random) -> str:
    if sample.labels and rng.random() < 0.5:
        return ", ".join(dict.fromkeys(sample.labels))
    return rng.choice(GLANCES)


def _misgrounded(
    scene: Scene, question: Question, sample: Sample, space: Space, rng: Random
) -> tuple[str, Sample]:
    """Thoughts with one box too few, too many or wrong, and the sample with what follows."""
    chosen, labels = list(question.things), list(question.labels)
    spare = [i for i in range(len(scene.things)) if i not in chosen]
    ways: list[str] = [*(["drop"] if chosen else []), *(["add"] if spare else [])]
    ways += ["swap"] if chosen and spare else []
    way = rng.choice(ways)
    if way == "drop":
        at = rng.randrange(len(chosen))
        del chosen[at], labels[at]
    elif way == "add":
        extra = rng.choice(spare)
        labels.append(rng.choice(labels) if labels else scene.things[extra].name)
        chosen.append(extra)
    else:
        chosen[rng.randrange(len(chosen))] = rng.choice(spare)
    wrong = _consequence(scene, sample, chosen)
    sample = replace(sample, answer=wrong) if wrong is not None else guessed(sample, rng)
    return grounded_text(labels, scene.boxes(tuple(chosen)), space), sample


def _consequence(scene: Scene, sample: Sample, chosen: list[int]) -> str | None:
    """The answer that follows from the boxes as listed; None where nothing does."""
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
    """The sample with an answer from habit: what such questions are mostly answered with."""
    if rng.random() < KNOWING:
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
    """Somewhere in the middle."""
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
"""How often each answer of a kind is guessed."""


def rng_for(*parts: object) -> Random:
    """A random stream of pre-training that belongs to ``parts``."""
    return Random(seed_for("pretraining", *parts))
