import re

import pytest

from grit.pages.training_curves import (
    FRAME,
    MEAN,
    RUNNING_MEAN,
    SEED,
    VALUE,
    Curve,
    Stack,
    mean_curves,
    reward_stack,
    training_curves,
    validation_curves,
)


def names(curve: Curve) -> list[str]:
    """Of its lines, the strong one last."""
    return [series.name for series in curve.panel.series]


def test_curves_show_what_was_logged_and_skip_what_is_no_number() -> None:
    rows = [
        {
            "step": step,
            "train/reward": step / 10,
            "train/loss": 0.1,
            "train/reward_part/judge": 0.5,
            "train/reward_part/shapes_vsr/judge": 0.5,
            "train/kl": float("nan") if step == 2 else 0.1,
            "train/grad_norm": float("inf"),
        }
        for step in range(4)
    ]
    groups = {group.title: group.panels for group in training_curves(rows)}
    assert [panel.title for panel in groups["Reward and its parts"]] == ["Reward", "Judge"]
    (kl,) = groups["Policy"]
    assert [step for _, _, step, _ in kl.points] == ["0", "1", "3"]
    assert "Completions" not in groups
    reward = groups["Reward and its parts"][0]
    assert (reward.points[-1][3], names(reward)) == ("0.3", [VALUE])
    ys = [y for _, y, _, _ in reward.points]
    assert ys == sorted(ys, reverse=True)
    assert all(0 <= x <= FRAME.width and 0 <= y <= FRAME.height for x, y, _, _ in reward.points)


def test_supervised_training_shows_its_loss() -> None:
    (group,) = training_curves([{"step": s, "train/loss": 2.0 - s} for s in range(2)])
    assert (group.title, [panel.title for panel in group.panels]) == ("Loss", ["Loss"])
    assert training_curves([]) == []
    assert training_curves([{"step": 0, "train/loss": 1.0}]) == []  # a point is no curve


def test_validation_shows_the_metrics_of_sets_and_not_what_the_judge_has_used() -> None:
    rows = [
        {"step": step, "vsr/acc": 50.0 + step, "judge/calls": 9.0 * step, "judge/cost": None}
        for step in range(3)
    ]
    (group,) = validation_curves(rows)
    assert [panel.title for panel in group.panels] == ["vsr acc"]


def test_a_step_done_twice_counts_once_and_long_runs_are_thinned() -> None:
    rows = [{"step": s, "train/loss": 9.0} for s in (0, 1)]
    rows += [{"step": s, "train/loss": 1.0} for s in range(1, 5000)]
    (panel,) = training_curves(rows)[0].panels
    assert len(panel.points) == 240
    assert names(panel) == [VALUE, RUNNING_MEAN]
    assert panel.axes.y_ticks[-1] > 0
    assert "nan" not in panel.drawing


def test_repetitions_have_a_mean_and_a_line_each() -> None:
    def rows(*rewards: float) -> list[dict[str, float]]:
        return [
            {"step": s, "train/reward": r, "train/reward_part/bleu": 0.1, "train/kl": 1.0}
            for s, r in enumerate(rewards)
        ]

    found = mean_curves("grit, 2 seeds", [rows(0.0, 1.0, 2.0), rows(1.0, 2.0, 4.0, 9.0)])
    assert found.title == "grit, 2 seeds"
    assert [panel.title for panel in found.panels] == ["Reward", "Bleu"]
    reward = found.panels[0]
    assert [(step, value) for _, _, step, value in reward.points] == [
        ("0", "0.5"),
        ("1", "1.5"),
        ("2", "3"),  # the last step that both have
    ]
    assert names(reward) == [SEED, SEED, MEAN]
    assert len(set(reward.panel.series)) == 3
    assert all(len(series.points) == 3 for series in reward.panel.series)
    assert reward.drawing.count("line raw") == 2
    (alone,) = mean_curves("sft", [[{"step": s, "train/loss": 1.0} for s in range(5000)]]).panels
    assert (names(alone), len(alone.points)) == ([VALUE, RUNNING_MEAN], 80)
    assert mean_curves("cot", [[], []]).panels == ()


PART = "train/reward_part/"


def parts_of(**parts: list[float]) -> list[dict[str, float]]:
    steps = range(len(next(iter(parts.values()))))
    return [
        {"step": step} | {PART + name: values[step] for name, values in parts.items()}
        for step in steps
    ]


def corners(stack: Stack) -> list[list[tuple[float, float]]]:
    """Those of each part's area."""
    areas = []
    for path in re.findall(r'<path class="c\d" d="(.*?)"', stack.drawing):
        assert path.startswith("M")
        assert path.endswith("Z")
        numbers = [float(number) for number in re.findall(r"[-\d.e]+", path)]
        areas.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return areas


def test_parts_stand_on_each_other() -> None:
    found = reward_stack(parts_of(think_tags=[0.5, 0.5], judge=[0.0, 1.5]))
    assert found is not None
    assert [series.name for series in found.panel.series] == ["Think tags", "Judge"]
    assert found.ticks == [(100, "0"), (50, "1"), (0, "2")]
    low, high = corners(found)
    assert low == [(0, 750), (1000, 750), (1000, 1000), (0, 1000)]
    assert high == [(0, 750), (1000, 0), (1000, 750), (0, 750)]
    assert found.points[1] == (1000, "1", ("0.5", "1.5"))
    assert found.steps == ("0", "1")


def test_only_steps_that_have_every_part_count() -> None:
    some = parts_of(a=[1, 1, 1], b=[1, 1, 1])
    del some[1][PART + "b"]
    found = reward_stack(some)
    assert found is not None
    assert [point[1] for point in found.points] == ["0", "2"]


def test_one_missing_value_costs_one_step_of_a_long_training() -> None:
    rows = parts_of(a=[1.0] * 600, b=[1.0] * 600)
    del rows[1][PART + "b"]
    found = reward_stack(rows)
    assert found is not None
    assert len(found.points) == 240
    assert int(found.points[0][1]) < 3
    assert int(found.points[-1][1]) > 597


@pytest.mark.parametrize(
    "parts",
    [{"a": [1.0, 2.0]}, {"a": [1.0], "b": [1.0]}, {"a": [1.0, -0.1], "b": [1.0, 1.0]}],
    ids=["one part", "one step", "a part below 0"],
)
def test_what_cannot_be_stacked_is_not(parts) -> None:
    assert reward_stack(parts_of(**parts)) is None


def test_a_run_without_a_reward_has_no_stack() -> None:
    assert reward_stack([{"step": 0, "train/loss": 1.0}]) is None


def test_a_reward_of_nothing_but_zeros_is_drawn() -> None:
    found = reward_stack(parts_of(a=[0, 0], b=[0, 0]))
    assert found is not None
    assert {y for area in corners(found) for _, y in area} == {1000}
