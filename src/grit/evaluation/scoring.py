"""Scores of single predictions, which the metrics average."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.grounding.boxes import Box, converted, union_iou
from grit.grounding.traces import Trace, format_parts, parse
from grit.judge.judge import Judge, Query, score_once
from grit.judge.words import answer_key


def score_predictions(
    predictions: Sequence[Prediction], judge: Judge, *, tagged_answers: bool
) -> list[ScoredPrediction]:
    """Score predictions, with one call of the judge in which each distinct query occurs once.

    Args:
        predictions: to be scored.
        judge: gives ``acc``, 0 to 1: 0 without an answer, None if the judge failed.
        tagged_answers: whether the prompt asked for ``<answer>``; if not, the whole completion is
            the answer.

    Returns:
        The scored predictions, in the same order. ``acc`` and ``exact_match`` are None for
        detection, whose true answer is a box that is not judged. ``giou`` is
        None for rows without annotated boxes. ``format`` is 1 if both tag pairs are well placed,
        the chain has a box, and there is an answer.
    """
    traces = [parse(prediction.completion) for prediction in predictions]
    answers = [
        trace.answer if tagged_answers else prediction.completion.strip() or None
        for prediction, trace in zip(predictions, traces, strict=True)
    ]
    queries = [_query(*pair) for pair in zip(predictions, answers, strict=True)]
    asked = [query for query in queries if query is not None]
    judged = dict(zip(asked, score_once(judge, asked), strict=True))
    return [
        _scored(prediction, trace, answer, query, judged)
        for prediction, trace, answer, query in zip(
            predictions, traces, answers, queries, strict=True
        )
    ]


def judge_again(rows: Sequence[ScoredPrediction], judge: Judge) -> list[ScoredPrediction]:
    """``rows``, with the judge asked once more about those that it failed on."""
    queries = [_query(row.prediction, row.answer) if row.judge_failed else None for row in rows]
    asked = [query for query in queries if query is not None]
    judged = dict(zip(asked, score_once(judge, asked), strict=True))
    return [
        row
        if query is None
        else replace(row, acc=judged[query], judge_failed=judged[query] is None)
        for row, query in zip(rows, queries, strict=True)
    ]


def _query(prediction: Prediction, answer: str | None) -> Query | None:
    if answer is None or prediction.truth_is_box:
        return None
    return Query(prediction.question, prediction.truth, answer)


def _scored(
    prediction: Prediction,
    trace: Trace,
    answer: str | None,
    query: Query | None,
    judged: Mapping[Query, float | None],
) -> ScoredPrediction:
    boxes = _original_boxes(prediction, trace)
    annotated = prediction.annotated
    parts = format_parts(trace)
    right = answer is not None and answer_key(answer) == answer_key(prediction.truth)
    unanswered = None if prediction.truth_is_box else 0.0
    return ScoredPrediction(
        prediction=prediction,
        answer=answer,
        boxes=boxes,
        parts=parts,
        acc=unanswered if query is None else judged[query],
        judge_failed=query is not None and judged[query] is None,
        exact_match=None if prediction.truth_is_box else float(right),
        giou=union_iou(boxes or (), annotated) if annotated else None,
        format=float(all(parts.values())),
    )


def _original_boxes(prediction: Prediction, trace: Trace) -> tuple[Box, ...] | None:
    """Every box of the completion in pixels of the original image, not clipped to it."""
    box_space, space = prediction.box_space, prediction.space
    if box_space is None or space is None:
        return None
    return converted(trace.all_boxes, box_space, space)
