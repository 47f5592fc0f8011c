import io
from dataclasses import replace
from typing import Any

from rich.console import Console

from grit.evaluation.bootstrap import Estimate
from grit.pages.comparison import (
    comparison_notes,
    print_comparison,
)
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
    print_comparison(before, after, Console(file=stream, width=width, **options))
    return stream.getvalue()


def cells(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return line.split()


def test_the_table_has_before_and_after() -> None:
    text = printed(BEFORE, AFTER)
    assert cells(text, "vsr") == ["vsr", "288", "37.5", "72.9", "0.122", "0.325", "0.50", "1.00"]
    assert cells(text, "ovd") == ["ovd_position", "288", "-", "-", "0.388", "0.398", "0.00", "0.25"]
    head = text.partition("───")[0]
    assert [head.count(word) for word in ("ACC", "GIoU", "before", "after")] == [2, 2, 3, 3]
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text  # nobody is at a terminal


def test_one_run_alone_has_one_column_a_metric() -> None:
    text = printed(BEFORE, None)
    assert cells(text, "vsr") == ["vsr", "288", "37.5", "0.122", "0.50"]
    assert "before" not in text


def test_acc_has_two_ways_where_the_judge_gives_something_in_between() -> None:
    before = run(mathvista_mini=set_of(66.3, 0.1, 0.5, binary=49.5), mme=set_of(88.9, None, 0.0))
    text = printed(before, AFTER)
    line = ["mathvista_mini", "288", "66.3", "-", "49.5", "-", "0.100", "-", "0.50", "-"]
    assert cells(text, "mathvista") == line
    assert [text.partition("───")[0].count(word) for word in ("ACC>0.5", "before")] == [2, 4]
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
    print_comparison(BEFORE, AFTER, Console(file=stream, width=80))
    stream.flush()


def test_a_set_of_one_run_only_is_shown_with_a_gap() -> None:
    text = printed(BEFORE, run(vsr=AFTER.sets["vsr"], gqa=set_of(1.0, 0.5, 0.5)))
    assert cells(text, "ovd") == ["ovd_position", "288", "-", "-", "0.388", "-", "0.00", "-"]
    assert cells(text, "gqa") == ["gqa", "288", "-", "1.0", "-", "0.500", "-", "0.50"]


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
