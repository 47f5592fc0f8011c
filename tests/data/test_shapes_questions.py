"""Every answer is derived a second time, from the question's words and the scene's boxes alone."""

import re
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from grit.data.shapes import ShapesSource
from grit.data.shapes.kinds import KINDS, questions_about
from grit.data.shapes.questions import Question, Template
from grit.data.shapes.scenes import Scene, scene_for
from grit.data.shapes.things import Thing

AXES = {  # words -> (axis, sign)
    "left of": (0, -1), "to the left of": (0, -1), "right of": (0, 1), "to the right of": (0, 1),
    "above": (1, -1), "over": (1, -1), "below": (1, 1), "under": (1, 1),
}  # fmt: skip
WHERE = "|".join(sorted(AXES, key=len, reverse=True))
SINGULAR = {"crosses": "cross", "cross": "cross"}


def called(scene: Scene, words: str) -> list[Thing]:
    """The things that a description such as "red circles" fits."""
    *color, noun = words.split()
    noun = SINGULAR.get(noun, noun.removesuffix("s") if noun.endswith("s") else noun)
    return [
        thing
        for thing in scene.things
        if noun in ("thing", thing.shape) and thing.color in (color or [thing.color])
    ]


def the(scene: Scene, words: str) -> Thing:
    (thing,) = called(scene, words)  # a description with "the" must be unique
    return thing


def middle(thing: Thing, axis: int) -> float:
    return (thing.box[axis] + thing.box[axis + 2]) / 2


def holds(one: Thing, other: Thing, words: str) -> bool:
    """Whether the relation holds; fails the test where it is not clear by ten pixels."""
    axis, sign = AXES[words]
    distance = sign * (middle(one, axis) - middle(other, axis))
    assert abs(distance) >= 10, "the relation is unclear"
    return distance > 0


def reached(scene: Scene, pool: list[Thing], words: str, start: Thing) -> Thing:
    """The thing of the pool in line with `start`.

    Fails where another could be meant, and where the outermost thing gives the same answer.
    """
    axis, sign = AXES[words]
    across = 1 - axis
    beyond = [
        thing
        for thing in pool
        if thing is not start and sign * (middle(thing, axis) - middle(start, axis)) > 0
    ]
    (hit,) = [
        thing
        for thing in beyond
        if thing.box[across] < start.box[across + 2] and start.box[across] < thing.box[across + 2]
    ]
    for one, other in ((hit, start), (start, hit)):
        assert one.box[across] <= middle(other, across) <= one.box[across + 2], "not in line"
    outermost = max(pool, key=lambda thing: sign * middle(thing, axis))
    assert middle(outermost, axis) != middle(hit, axis), "found without the reference"
    assert outermost.name != hit.name, "answered without the reference"
    return hit


def yes(truth: bool) -> str:
    return "yes" if truth else "no"


def total(scene: Scene, one: str, other: str) -> int:
    assert not set(called(scene, one)) & set(called(scene, other))
    return len(called(scene, one)) + len(called(scene, other))


def more(scene: Scene, one: str, other: str) -> int:
    surplus = len(called(scene, one)) - len(called(scene, other))
    assert surplus != 0
    return surplus


def option(scene: Scene, one: str, other: str, *options: str) -> str:
    (letter,) = [
        name for name, n in zip("ABC", options, strict=True) if int(n) == total(scene, one, other)
    ]
    return letter


def boxes(things: list[Thing]) -> str:
    return ", ".join(str(list(thing.box)) for thing in things) or "none"


def size(scene: Scene, words: str) -> str:
    x1, _, x2, _ = the(scene, words).box
    return "small" if x2 - x1 < 16 else "large"


PLEASE = r" Please answer yes or no\."
ORACLE: dict[str, Callable[..., object]] = {
    rf"Is the (.+?) ({WHERE}) the (.+)\?(?:{PLEASE})?": lambda s, a, r, b: yes(
        holds(the(s, a), the(s, b), r)
    ),
    rf"What is directly ({WHERE}) the (.+)\?": lambda s, r, a: (
        reached(s, list(s.things), r, the(s, a)).name
    ),
    r"How many (\w+ ?\w+) are there\?": lambda s, a: len(called(s, a)),
    r"What color is the (\w+)\?": lambda s, a: the(s, a).color,
    r"What shape is the (\w+ thing)\?": lambda s, a: the(s, a).shape,
    rf"What color is the (\w+) directly ({WHERE}) the (.+)\?": lambda s, a, r, b: (
        reached(s, called(s, a), r, the(s, b)).color
    ),
    rf"What shape is the (\w+ thing) directly ({WHERE}) the (.+)\?": lambda s, a, r, b: (
        reached(s, called(s, a), r, the(s, b)).shape
    ),
    r"Is the (\w+ \w+) small or large\?": size,
    r"How many (.+) and (.+) are there in total\?": total,
    r"How many (.+) and (.+) are there in total\? \(A\) (\d+) \(B\) (\d+) \(C\) (\d+)": option,
    r"How many more (.+) than (.+) are there\?": more,
    r"Are there more (.+) than (.+)\?": lambda s, a, b: yes(more(s, a, b) > 0),
    rf"Is there an? (.+) in the image\?{PLEASE}": lambda s, a: yes(bool(called(s, a))),
    rf"Are there exactly (\d) (.+) in the image\?{PLEASE}": lambda s, n, a: yes(
        len(called(s, a)) == int(n)
    ),
    rf"Is the (\w+) (\w+)\?{PLEASE}": lambda s, a, c: yes(the(s, a).color == c),
    r"Output the bounding box of: the (\w+ \w+)\.": lambda s, a: boxes([the(s, a)]),
    rf"Output the bounding box of: the (.+) directly ({WHERE}) the (.+)\.": (
        lambda s, a, r, b: boxes([reached(s, called(s, a), r, the(s, b))])
    ),
    r"Detect all (.+)\.": lambda s, a: boxes(called(s, a)),
}


def derived(scene: Scene, text: str) -> str:
    """The answer by the one pattern that the question's words fit."""
    (found,) = [
        (match, rule) for pattern, rule in ORACLE.items() if (match := re.fullmatch(pattern, text))
    ]
    return str(found[1](scene, *found[0].groups()))


def asked(kind: str, split: str, size: int) -> list[tuple[Template, Scene, Question]]:
    source = ShapesSource(kind, split, size, seed=11)
    return [source.question(i) for i in range(size)]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_agree_with_an_independent_oracle(kind: str) -> None:
    rows = asked(kind, "test", 150) + asked(kind, "pretrain", 50)
    for _, scene, question in rows:
        assert derived(scene, question.text) == question.answer, question.text
    assert {template.name for template, _, _ in rows} == {t.name for t in KINDS[kind].templates}


@pytest.mark.parametrize("kind", KINDS)
def test_many_questions_about_one_scene_agree_with_the_oracle(kind: str) -> None:
    rng, texts = Random(5), 0
    for i in range(60):
        scene = scene_for("pretrain", 2, i)
        questions = questions_about(scene, kind, rng, 6)
        assert len({question.text for question in questions}) == len(questions) <= 6
        for question in questions:
            assert derived(scene, question.text) == question.answer, question.text
        texts += len(questions)
    assert texts > 60


@pytest.mark.parametrize("kind", KINDS)
def test_the_annotated_things_are_those_the_question_is_about(kind: str) -> None:
    for template, scene, question in asked(kind, "test", 60):
        assert len(question.labels) == len(question.things) == len(set(question.things))
        for position, label in zip(question.things, question.labels, strict=True):
            assert scene.things[position] in called(scene, label)
        if kind == "tallyqa":
            assert len(question.things) == int(question.answer)
        if (kind, template.name) in {("vsr", "what"), ("gqa", "color_at"), ("gqa", "shape_at")}:
            reference, hit = (scene.things[i] for i in question.things)
            assert reference.name in question.text
            assert question.answer in hit.name
        if kind == "ovd":
            assert question.answer == str(list(scene.things[question.things[0]].box))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["dev", "test", "pretrain"])
def test_each_template_is_balanced_over_its_answers(kind: str, split: str) -> None:
    rows = asked(kind, split, 120)
    for template in KINDS[kind].templates:
        counts = Counter(q.answer for t, _, q in rows if t is template)
        if template.answers:
            assert set(counts) <= set(template.answers)
            told = [counts[answer] for answer in template.answers]
            assert max(told) - min(told) <= 1, (template.name, counts)
        else:
            assert max(counts.values()) <= 0.5 * counts.total(), (template.name, counts)


@pytest.mark.parametrize("kind", ["vsr", "mathvista", "mme"])
def test_yes_and_no_stay_even_with_many_questions_a_scene(kind: str) -> None:
    rng = Random(0)
    for template in KINDS[kind].templates:
        if template.answers != ("yes", "no"):
            continue
        counts: Counter[str] = Counter()
        for i in range(250):
            scene = scene_for("pretrain", 9, i)
            asked = questions_about(scene, kind, rng, 3, templates=(template.name,))
            counts.update(question.answer for question in asked)
        assert 0.4 < counts["yes"] / counts.total() < 0.6, (template.name, counts)


@pytest.mark.parametrize("kind", ["vsr", "mme"])
def test_words_alone_do_not_tell_yes_from_no(kind: str) -> None:
    """No word and no length of a question leans far to one answer: the picture is needed."""
    said: dict[str, Counter[str]] = {}
    for _, _, question in asked(kind, "pretrain", 800):
        if question.answer in ("yes", "no"):
            words = re.findall(r"\w+", question.text)
            for word in {*words, f"{words[0]}, {len(words)} words"}:
                said.setdefault(word, Counter())[question.answer] += 1
    for word, counts in said.items():
        slack = 2 / counts.total() ** 0.5  # four standard deviations of a fair coin
        assert abs(counts["yes"] / counts.total() - 0.5) <= slack, (word, counts)


def test_a_template_that_a_kind_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="vsr has no template called sum"):
        questions_about(scene_for("pretrain", 0), "vsr", Random(0), 1, templates=("sum",))
