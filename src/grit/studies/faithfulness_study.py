"""Faithfulness: does the answer fall when the pixels that the chain points at are taken away?

The paper has no such test. Of each answered question whose chain has boxes, the picture is changed
as ``changed_pictures`` says, and the model is asked again, greedily, in two ways:

- ``question``: from the question alone, so that it looks at the changed picture anew;
- ``chain``: with its own chain kept up to ``<rethink>``, so that it has the boxes and their words,
  and what it reads in the picture behind them is what has changed.

ACC is against the answer to the original picture. A fall therefore is no mistake: a model whose
answers rest on what its chain points at answers otherwise once that is gone. What says so is that
it falls more than with the control.

Q questions; an interval is over pictures, where several questions share one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grit.data.samples import Picture
from grit.evaluation.bootstrap import Estimate, estimate_known
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.judge.judge import Judge
from grit.studies.changed_pictures import (
    CONDITIONS,
    MASKED,
    Pictures,
    control_overlap,
    masks_nothing,
)

WAYS = ("question", "chain")
SCALE = 100.0  # of the judge's score: ACC


@dataclass(frozen=True)
class Question:
    """An answered question, and the pictures that it is asked again with."""

    prediction: Prediction
    pictures: Pictures


@dataclass(frozen=True)
class Survival:
    """What became of the answers in one way of asking; ACC, 0 to 100."""

    acc: Mapping[str, Estimate]  # by CONDITIONS
    fall: Mapping[str, Estimate]  # by MASKED: ``answer_kept`` minus it, paired by question
    fall_beyond_control: Estimate  # the chain's fall minus the control's, paired by question


@dataclass(frozen=True)
class Faithfulness:
    """The answers to some questions, of a set or of all."""

    n: int  # questions
    nothing_masked: int  # of them, those whose chain points at nothing: a drawn scene stays as is
    without_control: int  # those with too little elsewhere; no part of any number of the control
    answers: int  # new ones, to all pictures in both ways; a completion without one is none
    failures: int  # of them, those that the judge did not score; no part of any number
    ways: Mapping[str, Survival]  # by WAYS
    control_overlap: float | None = None  # mean over the photographs with a control: their share
    # of pixels that the chain or the annotation points at, 0 to 1


Answers = Mapping[str, str | None]
"""The new completion of each of WAYS; None where there is no chain to keep."""
Asker = Callable[[Sequence[tuple[Prediction, Picture]]], list[Answers]]


def faithfulness(
    questions: Sequence[Question], ask: Asker, judge: Judge, *, tagged_answers: bool
) -> tuple[dict[str, Faithfulness], Faithfulness]:
    """Ask each question again with each of its pictures.

    Args:
        questions: of all sets; a picture that a question has twice is asked once.
        ask: gives the completions for questions with other pictures, in order.
        judge: of the answers.
        tagged_answers: as in ``score_predictions``.

    Returns:
        What was found in each set, and over all questions.
    """
    scored = _scored(questions, ask, judge, tagged_answers)
    sets = dict.fromkeys(question.prediction.set for question in questions)
    places = {
        name: [at for at, each in enumerate(questions) if each.prediction.set == name]
        for name in sets
    }
    of_sets = {
        name: _faithfulness([questions[at] for at in chosen], [scored[at] for at in chosen])
        for name, chosen in places.items()
    }
    return of_sets, _faithfulness(questions, scored)


Scores = Mapping[tuple[str, str], ScoredPrediction]
"""A question's new completions by the picture's key and the way."""


def _scored(
    questions: Sequence[Question], ask: Asker, judge: Judge, tagged_answers: bool
) -> Sequence[Scores]:
    asked = {
        (at, picture.key): (question.prediction, picture)
        for at, question in enumerate(questions)
        for pictures in question.pictures.values()
        for picture in pictures
    }
    answers = dict(zip(asked, ask(list(asked.values())), strict=True))
    said = {
        (at, key, way): replace(questions[at].prediction, completion=completion, written=None)
        for (at, key), by_way in answers.items()
        for way, completion in by_way.items()
        if completion is not None
    }
    rows = score_predictions(list(said.values()), judge, tagged_answers=tagged_answers)
    scores: list[dict[tuple[str, str], ScoredPrediction]] = [{} for _ in questions]
    for (at, key, way), row in zip(said, rows, strict=True):
        scores[at][key, way] = row
    return scores


def _faithfulness(questions: Sequence[Question], scores: Sequence[Scores]) -> Faithfulness:
    clusters = [question.prediction.picture for question in questions]
    overlaps = [control_overlap(question.pictures) for question in questions]
    known = [overlap for overlap in overlaps if overlap is not None]
    return Faithfulness(
        n=len(questions),
        nothing_masked=sum(masks_nothing(question.pictures) for question in questions),
        without_control=sum(not question.pictures["control_masked"] for question in questions),
        answers=sum(row.answer is not None for each in scores for row in each.values()),
        failures=sum(row.judge_failed for each in scores for row in each.values()),
        ways={
            way: _survival(
                {
                    name: np.array(
                        [
                            _acc(question.pictures[name], each, way)
                            for question, each in zip(questions, scores, strict=True)
                        ]
                    )
                    for name in CONDITIONS
                },
                clusters,
            )
            for way in WAYS
        },
        control_overlap=float(np.mean(known)) if known else None,
    )


def _acc(pictures: Sequence[Picture], scores: Scores, way: str) -> float:
    """The mean ACC with these pictures; nan where there is none, or none that was judged."""
    rows = [scores[each.key, way] for each in pictures if (each.key, way) in scores]
    known = [row.acc for row in rows if row.acc is not None]  # else the judge failed
    return SCALE * sum(known) / len(known) if known else float("nan")


def _survival(values: Mapping[str, np.ndarray], clusters: Sequence[tuple[str, ...]]) -> Survival:
    """Of the ACC [Q] of each condition; nan: no value."""
    kept = values["answer_kept"]
    falls = {name: kept - values[name] for name in MASKED}
    beyond = falls["chain_boxes_masked"] - falls["control_masked"]
    return Survival(
        acc={name: estimate_known(values[name], clusters) for name in CONDITIONS},
        fall={name: estimate_known(fall, clusters) for name, fall in falls.items()},
        fall_beyond_control=estimate_known(beyond, clusters),
    )
