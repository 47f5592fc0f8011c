from math import inf

import numpy as np
import pytest

from grit.evaluation.bootstrap import Estimate, estimate
from grit.evaluation.metrics import estimates
from grit.evaluation.over_runs import Bounds, t95
from grit.evaluation.paired import compared, difference, holm
from grit.evaluation.predictions import Prediction, ScoredPrediction

ANYTHING = Bounds(-inf, inf)


def row(place: int, acc: float | None, image: str | None = None) -> ScoredPrediction:
    said = Prediction(
        set="vsr",
        row=place,
        id=f"vsr/{place}",
        question="?",
        truth="yes",
        truth_is_box=False,
        dataset="vsr",
        completion="",
        image=image,
    )
    return ScoredPrediction(
        prediction=said,
        answer="yes",
        boxes=None,
        parts={},
        acc=acc,
        judge_failed=acc is None,
        exact_match=acc,
        giou=None,
        format=1.0,
    )


def rows(*scores: float | None) -> list[ScoredPrediction]:
    return [row(place, acc) for place, acc in enumerate(scores)]


def test_a_change_is_of_the_questions_that_both_scored() -> None:
    before, after = rows(0.0, 1.0, None, 0.0), rows(1.0, 1.0, 1.0, None)
    assert difference(before, after, "acc").n == 2
    assert difference(before, after, "acc").mean == 50.0
    assert difference(before[1:], after, "acc").mean == 0.0
    assert difference(before[::-1], after, "acc") == difference(before, after, "acc")


def test_each_question_counts_once() -> None:
    before, after = rows(0.0, 1.0), rows(1.0, 1.0)
    assert difference(before * 3, [*after, after[0]], "acc") == difference(before, after, "acc")


def test_a_metric_keeps_its_unit() -> None:
    before, after = rows(*[0.0] * 9), rows(*[0.25] * 9)
    assert difference(before, after, "acc") == Estimate(25.0, 25.0, 25.0, 9)
    assert difference(before, after, "format_rate") == Estimate(0.0, 0.0, 0.0, 9)
    assert difference(before, after, "giou") == Estimate(None, None, None, 0)


def test_pairing_makes_the_interval_narrower() -> None:
    before = rows(*[0.0, 1.0] * 20)
    after = rows(*[0.1, 1.0] * 20)
    change, alone = difference(before, after, "acc"), estimates(after)["acc"]
    assert change.low is not None
    assert change.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert change.low > 0
    assert change.high - change.low < (alone.high - alone.low) / 5


def test_runs_are_compared_on_the_questions_that_all_scored() -> None:
    baseline = [{"a": 0.0, "b": 1.0, "c": 0.0}, {"a": 0.0, "b": 0.0}]
    found = compared(baseline, [{"a": 1.0, "b": 1.0, "d": 0.0}], ANYTHING).difference
    assert (found.mean, found.n) == (0.75, 2)
    assert compared(baseline, [{"d": 1.0}], ANYTHING).difference == Estimate(None, None, None, 0)


def test_the_interval_is_of_questions_and_of_runs() -> None:
    """Equal questions leave the runs, equal runs the questions, and pairing leaves nothing."""
    same = {str(place): 1.0 for place in range(50)}
    runs = compared(
        [dict.fromkeys(same, 0.0)], [same, dict.fromkeys(same, 0.0)], ANYTHING
    ).difference
    # Two runs half apart from their mean: 12.7062047 is Student's t of one degree of freedom.
    assert (runs.low, runs.high) == pytest.approx((0.5 - 12.7062047 * 0.5, 0.5 + 12.7062047 * 0.5))
    half = {str(place): place % 2 for place in range(50)}
    questions = compared([dict.fromkeys(same, 0.0)], [half, half], ANYTHING).difference
    assert questions.low is not None
    assert questions.high is not None
    assert 0.3 < questions.low < 0.5 < questions.high < 0.7
    paired = compared(
        [half], [{key: value + 1 for key, value in half.items()}], ANYTHING
    ).difference
    assert (paired.low, paired.mean, paired.high) == pytest.approx((1.0, 1.0, 1.0))


def test_no_difference_is_larger_than_it_can_be() -> None:
    runs = [{"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 0.0}]
    found = compared([{"a": 0.0, "b": 0.0}], runs, Bounds(-1, 1)).difference
    assert (found.low, found.mean, found.high) == (-1.0, 0.5, 1.0)


@pytest.mark.parametrize(("baselines", "ours", "spread"), [(5, 5, 0.03), (1, 5, 0.03), (3, 3, 0.0)])
def test_equal_methods_differ_in_one_of_twenty_experiments(baselines, ours, spread) -> None:
    """Under the null, with questions of unequal difficulty and seeds that spread or do not."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        difficulty = random.uniform(size=200)

        def run(of_seed: float, difficulty: np.ndarray = difficulty) -> dict[str, float]:
            level = np.clip(difficulty + random.normal(0, of_seed), 0, 1)
            return dict(
                zip(map(str, range(200)), (random.uniform(size=200) < level) * 1.0, strict=True)
            )

        was = [run(0.0 if baselines == 1 else spread) for _ in range(baselines)]
        found = compared(was, [run(spread) for _ in range(ours)], ANYTHING).difference
        assert found.low is not None
        assert found.high is not None
        wrong += found.low > 0 or found.high < 0
    assert wrong / 300 < 0.075


def test_changes_of_one_picture_count_together() -> None:
    scores = np.random.default_rng(7).random(30)
    thrice = [row(place, score, f"{place // 3}") for place, score in enumerate(scores.repeat(3))]
    zeros = [row(place, 0.0, f"{place // 3}") for place in range(90)]
    alone = difference(rows(*[0.0] * 30), rows(*scores), "acc")
    assert difference(zeros, thrice, "acc")[:3] == pytest.approx(alone[:3])
    own = [row(place, score, f"{place}") for place, score in enumerate(scores)]
    assert difference(rows(*[0.0] * 30), own, "acc") == alone


def test_differences_of_runs_count_questions_of_one_picture_together() -> None:
    random = np.random.default_rng(8)
    runs = [{f"{place:02}": value for place, value in enumerate(random.random(30))} for _ in "abc"]
    alone = compared(runs[:1], runs[1:], ANYTHING).difference
    own = {question: f"picture {question}" for question in runs[0]}
    assert compared(runs[:1], runs[1:], ANYTHING, own).difference == alone
    thrice = [{f"{q} {n}": value for q, value in run.items() for n in "123"} for run in runs]
    pictures = {question: question[:2] for question in thrice[0]}
    together = compared(thrice[:1], thrice[1:], ANYTHING, pictures).difference
    assert together[:3] == pytest.approx(alone[:3])
    assert together.n == 90
    one = compared(thrice[:1], thrice[1:], ANYTHING, dict.fromkeys(pictures, "same")).difference
    assert (one.mean, one.low, one.high) == (pytest.approx(alone.mean), None, None)


def test_the_variance_of_unequal_pictures_is_what_drawing_them_gives() -> None:
    random = np.random.default_rng(9)
    sizes = 1 + np.arange(400) % 5
    levels = random.normal(size=400).repeat(sizes) + 0.3 * random.normal(size=sizes.sum())
    pictures = np.arange(400).repeat(sizes).tolist()
    change = {f"{place:04}": value for place, value in enumerate(levels)}
    shown = {question: str(picture) for question, picture in zip(change, pictures, strict=True)}
    found = compared([dict.fromkeys(change, 0.0)], [change], ANYTHING, shown).difference
    drawn = estimate(levels, pictures)
    assert found[:3] == pytest.approx(drawn[:3], abs=0.02)


def test_a_side_of_several_draws_has_the_draw_as_its_unit() -> None:
    levels = {"t": (0.3, 0.5), "u": (0.6, 0.8), "v": (0.1, 0.1)}
    runs = [dict.fromkeys("abcdef", level) for draw in levels.values() for level in draw]
    zero = [dict.fromkeys("abcdef", 0.0)]
    draws = [draw for draw in levels for _ in range(2)]
    found = compared(zero, runs, ANYTHING, draws=(None, draws)).difference
    means = [0.4, 0.7, 0.1]
    half = 4.30265273 * np.std(means, ddof=1) / 3**0.5  # questions do not differ
    assert found == pytest.approx((0.4, 0.4 - half, 0.4 + half, 6))
    same = compared(zero, runs, ANYTHING, draws=(["t"], ["t"] * 6)).difference
    assert same == compared(zero, runs, ANYTHING).difference


def test_holm_multiplies_by_how_many_are_left() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_the_p_value_is_below_5_percent_where_the_interval_excludes_0() -> None:
    generator = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.2, 0.3):
        baseline = [{str(q): float(generator.random() < 0.5) for q in range(80)} for _ in range(4)]
        ours = [
            {q: float(value or generator.random() < shift) for q, value in run.items()}
            for run in baseline
        ]
        found = compared(baseline, ours, Bounds(-1.0, 1.0))
        low = found.difference.low
        assert low is not None
        assert found.p_value is not None
        assert (found.p_value < 0.05) == (low > 0)


def test_questions_that_a_judge_failed_on_in_one_set_change_no_sets_weight() -> None:
    """40 of 80 answers of the second set are missing in one run of the baseline."""

    def run(first: float, second: float, missing: int = 0) -> dict[str, float]:
        one = {f"a/{n}": first + n % 2 for n in range(80)}
        return one | {f"b/{n}": second + n % 2 for n in range(80 - missing)}

    def set_of(question: str) -> str:
        return question.partition("/")[0]

    whole = compared([run(0, 0)], [run(1, 3)], ANYTHING, set_of=set_of)
    assert whole == compared([run(0, 0)], [run(1, 3)], ANYTHING)  # to the bit
    assert whole.difference.mean == 2.0
    part = compared([run(0, 0), run(0, 0, 40)], [run(1, 3)], ANYTHING, set_of=set_of)
    assert part.difference.mean == pytest.approx(2.0)
    assert part.difference.n == 120
    assert compared([run(0, 0, 40)], [run(1, 3)], ANYTHING).difference.mean == pytest.approx(5 / 3)
    low, high = part.difference.low, part.difference.high
    assert low is not None
    assert high is not None
    assert low < 2.0 < high
    # The first set's changes are 1 and count 0.75 each, the second's 3 and 1.5 each: about 2.
    deviations = [0.75 * (1 - 2)] * 80 + [1.5 * (3 - 2)] * 40
    spread = np.std(deviations, ddof=1) / np.sqrt(120)
    assert (high - low) / 2 == pytest.approx(t95(119) * spread)
