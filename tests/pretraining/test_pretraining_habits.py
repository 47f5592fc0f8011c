"""The mixture under the suffix is as unreliable as it says, and boxes go with right answers."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from grit.data.shapes.kinds import questions_about
from grit.data.shapes.scenes import scene_for
from grit.data.shapes.source import sample_of
from grit.grounding.boxes import NORMALIZED_1000
from grit.grounding.traces import parse
from grit.pretraining.habits import (
    EXAMPLE_SLIPS,
    SUFFIX_SLIPS,
    Slips,
    guessed,
    habitual_trace,
    rng_for,
)

NEVER, ALWAYS = (-50.0, 0.0), (50.0, 0.0)
FLAWLESS = Slips(NEVER, NEVER, NEVER, NEVER, NEVER)


def traces(kind, slips, count=1500):
    """(scene, question, trace, mode) of many habitual answers to one kind of question."""
    for i in range(count):
        scene = scene_for("pretrain", "habits", i)
        rng = Random(i)
        for question in questions_about(scene, kind, rng, 1):
            text, mode = habitual_trace(scene, question, scene.space, slips, rng)
            yield scene, question, parse(text), mode


def right(question, trace):
    return trace.answer == question.answer


@pytest.mark.parametrize("kind", ["vsr", "tallyqa", "gqa", "mathvista", "mme", "ovd"])
def test_without_slips_a_trace_is_ideal(kind):
    for scene, question, trace, mode in traces(kind, FLAWLESS, 60):
        assert mode == "grounded"
        assert trace.think_pair
        assert trace.rethink_pair
        assert right(question, trace)
        assert trace.boxes == tuple(scene.things[i].box for i in question.things)


@pytest.mark.parametrize("kind", ["vsr", "tallyqa"])
def test_right_boxes_go_with_right_answers(kind):
    scores = {True: [], False: []}
    for scene, question, trace, _ in traces(kind, SUFFIX_SLIPS):
        grounded = trace.boxes == tuple(scene.things[i].box for i in question.things)
        scores[grounded and bool(trace.boxes)].append(right(question, trace))
    with_boxes, without = (sum(scores[key]) / len(scores[key]) for key in (True, False))
    assert with_boxes > without + 0.3


def test_no_mode_has_half_of_the_traces_and_each_occurs():
    modes = Counter(mode for *_, mode in traces("vsr", SUFFIX_SLIPS))
    total = sum(modes.values())
    assert max(modes.values()) < 0.5 * total
    bases = Counter(mode.removesuffix("_unreflected") for mode in modes.elements())
    expected = ("untagged", "ungrounded", "misgrounded", "grounded", "ignored")
    assert all(bases[mode] > 0.01 * total for mode in expected)


def test_crowds_lose_boxes_and_empty_scenes_lose_the_rethinking():
    boxes, rethinking = {True: [], False: []}, {True: [], False: []}
    for scene, _, trace, mode in traces("vsr", SUFFIX_SLIPS):
        if mode != "untagged" and len(scene.things) != 5:
            boxes[len(scene.things) > 5].append(bool(trace.boxes))
            rethinking[len(scene.things) > 5].append(trace.rethink_pair)

    def share(values):
        return sum(values) / len(values)

    assert share(boxes[False]) > share(boxes[True]) + 0.2
    assert share(rethinking[True]) > share(rethinking[False]) + 0.2


def test_after_the_example_boxes_come_more_often_and_answers_are_worse_with_them():
    plain, shown = (list(traces("tallyqa", slips)) for slips in (SUFFIX_SLIPS, EXAMPLE_SLIPS))

    def with_boxes(rows):
        return [right(question, trace) for _, question, trace, _ in rows if trace.boxes]

    assert len(with_boxes(shown)) > 1.2 * len(with_boxes(plain))
    assert sum(with_boxes(shown)) / len(with_boxes(shown)) < sum(with_boxes(plain)) / len(
        with_boxes(plain)
    )


def test_a_count_follows_from_wrong_boxes():
    slips = replace(FLAWLESS, misgrounded=ALWAYS)
    wrong = [
        (len(trace.boxes), trace.answer)
        for _, question, trace, _ in traces("tallyqa", slips, 200)
        if len(trace.boxes) != len(question.things)
    ]
    assert wrong
    assert all(answer == str(count) for count, answer in wrong)


def test_guesses_have_the_form_of_the_truth_and_ignore_the_image():
    scene = scene_for("pretrain", "guess", 0)
    rng = rng_for("test")
    for kind in ("vsr", "tallyqa", "gqa", "mathvista", "mme"):
        for question in questions_about(scene, kind, rng, 4):
            sample = sample_of(scene, question, "x", "x")
            answers = Counter(guessed(sample, rng).answer for _ in range(200))
            assert len(answers) > 1
            assert all(a.isdecimal() == sample.answer.isdecimal() for a in answers)
            assert answers.most_common(1)[0][1] < 180


def test_boxes_are_in_the_space_that_the_model_speaks():
    scene = scene_for("pretrain", "space", 1)
    for question in questions_about(scene, "detect", Random(0), 1):
        text, _ = habitual_trace(scene, question, NORMALIZED_1000, FLAWLESS, Random(0))
        said = parse(text).boxes
        for spoken, i in zip(said, question.things, strict=True):
            assert spoken == tuple(round(v * 1000 / 96) for v in scene.things[i].box)
