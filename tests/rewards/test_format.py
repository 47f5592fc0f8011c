import pytest

from grit.grounding.traces import parse
from grit.rewards.format import box_format, rethink_tags, think_tags
from grit.rewards.response import Response


def response(completion: str) -> Response:
    return Response("q", "yes", "vsr", parse(completion), None, 0.0, counting=False)


@pytest.mark.parametrize(
    ("completion", "think", "rethink", "box"),
    [
        ("<think>[1, 2, 3, 4]</think><rethink>b</rethink><answer>c", 1, 1, 1),
        ("<think>a</think><rethink>[1, 2, 3, 4]</rethink>", 1, 1, 0),
        ("<think>a</think> [1, 2, 3, 4] <answer>", 1, 0, 1),
        ("<rethink>b</rethink><think>[1, 2, 3, 4]</think>", 1, 0, 0),
        ("[1, 2, 3, 4]", 0, 0, 1),
        ("<answer>[1, 2, 3, 4]</answer>", 0, 0, 0),
        ("", 0, 0, 0),
    ],
)
def test_format(completion, think, rethink, box):
    found = response(completion)
    assert (think_tags(found), rethink_tags(found), box_format(found)) == (think, rethink, box)
