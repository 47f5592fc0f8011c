from copy import deepcopy
from typing import Any

from grit.runs.twins import distinctions


def config(**changed: Any) -> dict[str, Any]:
    """A configuration with some settings, by dotted names, that are not the usual ones."""
    found: dict[str, Any] = {
        "seed": 0,
        "model": {"path": "tiny:qwen"},
        "training": {"a": 1, "b": 2, "c": 3, "d": 4, "steps": 60, "decode": None},
        "trainer": {"max_steps": 60},
        "logger": {"tags": []},
    }
    for name, value in changed.items():
        *groups, last = name.split("__")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found


def test_settings_are_told_by_their_names() -> None:
    told = distinctions([config(), config(training__b=0.5), config(training__decode="static")])
    assert told == [
        ("training.b=2", "training.decode=null"),
        ("training.b=0.5", "training.decode=null"),
        ("training.decode=static", "training.b=2"),  # first what few others share
    ]
    assert distinctions([config(), config()]) == [(), ()]
    assert distinctions([config()]) == [()]


def test_of_many_differences_three_are_told() -> None:
    one, other = distinctions([config(), config(**{f"training__{each}": 9 for each in "abcd"})])
    assert one == ("training.a=1", "training.b=2", "training.c=3", "and 1 more")
    assert other == ("training.a=9", "training.b=9", "training.c=9", "and 1 more")


def test_what_makes_no_other_result_is_left_out() -> None:
    told = distinctions([config(), config(seed=1, logger__tags=["x"], trainer__devices=2)])
    assert told == [(), ()]
    changed = config(training__a=9, seed=1)
    assert distinctions([config(), changed], ignored=("training",)) == [("seed=0",), ("seed=1",)]


def test_what_follows_from_a_name_or_from_another_setting_is_not_said_again() -> None:
    shapes, tally = config(data__rows=20), config(data__rows=500, training__steps=5)
    tally["trainer"]["max_steps"] = 5
    steps = [("training.steps=60",), ("training.steps=5",)]
    both = distinctions([shapes, tally])
    assert both == [(*steps[0], "data.rows=20"), (*steps[1], "data.rows=500")]
    assert distinctions([shapes, tally], ["shapes", "tally"]) == [(), ()]
    third = deepcopy(tally) | {"training": shapes["training"], "trainer": shapes["trainer"]}
    told = distinctions([shapes, tally, third], ["shapes", "tally", "tally"])
    assert told == [steps[0], steps[1], steps[0]]
    assert ("trainer.max_steps=9",) in distinctions([config(), config(trainer__max_steps=9)])


def test_a_group_that_some_do_not_have_is_one_difference() -> None:
    mine = {"call": "my_module.my_term", "weight": 0.5}
    heavy = mine | {"weight": 0.7}
    one, two, three = distinctions([config(), config(terms__mine=mine), config(terms__mine=heavy)])
    assert one == ("without terms",)
    assert two == ("terms.mine.weight=0.5", "with terms")
    assert three == ("terms.mine.weight=0.7", "with terms")


def test_values_are_short_and_name_no_place_of_the_machine() -> None:
    path = "/home/me/models/a-very-long-name-of-a-model-that-somebody-has-made"
    told = distinctions([config(), config(model__path=path)])
    assert told == [
        ("model.path=tiny:qwen",),
        ("model.path=.../models/a-very-long-name-of-a-model-…",),
    ]
