import pytest

from grit.judge.judge import Judge, Query, score_once
from grit.judge.rules import RulesJudge


class Noting(Judge):
    """A judge that fails on the prediction "?" and notes what it is asked."""

    name = "noting"

    def __init__(self):
        self.asked = []

    def score(self, queries):
        self.asked.append(list(queries))
        return [None if query.prediction == "?" else 0.5 for query in queries]


def test_identical_queries_are_asked_once():
    judge = Noting()
    first, second = Query("q", "1", "?"), Query("q", "1", "2")
    assert score_once(judge, [first, second, first, second]) == [None, 0.5, None, 0.5]
    assert judge.asked == [[first, second]]


def test_nobody_is_asked_about_nothing():
    judge = Noting()
    assert score_once(judge, []) == []
    assert judge.asked == []


def test_a_judge_that_answers_too_little_is_not_believed():
    class Short(Noting):
        def score(self, queries):
            return []

    with pytest.raises(ValueError, match="shorter"):
        score_once(Short(), [Query("q", "1", "2")])


def test_the_rules_judge_scores_in_order():
    judge = RulesJudge()
    assert judge.name == "rules"
    assert judge.score([Query("q", "7", "seven"), Query("q", "7", "8")]) == [1.0, 0.0]
    assert judge.score([]) == []
