import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import settings_of
import torch

from grit.core.errors import GritError, Resumable
from grit.grounding.boxes import Box
from grit.judge.rules import RulesJudge
from grit.rewards.answer import bleu, judge
from grit.rewards.count import count
from grit.rewards.format import think_tags
from grit.rewards.response import Attempt
from grit.rewards.reward import Reward, reward_from
from grit.rewards.term import needs


class Counting(RulesJudge):
    """The rules judge, noting what it is asked, and failing on some predictions."""

    def __init__(self, fails_on: str = ""):
        self.fails_on = fails_on
        self.calls = []

    def score(self, queries):
        self.calls.append(list(queries))
        scores = super().score(queries)
        pairs = zip(queries, scores, strict=True)
        return [None if query.prediction == self.fails_on else score for query, score in pairs]


@dataclass(frozen=True)
class Row:
    id: str
    dataset: str
    answer: str
    where: str = ""
    boxes: tuple[Box, ...] | None = None
    answer_is_box: bool = False


def attempt(completion: str, answer: str = "yes", dataset: str = "vsr") -> Attempt:
    return Attempt("Is it?", answer, dataset, completion)


TERMS = {"think": (think_tags, 0.5), "judge": (judge, 2.0), "bleu": (bleu, 0.1)}


def test_the_total_is_the_sum_of_weighted_parts():
    reward = Reward(TERMS, [])
    outcome = reward.score([attempt("<think></think><answer>yes it is")], RulesJudge())[0]
    assert outcome.components == pytest.approx({"think": 0.5, "judge": 2.0, "bleu": 0.1 / 3})
    assert outcome.total == pytest.approx(2.5 + 0.1 / 3)
    assert outcome.response.trace.answer == "yes it is"
    assert list(outcome.components) == list(TERMS)


def test_the_judge_is_asked_once_about_each_distinct_answer():
    referee = Counting()
    rows = [
        attempt("<answer>yes"),
        attempt("nothing"),
        attempt("<answer>no"),
        attempt("<answer>yes"),
    ]
    outcomes = Reward(TERMS, []).score(rows, referee)
    assert [outcome.components["judge"] for outcome in outcomes] == [2, 0, 0, 2]
    assert [[query.prediction for query in call] for call in referee.calls] == [["yes", "no"]]


def test_nobody_is_asked_where_nothing_depends_on_it():
    referee = Counting()
    rows = [attempt("<answer>yes")]
    assert (
        Reward({"bleu": (bleu, 1.0), "judge": (judge, 0.0)}, []).score(rows, referee)[0].total == 1
    )
    assert Reward(TERMS, []).score([attempt("<answer> </answer>")], referee)[0].total == 0
    assert Reward(TERMS, []).score([], referee) == []
    assert referee.calls == []


def test_a_failed_judge_is_not_a_zero():
    rows = [attempt("<think></think><answer>yes"), attempt("<answer>no"), attempt("nothing")]
    outcomes = Reward(TERMS, []).score(rows, Counting(fails_on="yes"))
    assert outcomes[0].total is None
    assert outcomes[0].components == {"think": 0.5, "judge": None, "bleu": 0.1}
    assert outcomes[0].response.judged is None
    assert [outcome.total for outcome in outcomes[1:]] == [0, 0]
    alone = Reward({"bleu": (bleu, 1.0)}, []).score(rows[:1], Counting(fails_on="yes"))
    assert alone[0].total == 1


def test_a_weight_of_zero_is_a_component_of_zero():
    def length(response):
        return len(response.trace.text)

    reward = Reward({"off": (length, 0.0), "judge": (judge, 0.0), "on": (think_tags, 1.0)}, [])
    outcome = reward.score([attempt("<think></think> <answer> 1")], RulesJudge())[0]
    assert outcome.components == {"off": 0.0, "judge": 0.0, "on": 1.0}
    assert outcome.total == 1.0
    # It can be looked at all the same, where nobody has to be asked for it.
    assert outcome.unrewarded == {"off": 26.0, "judge": None}


def test_counting_data_is_told_row_by_row():
    reward = Reward({"count": (count, 0.5)}, ["tallyqa"])
    rows = [attempt("1, 2, 3, 4", "1", "vsr"), attempt("1, 2, 3, 4", "1", "tallyqa")]
    assert [outcome.total for outcome in reward.score(rows, RulesJudge())] == [0, 0.5]
    assert [outcome.total for outcome in reward.score(rows[::-1], RulesJudge())] == [0.5, 0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_part_that_is_no_number_is_an_error(value):
    with pytest.raises(Resumable, match=r"reward\.terms\.odd: .* gave"):
        Reward({"odd": (lambda response: value, 1.0)}, []).score([attempt("")], RulesJudge())


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "at least one term"),
        ({"a": (count, math.nan)}, r"reward\.terms\.a\.weight: expected a number, found nan"),
        ({"a": (count, 1.0), "b": (count, 1.0)}, r"reward\.terms\.a: .* another term"),
    ],
)
def test_impossible_rewards(terms, message):
    with pytest.raises(GritError, match=message):
        Reward(terms, [])


@pytest.mark.parametrize(
    "path",
    [
        *("grit.rewards.format.thinktags", "grit.rewards.nothing.here", "think_tags", "", ".x"),
        *("a..b", "grit.rewards.bleu.math", "grit.rewards"),
    ],
)
def test_unknown_functions_are_named(path):
    with pytest.raises(GritError, match=r"reward\.terms\.mine\.call: "):
        reward_from(settings_of.reward({"mine": (path, 1.0)}))


def test_a_function_of_ones_own():
    reward = reward_from(settings_of.reward({"mine": ("grit.rewards.format.think_tags", 3.0)}))
    assert reward.score([attempt("<think></think>")], RulesJudge())[0].total == 3


def test_possible_names_the_parts_that_can_pay():
    reward = Reward({"count": (count, 0.5), "off": (think_tags, 0.0)}, ["tallyqa"])
    assert reward.possible(["vsr", "tallyqa"]) == ["count"]
    assert reward.possible(["vsr"]) == []
    assert Reward(TERMS, []).possible(["vsr"]) == list(TERMS)


def test_a_run_that_cannot_learn_is_refused():
    reward = Reward({"count": (count, 0.5)}, ["tallyqa"])
    reward.check([Row("a/1", "vsr", "yes"), Row("b/1", "tallyqa", "3")])
    with pytest.raises(GritError, match="a run would learn nothing"):
        reward.check([Row("a/1", "vsr", "yes")])
    with pytest.raises(GritError, match=r'b/1: field "answer": expected a number of .*\'many\''):
        reward.check([Row("b/1", "tallyqa", "many")])
    with pytest.raises(GritError, match=r'^own.jsonl line 7: field "answer": expected a number'):
        reward.check([Row("b/1", "tallyqa", "many", where="own.jsonl line 7")])


def raises(response):
    return response.nothing_of_the_kind


def takes_two(response, other):
    return 1.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (raises, "AttributeError"),
        (takes_two, "TypeError: .*other"),
        (lambda: 1.0, "TypeError"),
        (lambda response: "1", "gave '1', expected a number"),
        (lambda response: [1.0], r"gave \[1\.0\], expected a number"),
        (lambda response: None, "gave None"),
        (lambda response: math.nan, "gave nan"),
        (lambda response: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_rehearsal_names_the_term_that_cannot_work(call, said):
    reward = Reward({"fine": (think_tags, 1.0), "mine": (call, 0.5)}, ["tallyqa"])
    with pytest.raises(GritError, match=rf"reward\.terms\.mine: .*{said}") as raised:
        reward.rehearse()
    assert "\n" not in str(raised.value)


def test_a_term_of_weight_0_is_rehearsed_too():
    with pytest.raises(GritError, match=r"reward\.terms\.off: "):
        Reward({"fine": (think_tags, 1.0), "off": (raises, 0.0)}, []).rehearse()


@pytest.mark.parametrize("value", [1, 0.5, True, np.float32(2.0), torch.tensor(1.0)])
def test_numbers_of_every_kind_are_rewards(value):
    Reward({"mine": (lambda response: value, 1.0)}, []).rehearse()


def test_a_term_that_raises_on_a_row_names_row_and_term():
    def first_word(response):
        return len(response.trace.text.split()[0])

    reward = Reward({"mine": (first_word, 1.0)}, [])
    reward.rehearse()
    rows = [attempt("yes"), replace(attempt(""), row="vsr/17")]
    with pytest.raises(Resumable, match=r"reward\.terms\.mine: on vsr/17: IndexError: .*mend"):
        reward.score(rows, RulesJudge())


@pytest.mark.parametrize("declared", [True, False])
def test_a_term_is_called_once_for_each_completion(declared):
    """One that declares nothing once more where it gave None and the judge was asked."""
    calls = []

    def mine(response):
        calls.append(response.judged)
        return response.judged

    term = needs(judge=True)(mine) if declared else mine
    rows = [attempt("<answer>yes"), attempt("nothing")]
    outcomes = Reward({"mine": (term, 1.0)}, []).score(rows, RulesJudge())
    assert [outcome.total for outcome in outcomes] == [1.0, 0.0]
    assert calls == ([1.0, 0.0] if declared else [None, 0.0, 1.0])


def test_what_declares_nothing_waits_for_a_judge_that_is_asked_anyway():
    calls = []

    def mine(response):
        calls.append(response.judged)
        return response.judged

    reward = Reward({"mine": (mine, 1.0), "judge": (judge, 1.0)}, [])
    assert reward.score([attempt("<answer>no")], RulesJudge())[0].total == 0.0
    assert calls == [0.0]


def test_a_judge_is_not_asked_for_what_no_term_reads():
    referee = Counting()
    reward = reward_from(settings_of.reward({"judge": ("grit.rewards.released.judge", 1.0)}))
    rows = [attempt("<answer>[1, 2, 3, 4]", dataset="ovd_position"), attempt("<answer>yes")]
    assert [outcome.total for outcome in reward.score(rows, referee)] == [0.0, 1.0]
    assert [[query.prediction for query in call] for call in referee.calls] == [["yes"]]


def test_data_that_look_like_counts_and_are_not_paid_for_them_are_told(caplog):
    rows = [Row("a/1", "vsr", "yes"), Row("a/2", "vsr", "2"), Row("b/1", "tallyqa", "3")]
    own = [*rows, Row("c/1", "cups", "3"), Row("c/2", "cups", "12")]
    terms = {"count": (count, 0.5), "bleu": (bleu, 0.1)}
    with caplog.at_level("INFO"):
        Reward(terms, ["tallyqa", "cups"]).check(own)
        Reward(TERMS, []).check(own)  # no term is paid for counts
        assert caplog.messages == []
        Reward(terms, ["tallyqa"]).check(own)
        Reward(terms, ["cup"]).check(own)
    assert [message.partition(":")[0] for message in caplog.messages] == ["cups", "cups, tallyqa"]
    assert "count pays nothing there: see reward.counting_datasets" in caplog.messages[0]
