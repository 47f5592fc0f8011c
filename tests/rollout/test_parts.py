"""Prompts by parts that fit into memory."""

import weakref
from dataclasses import dataclass

import pytest

from grit.rollout import parts
from grit.rollout.parts import parts_of


@dataclass
class Prompt:
    nbytes: int


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [([1] * 5, [2, 2, 1]), ([9, 1, 9, 9], [2, 1, 1]), ([99, 1, 1], [1, 2]), ([], [])],
)
def test_a_part_ends_at_its_number_or_its_bytes(monkeypatch, sizes, lengths):
    monkeypatch.setattr(parts, "BYTES_AT_A_TIME", 10)
    found = [[each.nbytes for each in part] for part in parts_of(map(Prompt, sizes), 2)]
    assert [len(part) for part in found] == lengths
    assert [size for part in found for size in part] == sizes


def test_there_is_one_part_at_a_time():
    made: list[weakref.ref[Prompt]] = []

    def prompts():
        for number in range(6):
            if number % 2:  # the second of its part
                assert [ref() for ref in made[: number - 1]] == [None] * (number - 1)
            prompt = Prompt(number)
            made.append(weakref.ref(prompt))
            yield prompt

    for part in parts_of(prompts(), 2):
        assert part
