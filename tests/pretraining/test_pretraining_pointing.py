"""What descriptions in questions mean, and that the heads learn it at the right tokens."""

from math import isnan
from random import Random

import pytest
import torch

from grit.data.shapes.grounds import Ground
from grit.data.shapes.kinds import KINDS, questions_about
from grit.data.shapes.scenes import Scene, scene_for
from grit.data.shapes.things import Thing
from grit.grounding.prompts import user_text
from grit.models.qwen import QwenAdapter
from grit.models.tiny import build_tiny
from grit.models.tiny_families import WIDTH
from grit.pretraining.lessons import ANSWERS, CHAINS, GROUNDING, HABITS, LEADING, PAIRS, turns_about
from grit.pretraining.packing import Packer, Turn
from grit.pretraining.pointing import PointingHeads, marks_in

SCENE = Scene(
    96,
    96,
    Ground("plain", (244, 244, 242), (214, 216, 220), 0),
    (
        Thing("cross", "red", "small", (0, 0, 12, 12)),
        Thing("ring", "blue", "large", (36, 48, 60, 72)),
        Thing("cross", "blue", "small", (72, 0, 84, 12)),
    ),
)


def test_descriptions_and_what_they_mean():
    text = "How many more blue things than crosses are there? Is the red cross above the ring?"
    marks = marks_in(text, SCENE)
    assert [text[: mark.end].split()[-1] for mark in marks] == [
        *("things", "crosses", "cross"),
        "ring",
    ]
    assert [mark.count for mark in marks] == [2, 2, 1, 1]
    assert isnan(marks[0].place[0])
    assert marks[2].place == (6 / 96, 6 / 96)
    assert all(isnan(value) for value in marks[2].step)
    assert marks[3].step == ((6 - 48) / 96, (6 - 60) / 96)


@pytest.mark.parametrize("kind", ["vsr", "tallyqa", "mme"])
def test_every_question_about_things_is_marked(kind):
    for i in range(40):
        scene = scene_for("pretrain", "marks", i)
        for question in questions_about(scene, kind, Random(i), 2):
            assert marks_in(question.text, scene)


def test_marks_stand_at_the_names_last_token():
    model, processor = build_tiny("qwen", 0)
    questions = ["Is the red cross above the ring?", "How many crosses are there?"]
    rows = []
    for question in questions:
        prompt = user_text(question, suffix=False)
        shift = prompt.index(question)
        marks = tuple(
            type(mark)(mark.end + shift, mark.count, mark.place, mark.step)
            for mark in marks_in(question, SCENE)
        )
        rows.append([Turn("x", prompt, "yes", marks=marks)] * 2)
    packed = Packer(QwenAdapter(model, processor), 0.5).pack(rows)
    tokens = packed.ids.flatten()[packed.marked]
    said = [processor.tokenizer.decode([token]) for token in tokens]
    assert said == [" cross", " ring"] * 2 + [" crosses"] * 2
    assert packed.meant[:, 0].tolist() == [1, 1] * 2 + [2] * 2


def test_heads_learn_from_states_that_hold_the_truth():
    heads = PointingHeads()
    generator = torch.Generator().manual_seed(0)
    meant = torch.rand(64, 5, generator=generator)
    meant[:, 0] = 1
    meant[:, 3:] -= 0.5
    states = torch.zeros(1, 64, WIDTH)
    states[0, :, :5] = meant * 4 - 1
    states[0, :, 5] = 3
    optimizer = torch.optim.Adam(heads.parameters(), lr=0.02)
    for _ in range(300):
        loss, figures = heads((states,) * 5, torch.arange(64), meant)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert figures["side"] > 0.9
    assert figures["place"] > 0.5


def test_turns_are_the_same_for_the_same_stream_and_cover_every_kind():
    kinds = set()
    for i in range(40):
        scene = scene_for("pretrain", "turns", i)
        for lesson in (PAIRS, GROUNDING, LEADING, CHAINS, ANSWERS, HABITS):
            one, two = (turns_about(scene, lesson, "json", scene.space, 0, i) for _ in range(2))
            assert repr(one) == repr(two)  # repr: no NaN equals another
            kinds |= {turn.kind.split("_")[0] for turn in one}
    assert kinds >= {*KINDS, "ideal", "habit", "example", "explained"}
