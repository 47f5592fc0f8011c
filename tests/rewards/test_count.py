import pytest

from grit.grounding.traces import parse
from grit.rewards.count import count
from grit.rewards.response import Response, true_count

BOX = "[1, 2, 3, 4] "


def response(completion: str, answer: str, counting: bool = True) -> Response:
    return Response("q", answer, "tallyqa", parse(completion), None, None, counting)


@pytest.mark.parametrize(
    ("completion", "answer", "expected"),
    [
        (BOX * 3, "3", 1),
        (BOX * 2, "3", 0),
        (BOX * 4, "3", 0),
        (BOX * 2 + "<rethink>" + BOX + "</rethink>", "2", 1),  # the reflection may repeat boxes
        (BOX * 2 + "<rethink>" + BOX + "</rethink>", "3", 0),
        (BOX * 2 + "<answer>3</answer>", "3", 0),  # the answer itself is not what is counted
        ("", "0", 1),
        (BOX, "0", 0),
    ],
)
def test_count(completion, answer, expected):
    assert count(response(completion, answer)) == expected


def test_other_data_earns_nothing():
    assert count(response(BOX * 3, "3", counting=False)) == 0
    assert count(response(BOX * 3, "red", counting=False)) == 0


@pytest.mark.parametrize(("answer", "expected"), [("0", 0), ("12", 12), (" 3\n", 3), ("007", 7)])
def test_true_count(answer, expected):
    assert true_count(answer) == expected


@pytest.mark.parametrize("answer", ["", "three", "3.0", "-1", "1,000", "٣", "9" * 5000, "[3]"])
def test_no_count(answer):
    with pytest.raises(ValueError, match="a number of objects"):
        true_count(answer)
