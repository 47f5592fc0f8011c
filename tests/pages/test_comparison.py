import io
from dataclasses import replace
from typing import Any

import pytest
from finished_runs import ROWS, drawn_rows, results_of
from rich.console import Console

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.paired import difference
from grit.pages.comparison import (
    comparison_notes,
    print_comparison,
)
from grit.runs.measured import Measured
from grit.runs.results import Results, SetResult
from grit.runs.shown_metrics import DEFINITIONS, DIFFERENT, EQUAL

NOTHING = Estimate(None, None, None, 0)


def set_of(acc: float | None, giou: float | None, rate: float, **more: Any) -> SetResult:
    def found(mean: float | None) -> Estimate:
        return NOTHING if mean is None else Estimate(mean, mean, mean, 288)

    metrics = {"acc": found(acc), "acc_binary": found(more.pop("binary", acc))}
    metrics |= {"exact_match": NOTHING, "giou": found(giou), "format_rate": found(rate)}
    return SetResult(288, more.pop("failures", 0), metrics, **more)


def run(**sets: SetResult) -> Results:
    return Results("grit", "tiny_qwen", "shapes", "grpo_gr", "rules", 1, "0" * 12, sets)


BEFORE = run(vsr=set_of(37.54, 0.1219, 0.5), ovd_position=set_of(None, 0.388, 0.0))
AFTER = run(vsr=set_of(72.9, 0.325, 1.0), ovd_position=set_of(None, 0.398, 0.25))


def printed(before: Results, after: Results | None, width: int = 80, **options: object) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, **options)
    print_comparison(Measured(before, {}), None if after is None else Measured(after, {}), console)
    return stream.getvalue()


def cells(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return line.split()


def test_the_table_has_before_and_after() -> None:
    text = printed(BEFORE, AFTER)
    assert cells(text, "vsr ACC") == ["vsr", "ACC", "288", "37.5", "72.9", "-"]
    assert cells(text, "vsr GIoU") == ["vsr", "GIoU", "288", "0.122", "0.325", "-"]
    assert cells(text, "vsr Format") == ["vsr", "Format", "288", "0.50", "1.00", "-"]
    assert cells(text, "ovd_position GIoU")[2:] == ["288", "0.388", "0.398", "-"]
    assert "ovd_position ACC" not in text
    head = text.partition("───")[0]
    assert head.split() == ["Set", "and", "metric", "n", "before", "after", "difference"]
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text  # nobody is at a terminal


def test_one_run_alone_has_one_column_a_metric() -> None:
    text = printed(BEFORE, None)
    assert cells(text, "vsr") == ["vsr", "288", "37.5", "0.122", "0.50"]
    assert "before" not in text


def test_acc_has_two_ways_where_the_judge_gives_something_in_between() -> None:
    before = run(mathvista_mini=set_of(66.3, 0.1, 0.5, binary=49.5), mme=set_of(88.9, None, 0.0))
    text = printed(before, AFTER)
    for metric, value in {"ACC ": "66.3", "ACC>0.5": "49.5", "GIoU": "0.100"}.items():
        line = cells(text, f"mathvista_mini {metric}")
        assert line[1:] == [metric.strip(), "288", value, "-", "-"]
    assert max(len(line) for line in text.splitlines()) <= 80
    assert " ".join(text.split()).endswith(f"{DEFINITIONS} {DIFFERENT}")


def test_what_the_columns_mean_is_said_below_them() -> None:
    said = " ".join(printed(BEFORE, AFTER).split())
    assert said.endswith(f"{DEFINITIONS} {EQUAL}")
    assert "not the generalised IoU" in said
    assert "ACC>0.5 before" not in said


def test_names_are_never_read_as_markup() -> None:
    name = "a very long name of a set [bold]of predictions[/bold] made somewhere else"
    text = printed(run(**{name: set_of(1.0, None, 0.0)}), None, width=200)
    assert name in text
    narrow = printed(run(**{name: set_of(1.25, None, 0.0)}), None, width=80)
    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert "1.2" in narrow


def test_a_stream_that_knows_ascii_only_gets_ascii() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=stream, width=80)
    print_comparison(Measured(BEFORE, {}), Measured(AFTER, {}), console)
    stream.flush()


def test_a_set_of_one_run_only_is_shown_with_a_gap() -> None:
    text = printed(BEFORE, run(vsr=AFTER.sets["vsr"], gqa=set_of(1.0, 0.5, 0.5)))
    assert cells(text, "ovd_position GIoU")[2:] == ["288", "0.388", "-", "-"]
    assert cells(text, "gqa ACC")[2:] == ["288", "-", "1.0", "-"]


def test_the_difference_is_that_of_the_same_questions_with_its_interval() -> None:
    after, before = drawn_rows([1]), drawn_rows(range(ROWS))
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    was, now = Measured(results_of(before), before), Measured(results_of(after), after)
    print_comparison(was, now, console)
    change = difference(before["vsr"], after["vsr"], "acc")
    assert change.mean == pytest.approx(100 * 5 / 6)
    shown = f"+83.3 [{change.low:.1f}, {change.high:.1f}]"
    assert cells(stream.getvalue(), "vsr ACC")[2:] == ["6", "0.0", "83.3", *shown.split()]
    assert "The difference is of the same questions" in stream.getvalue()


def test_what_is_left_out_is_said_once() -> None:
    before = replace(
        run(vsr=set_of(1.0, None, 0.0, images_missing=288, failures=2)),
        skipped={"gqa": "no image is there"},
    )
    after = replace(
        run(vsr=set_of(1.0, None, 0.0, images_missing=288)),
        skipped={"gqa": "no image is there"},
    )
    expected = [
        "vsr: 288 rows left out: the images are missing",
        "gqa: skipped: no image is there",
        "vsr: the judge failed on 2 rows before: they are not in ACC",
    ]
    assert comparison_notes(before, after) == expected
    assert comparison_notes(BEFORE, AFTER) == []
    assert all(note in printed(before, after) for note in expected)
