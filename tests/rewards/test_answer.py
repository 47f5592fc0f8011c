import pytest

from grit.grounding.traces import parse
from grit.rewards.answer import bleu, judge
from grit.rewards.response import Response


def response(completion: str, judged: float | None) -> Response:
    return Response("q", "hot dog", "vsr", parse(completion), None, judged, counting=False)


@pytest.mark.parametrize(("judged", "expected"), [(1.0, 1), (0.01, 1), (0.0, 0), (None, None)])
def test_the_judges_score_becomes_binary(judged, expected):
    assert judge(response("<answer>hot dog", judged)) == expected


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        ("<answer>Hot dog.</answer>", 1),
        ("hot dog", 0),
        ("<answer></answer>", 0),
        ("<answer>cat", 0),
    ],
)
def test_bleu_reads_the_predicted_answer(completion, expected):
    assert bleu(response(completion, None)) == expected
