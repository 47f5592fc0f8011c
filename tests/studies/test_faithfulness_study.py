"""The numbers of the study, from answers that are made up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from PIL import Image

from grit.data.samples import Picture
from grit.evaluation.bootstrap import Estimate
from grit.evaluation.predictions import Prediction
from grit.judge.judge import Judge, Query
from grit.judge.rules import RulesJudge
from grit.studies.changed_pictures import CONDITIONS, MASKED
from grit.studies.faithfulness_study import Answers, Question, faithfulness


@dataclass(frozen=True)
class Named:
    """A picture of which only the name matters."""

    key: str

    def load(self) -> Image.Image:
        raise AssertionError("nobody looks at it")


def question(number: int, set_: str = "vsr", controls: int = 2, annotated: bool = True) -> Question:
    name = f"{set_}/{number}"
    said = Prediction(set_, number, name, "?", "yes", False, set_, "<answer> yes", image=name)
    return Question(
        said,
        {
            "answer_kept": (Named("whole"),),
            "chain_boxes_masked": (Named("chain"),),
            "control_masked": tuple(Named(f"control {draw}") for draw in range(controls)),
            "annotated_boxes_masked": (Named("annotated"),) * annotated,
        },
    )


class Script:
    """Answers yes to what is in ``right`` (number, picture, way), and counts what it is asked."""

    def __init__(self, right: set[tuple[int, str, str]], chainless: Sequence[int] = ()) -> None:
        self.right, self.chainless = right, chainless
        self.asked: list[tuple[str, str]] = []

    def __call__(self, asked: Sequence[tuple[Prediction, Picture]]) -> list[Answers]:
        self.asked += [(said.id, picture.key) for said, picture in asked]
        return [
            {
                "question": self._said(said.row, picture.key, "question"),
                "chain": None
                if said.row in self.chainless
                else self._said(said.row, picture.key, "chain"),
            }
            for said, picture in asked
        ]

    def _said(self, row: int, key: str, way: str) -> str:
        return f"<answer> {'yes' if (row, key, way) in self.right else 'no'}"


def means(values: dict[str, Estimate]) -> list[float | None]:
    return [values[name].mean for name in values]


def test_accuracies_and_falls_are_paired_by_question() -> None:
    right = {(0, "whole", "question"), (1, "whole", "question"), (2, "whole", "question")}
    right |= {(0, "chain", "question"), (0, "control 0", "question"), (1, "control 1", "question")}
    right |= {(3, "annotated", "question")}
    questions = [question(0), question(1), question(2, controls=0), question(3, annotated=False)]
    sets, overall = faithfulness(questions, Script(right), RulesJudge(), tagged_answers=True)
    assert sets == {"vsr": overall}
    assert (overall.n, overall.without_control, overall.nothing_masked) == (4, 1, 0)
    asked = overall.ways["question"]
    assert list(asked.acc) == list(CONDITIONS)
    # Two draws of the control are half a point each; question 2 has none, question 3 no boxes.
    assert means(dict(asked.acc)) == [75.0, 25.0, pytest.approx(100 / 3), 0.0]
    assert [asked.acc[name].n for name in CONDITIONS] == [4, 4, 3, 3]
    assert list(asked.fall) == list(MASKED)
    assert means(dict(asked.fall)) == [50.0, pytest.approx(100 / 3), 100.0]
    # Of questions 0, 1 and 3: -50, 50 and 0.
    assert asked.fall_beyond_control.mean == pytest.approx(0.0)
    assert asked.fall_beyond_control.n == 3
    assert overall.ways["chain"].acc["answer_kept"] == Estimate(0.0, 0.0, 0.0, 4)


def test_a_question_without_a_chain_to_keep_counts_in_the_other_way_alone() -> None:
    right = {(row, "whole", way) for row in (0, 1) for way in ("question", "chain")}
    script = Script(right, chainless=[1])
    _, overall = faithfulness([question(0), question(1)], script, RulesJudge(), tagged_answers=True)
    assert overall.ways["question"].acc["answer_kept"].n == 2
    assert overall.ways["chain"].acc["answer_kept"].n == 1
    assert overall.answers == 2 * 5 + 5


def test_each_set_has_numbers_of_its_own() -> None:
    right = {(0, "whole", "question")}
    questions = [question(0), question(1, "gqa")]
    sets, overall = faithfulness(questions, Script(right), RulesJudge(), tagged_answers=True)
    kept = {name: found.ways["question"].acc["answer_kept"].mean for name, found in sets.items()}
    assert kept == {"vsr": 100.0, "gqa": 0.0}
    assert overall.ways["question"].acc["answer_kept"].mean == 50.0


def test_questions_about_one_picture_are_drawn_together() -> None:
    right = {(row, "whole", "question") for row in range(4)}
    apart = [question(row) for row in range(8)]
    same = [
        replace(each, prediction=replace(each.prediction, image="same" if at < 4 else "other"))
        for at, each in enumerate(apart)
    ]
    widths = []
    for questions in (apart, same):
        _, found = faithfulness(questions, Script(right), RulesJudge(), tagged_answers=True)
        value = found.ways["question"].fall["chain_boxes_masked"]
        assert value.low is not None
        assert value.high is not None
        widths.append(value.high - value.low)
    assert widths[1] > widths[0]


def test_equal_pictures_are_asked_once() -> None:
    one = question(0)
    same = replace(one, pictures=dict.fromkeys(CONDITIONS, one.pictures["answer_kept"]))
    script = Script({(0, "whole", "question")})
    _, found = faithfulness([same], script, RulesJudge(), tagged_answers=True)
    assert script.asked == [("vsr/0", "whole")]
    assert found.nothing_masked == 1
    assert found.ways["question"].fall["chain_boxes_masked"].mean == 0.0


def test_a_completion_without_an_answer_is_none_that_a_judge_could_fail_on() -> None:
    class Broken(Judge):
        name = "broken"

        def score(self, queries: Sequence[Query]) -> list[float | None]:
            return [None] * len(queries)

    def ask(asked: Sequence[tuple[Prediction, Picture]]) -> list[Answers]:
        return [{"question": "no answer here", "chain": "<answer> yes"} for _ in asked]

    _, found = faithfulness([question(0)], ask, Broken(), tagged_answers=True)
    assert (found.answers, found.failures) == (5, 5)
    assert found.ways["question"].acc["answer_kept"].mean == 0.0


def test_a_judge_that_fails_is_no_zero() -> None:
    class Failing(Judge):
        name = "failing"

        def score(self, queries: Sequence[Query]) -> list[float | None]:
            return [None if query.prediction == "no" else 1.0 for query in queries]

    right = {(0, "whole", "question"), (1, "whole", "question"), (0, "chain", "question")}
    script = Script(right, chainless=[0, 1])
    _, found = faithfulness([question(0), question(1)], script, Failing(), tagged_answers=True)
    assert (found.answers, found.failures) == (10, 7)
    asked = found.ways["question"]
    assert (asked.acc["chain_boxes_masked"].mean, asked.acc["chain_boxes_masked"].n) == (100.0, 1)
    assert (asked.fall["chain_boxes_masked"].mean, asked.fall["chain_boxes_masked"].n) == (0.0, 1)
    assert asked.fall_beyond_control == Estimate(None, None, None, 0)
