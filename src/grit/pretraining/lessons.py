"""The training data of each stage: mixtures of questions with short answers, boxes and traces."""

from dataclasses import dataclass, replace
from random import Random

from grit.data.shapes.ideal_traces import answer_text, ideal_trace
from grit.data.shapes.kinds import questions_about
from grit.data.shapes.questions import Question
from grit.data.shapes.scenes import TWO_THINGS, Plan, Scene
from grit.data.shapes.source import sample_of
from grit.data.taught_traces import sentences
from grit.grounding.box_lists import BoxStyle
from grit.grounding.boxes import Space
from grit.grounding.prompts import icl_example, user_text
from grit.pretraining.habits import EXAMPLE_SLIPS, SUFFIX_SLIPS, habitual_trace, rng_for
from grit.pretraining.packing import Turn
from grit.pretraining.pointing import marks_in

EXPLAIN = "Explain the answer."
Asked = tuple[str, tuple[str, ...]]  # a kind, and which of its templates; (): any
UNDER_SUFFIX: tuple[Asked, ...] = tuple(
    (kind, ())
    for kind in ("vsr", "vsr", "tallyqa", "tallyqa", "tallyqa", "gqa", "mathvista", "mme", "ovd")
)


@dataclass(frozen=True)
class Subject:
    """A kind of questions with short answers: how many per scene, and their weight."""

    kind: str
    templates: tuple[str, ...]
    count: float  # on average; the fraction is drawn
    weight: float = 1.0


@dataclass(frozen=True)
class Lesson:
    """A mixture of scenes, short answers and traces."""

    plans: tuple[Plan, ...]  # taken in turn
    subjects: tuple[Subject, ...]
    suffixed: tuple[Asked, ...] = UNDER_SUFFIX  # questions under the suffix, equally likely
    ideal: float = 0.0  # ideal traces under the suffix per scene, on average
    habits: float = 0.0  # unreliable traces under the suffix
    examples: float = 0.0  # unreliable traces under the suffix and the worked example
    sentences: float = 0.0  # explanations in English sentences, without the suffix
    chain_weight: float = 1.0  # of a trace
    digits: float = 1.0  # weight of a digit in a trace, against its other tokens


COUNT = Subject("tallyqa", (), 1.0)
FEW = Plan(max_things=4)
MANY = Plan()
LOOKING = (
    Subject("gqa", ("color", "shape"), 1.0),
    Subject("gqa", ("size",), 0.2),
    Subject("mme", ("existence", "color"), 0.7),
    Subject("binding", (), 1.0),
)
"""Short answers for which one look at one thing is enough."""
BOXES = (
    Subject("ovd", ("named",), 1.5),
    Subject("ovd", ("located",), 0.7),
    Subject("detect", (), 1.0),
)
AT_ONCE = (
    Subject("vsr", ("yes_no",), 1.0),
    Subject("vsr", ("what",), 0.7),
    Subject("tallyqa", (), 1.0),
    Subject("gqa", ("color_at", "shape_at"), 0.6),
    Subject("mathvista", (), 0.8),
    Subject("mme", ("position",), 0.6),
    Subject("mme", ("count",), 0.4),
)
"""Questions that take several steps, answered without any: what a chain of boxes is for."""


def _share(subjects: tuple[Subject, ...], share: float) -> tuple[Subject, ...]:
    return tuple(replace(subject, count=subject.count * share) for subject in subjects)


PAIRS = Lesson(
    plans=(TWO_THINGS, Plan(max_things=3)),
    subjects=(
        Subject("gqa", ("color", "shape"), 2.0),
        Subject("gqa", ("size",), 0.3),
        Subject("ovd", ("named",), 1.5),
        Subject("mme", ("existence", "color"), 1.5),
        Subject("detect", (), 0.7),
    ),
)
"""Which thing a description means, in scenes with few other things."""
GROUNDING = Lesson(plans=(FEW, MANY, MANY), subjects=(*LOOKING, *BOXES), ideal=3.0, sentences=0.2)
"""Boxes: of named things, of all things of a kind, and in ideal traces."""
LEADING = Lesson(
    plans=(FEW, Plan(min_things=3, max_things=6)),
    subjects=(*_share(LOOKING, 0.6), *_share(BOXES, 0.4)),
    suffixed=(*[("vsr", ("what",))] * 3, ("vsr", ("yes_no",)), ("gqa", ("color_at", "shape_at"))),
    ideal=5.0,
    chain_weight=2.5,
    digits=0.25,
)
"""Traces that lead from one thing to another. In such a trace one or two words are hard, and the
many digits of boxes are easy once the thing is found: digits therefore have a lower weight."""
CHAINS = Lesson(
    plans=GROUNDING.plans,
    subjects=(*_share(LOOKING, 0.6), *_share(BOXES, 0.6)),
    suffixed=(
        *UNDER_SUFFIX,
        *[("vsr", ("yes_no",))] * 2,
        ("vsr", ("what",)),
        ("gqa", ("color_at", "shape_at")),
    ),
    ideal=4.0,
    sentences=0.2,
    chain_weight=LEADING.chain_weight,
    digits=0.5,
)
"""All kinds of questions, answered step by step."""
ANSWERS = replace(CHAINS, subjects=(*CHAINS.subjects, *AT_ONCE), ideal=2.0)
"""The only lesson that is about questions of several steps answered at once, and a short one."""
HABITS = Lesson(
    plans=GROUNDING.plans,
    subjects=(*_share(LOOKING, 0.6), *_share(BOXES, 0.6), *_share(AT_ONCE, 0.1)),
    habits=3.5,
    examples=0.25,
    sentences=0.2,
)


def turns_about(
    scene: Scene, lesson: Lesson, style: BoxStyle, space: Space, *parts: object
) -> list[Turn]:
    """The turns about a scene; ``parts`` seed the generator, the last one is the row of a step."""
    rng = rng_for("turns", *parts)
    turns = [
        _direct(scene, question, subject, space)
        for subject in lesson.subjects
        for question in _asked(scene, subject, rng)
    ]
    if not turns:  # a row needs a turn, and counting is possible in every scene
        turns = [_direct(scene, q, COUNT, space) for q in _asked(scene, COUNT, rng)]
    averages = {
        "ideal": lesson.ideal,
        "habit": lesson.habits,
        "example": lesson.examples,
        "explained": lesson.sentences,
    }
    # Examples are long: either all rows of a step have them or none, to avoid padding.
    shared = rng_for("examples", *parts[:-1])
    for chain, average in averages.items():
        for _ in range(_drawn(average, shared if chain == "example" else rng)):
            kind, templates = rng.choice(lesson.suffixed)
            name = "_".join((chain, kind, *templates)) if templates else chain
            for question in questions_about(scene, kind, rng, 1, templates):
                prompt, text = _chain(chain, scene, question, style, space, rng)
                turns.append(Turn(name, prompt, text, lesson.chain_weight, lesson.digits))
    return turns


def _asked(scene: Scene, subject: Subject, rng: Random) -> list[Question]:
    count = _drawn(subject.count, rng)
    return questions_about(scene, subject.kind, rng, count, subject.templates) if count else []


def _drawn(average: float, rng: Random) -> int:
    """A random integer with this mean."""
    whole = int(average)
    return whole + (rng.random() < average - whole)


def _direct(scene: Scene, question: Question, subject: Subject, space: Space) -> Turn:
    sample = sample_of(scene, question, subject.kind, "direct")
    name = "_".join((subject.kind, *subject.templates))
    prompt = user_text(question.text, suffix=False)
    marks = tuple(
        replace(mark, end=mark.end + prompt.index(question.text))
        for mark in marks_in(question.text, scene)
    )
    return Turn(name, prompt, answer_text(sample, space), subject.weight, marks=marks)


def _chain(
    kind: str, scene: Scene, question: Question, style: BoxStyle, space: Space, rng: Random
) -> tuple[str, str]:
    """A prompt and a trace of this kind: ideal, habit, example or explained (see `Lesson`)."""
    sample = sample_of(scene, question, "pretraining", kind)
    if kind == "explained":  # in the language of people's traces: a real base knows it, too
        prompt = user_text(f"{question.text} {EXPLAIN}", suffix=False)
        return prompt, " ".join(sentences(sample, space, "sentences"))
    example = icl_example(style) if kind == "example" else ""
    prompt = user_text(question.text, suffix=True, example=example)
    if kind == "ideal":
        return prompt, ideal_trace(sample, space)
    slips = EXAMPLE_SLIPS if kind == "example" else SUFFIX_SLIPS
    text, _ = habitual_trace(scene, question, space, slips, rng)
    return prompt, text
