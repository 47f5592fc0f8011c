import re

import pytest

from grit.pages.stack import reward_stack

PART = "train/reward_part/"


def rows(**parts: list[float]) -> list[dict[str, float]]:
    steps = range(len(next(iter(parts.values()))))
    return [
        {"step": step} | {PART + name: values[step] for name, values in parts.items()}
        for step in steps
    ]


def corners(path: str) -> list[tuple[float, float]]:
    assert path.startswith("M")
    assert path.endswith("Z")
    numbers = [float(number) for number in re.findall(r"[-\d.e]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_parts_stand_on_each_other() -> None:
    found = reward_stack(rows(think_tags=[0.5, 0.5], judge=[0.0, 1.5]))
    assert found is not None
    assert [band.name for band in found.bands] == ["Think tags", "Judge"]
    assert [tick.label for tick in found.y_ticks] == ["0", "1", "2"]
    low, high = (corners(band.path) for band in found.bands)
    assert low == [(0, 75), (100, 75), (100, 100), (0, 100)]
    assert high == [(0, 75), (100, 0), (100, 75), (0, 75)]
    assert [band.last for band in found.bands] == ["0.5", "1.5"]
    assert found.points[1] == (100, "1", ("0.5", "1.5"))
    assert found.steps == ("0", "1")


def test_only_steps_that_have_every_part_count() -> None:
    some = rows(a=[1, 1, 1], b=[1, 1, 1])
    del some[1][PART + "b"]
    found = reward_stack(some)
    assert found is not None
    assert [point[1] for point in found.points] == ["0", "2"]


@pytest.mark.parametrize(
    "parts",
    [{"a": [1.0, 2.0]}, {"a": [1.0], "b": [1.0]}, {"a": [1.0, -0.1], "b": [1.0, 1.0]}],
    ids=["one part", "one step", "a part below 0"],
)
def test_what_cannot_be_stacked_is_not(parts) -> None:
    assert reward_stack(rows(**parts)) is None


def test_a_run_without_a_reward_has_no_stack() -> None:
    assert reward_stack([{"step": 0, "train/loss": 1.0}]) is None


def test_a_reward_of_nothing_but_zeros_is_drawn() -> None:
    found = reward_stack(rows(a=[0, 0], b=[0, 0]))
    assert found is not None
    assert {y for band in found.bands for _, y in corners(band.path)} == {100}
