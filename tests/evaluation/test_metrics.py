import random
from dataclasses import replace

import pytest
import torch

from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.metrics import (
    METRICS,
    RowMetric,
    Score,
    estimates,
    unique_rows,
)
from grit.evaluation.predictions import Prediction, ScoredPrediction

NOTHING = Estimate(None, None, None, 0)


def scored(row: int, acc: float | None = 1.0, giou: float | None = 0.5) -> ScoredPrediction:
    said = Prediction(
        set="vsr",
        row=row,
        id=f"vsr/{row}",
        question="?",
        truth="yes",
        truth_is_box=False,
        dataset="vsr",
        completion="",
        named_boxes=row % 4 / 3,
    )
    return ScoredPrediction(
        prediction=said,
        answer=None,
        boxes=None,
        parts={},
        acc=acc,
        judge_failed=acc is None,
        exact_match=float(row % 2),
        giou=giou,
        format=float(row % 3 == 0),
    )


def of_pictures(count: int, each: int) -> list[ScoredPrediction]:
    """Rows of which ``each`` in succession show one picture."""
    return [
        replace(row, prediction=replace(row.prediction, image=f"{place // each}"))
        for place, row in enumerate(many(count))
    ]


def many(count: int = 40) -> list[ScoredPrediction]:
    source = random.Random(4)
    return [
        scored(i, source.choice([0.1, 0.7, 1.0, None]), source.choice([None, source.random()]))
        for i in range(count)
    ]


def computed(score: Score, *batches: list[ScoredPrediction]) -> Estimate:
    metric = RowMetric(score)
    for batch in batches:
        metric.update(batch)
    return metric.compute()


@pytest.mark.parametrize("score", METRICS.values(), ids=METRICS)
def test_numbers_do_not_depend_on_batches_order_or_duplicates(score: Score) -> None:
    rows = many()
    expected = computed(score, rows)
    assert expected.n > 10
    for size in (1, 3, 7):
        batches = [rows[i : i + size] for i in range(0, len(rows), size)]
        assert computed(score, *batches) == expected
    shuffled = random.Random(5).sample(rows, len(rows))
    assert computed(score, shuffled) == expected
    assert computed(score, rows, rows[:9]) == expected  # as padding of the last batch would


def test_each_metric_averages_its_score_at_its_scale() -> None:
    rows = [scored(0, 0.5, 0.2), scored(1, 1.0, None), scored(2, None, 0.4), scored(3, 0.0, 0.0)]
    assert computed(METRICS["acc"], rows)[::3] == (pytest.approx(50.0), 3)
    assert computed(METRICS["exact_match"], rows)[::3] == (pytest.approx(50.0), 4)
    assert computed(METRICS["giou"], rows)[::3] == (pytest.approx(0.2), 3)
    assert computed(METRICS["format_rate"], rows)[::3] == (pytest.approx(0.5), 4)
    assert estimates(rows)["acc"] == computed(METRICS["acc"], rows)


def test_acc_is_one_number_or_two_by_what_the_judge_gives() -> None:
    """Issue 10 of the released code: scores in between count as they are, or by the half."""
    between = [scored(row, acc) for row, acc in enumerate((0.3, 0.5, 0.7, None))]
    assert computed(METRICS["acc"], between)[::3] == (pytest.approx(50.0), 3)
    above = computed(METRICS["acc_binary"], between)  # 0.5 is not above
    assert above[::3] == (pytest.approx(100 / 3), 3)
    binary = [scored(row, acc) for row, acc in enumerate((1.0, 0.0, 1.0, None, 1.0))]
    assert computed(METRICS["acc"], binary) == computed(METRICS["acc_binary"], binary)
    assert estimates(between)["acc_binary"] == computed(METRICS["acc_binary"], between)


def test_the_interval_is_the_bootstraps() -> None:
    rows = [scored(i, float(i % 2)) for i in range(30)]
    found = computed(METRICS["acc"], rows)
    in_order = sorted(rows, key=lambda row: row.prediction.id)  # any order of zeros and ones
    plain = estimate(torch.tensor([row.acc for row in in_order]).numpy() * 100)
    assert found.mean == plain.mean
    assert found.low == pytest.approx(plain.low, abs=5)
    assert found.low is not None
    assert found.high is not None
    assert 25 < found.low < 50 < found.high < 75


@pytest.mark.parametrize("score", METRICS.values(), ids=METRICS)
def test_no_row_gives_no_number(score: Score) -> None:
    assert computed(score, []) == NOTHING
    assert computed(METRICS["giou"], [scored(1, giou=None)]) == NOTHING


def test_of_conflicting_duplicates_the_first_counts() -> None:
    assert computed(METRICS["acc"], [scored(1, 1.0)], [scored(1, 0.0)]).mean == 100.0


def test_rows_of_two_sets_may_share_an_id() -> None:
    first = scored(1, 1.0)
    second = replace(first, prediction=replace(first.prediction, set="gqa"), acc=0.0)
    assert computed(METRICS["acc"], [first, second])[::3] == (50.0, 2)


def test_reset_forgets() -> None:
    metric = RowMetric(METRICS["acc"])
    metric.update([scored(1, 0.0)])
    metric.reset()
    metric.update([scored(2, 1.0)])
    assert metric.compute().mean == 100.0


def test_processes_are_put_together() -> None:
    rows = many(30)
    others = RowMetric(METRICS["acc"])
    others.update(rows[12:])  # the last row of the first process is padding of the second's
    states = {torch.int64: others.ids[0], torch.float64: others.values[0]}

    def gather(mine: torch.Tensor, group: object) -> list[torch.Tensor]:
        return [mine, states[mine.dtype]]

    metric = RowMetric(METRICS["acc"], dist_sync_fn=gather, distributed_available_fn=lambda: True)
    metric.update(rows[:13])
    assert metric.compute() == computed(METRICS["acc"], rows)
    idle = RowMetric(METRICS["acc"], dist_sync_fn=gather, distributed_available_fn=lambda: True)
    idle.update([])
    assert idle.compute() == computed(METRICS["acc"], rows[12:])


def test_unique_rows_are_in_the_sets_order() -> None:
    rows = [scored(2), scored(0), scored(2, 0.0), scored(1)]
    assert [(r.prediction.row, r.acc) for r in unique_rows(rows)] == [(0, 1.0), (1, 1.0), (2, 1.0)]


@pytest.mark.parametrize("score", METRICS.values(), ids=METRICS)
def test_rows_of_one_picture_are_drawn_together(score: Score) -> None:
    rows = of_pictures(40, each=4)
    found = computed(score, rows)
    assert found == computed(score, rows[20:][::-1], rows)
    own = computed(score, of_pictures(40, each=1))
    assert own == computed(score, many(40))
    assert (found.mean, found.n) == (own.mean, own.n)
    assert (found.low, found.high) != (own.low, own.high)


def test_a_picture_belongs_to_its_set_and_rows_without_one_stand_alone() -> None:
    one = scored(0).prediction
    assert replace(one, image="a").picture == replace(one, row=1, id="vsr/1", image="a").picture
    assert replace(one, image="a").picture != replace(one, set="gqa", image="a").picture
    assert one.picture != replace(one, id="vsr/1").picture
    assert one.picture != replace(one, image=one.id).picture
