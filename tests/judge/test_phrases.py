import pytest

from grit.judge.phrases import names_thing

RIDING = "What is the man riding?"
THERE = "What is next to the laptop?"


@pytest.mark.parametrize(
    ("question", "truth", "text", "right"),
    [
        (RIDING, "horse", "The man is riding a horse.", True),
        (RIDING, "horse", "A man on a horse", True),  # the man is the question's
        (RIDING, "horse", "He rides a brown horse that pulls a cart with four wheels", True),
        (RIDING, "horse", "a horse, not a cow", True),
        (RIDING, "horse", "not a cow but a horse", True),
        (RIDING, "horse", "horses", True),
        (RIDING, "horse", "a horse pulled by a rope", True),
        (RIDING, "horse", "a cow, not a horse", False),
        (RIDING, "horse", "a cow instead of a horse", False),
        (RIDING, "horse", "not a horse but a cow", False),
        (RIDING, "horse", "a cow next to a horse", False),
        (RIDING, "horse", "a cow is a horse", True),
        (RIDING, "cow", "a cow is a horse", False),  # one of both at most
        (RIDING, "horse", "true horse", False),
        (RIDING, "horse", "horse " * 9, False),
        (THERE, "bowl", "A bowl is next to the laptop.", True),
        (THERE, "bowl", "There is a cup in front of a bowl.", False),
        (THERE, "bowl", "a small cup on the left side of a red bowl", False),
        (THERE, "bowl", "A fork, a knife and a bowl", False),
        (THERE, "plates", "a plate", True),
        (THERE, "glass", "glasses", False),
        (THERE, "star", "stars", False),  # words of a family are told apart to the letter
    ],
)
def test_names_thing(question, truth, text, right):
    assert names_thing(truth, question, text) is right
