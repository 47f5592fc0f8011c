import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from finished_runs import ROWS, drawn_rows, results_of

from grit.core.files import write_text
from grit.data.shapes.source import ShapesSource
from grit.pages.differences import choice_labels
from grit.pages.experiment import (
    ExperimentData,
    RunSummary,
    Section,
    render_experiment,
)
from grit.pages.gallery import gallery
from grit.runs.shown_metrics import DEFINITIONS, DIFFERENT, EQUAL

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> {{ 7 * 7 }}'
TABLE = "<table><tbody><tr><td>12.3</td></tr></tbody></table>"


def cards(wrong=(1,)):
    samples = {sample.id: sample for sample in ShapesSource("vsr", "test", ROWS)}
    before, after = drawn_rows(range(ROWS)), drawn_rows(wrong)
    return gallery(before, after, lambda name, row: samples[row].picture.load())


@pytest.fixture
def data() -> ExperimentData:
    runs = [
        RunSummary("grit", results_of(drawn_rows([1])), "0-grit/report.html"),
        RunSummary("direct", results_of(drawn_rows([1, 2, 3]), method="direct")),
        RunSummary("cot", note="out of memory"),
    ]
    return ExperimentData(
        title="Table 1",
        runs=runs,
        sections=[Section("The table", TABLE)],
        galleries={"grit": cards(), "direct": cards([1, 2, 3])},
        meta={"command": "python -m grit experiment=table1", "commit": "8de5"},
    )


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style)>.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_page_says_what_was_run_and_found(data, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_text(path, render_experiment(data))
    page = path.read_text(encoding="utf-8")
    text = text_of(page)
    for expected in (
        "Table 1",
        "$ python -m grit experiment=table1",
        "runs 2 of 3",
        "model tiny_qwen",
        "cot : out of memory".replace(" :", ":"),
        "83.3",  # ACC of grit
        "50.0",  # ACC of direct
    ):
        assert expected in text
    assert TABLE in page
    assert '<a href="0-grit/report.html">grit</a>' in page
    interval = data.runs[0].results.sets["vsr"].metrics["acc"]
    assert f"{interval.low:.1f} to {interval.high:.1f}" in text
    assert page.count('class="of-run"') == 2
    assert '<option value="2">direct</option>' in page


def test_pictures_of_different_runs_have_names_of_their_own(data) -> None:
    ids = re.findall(r'<image id="([^"]+)"', render_experiment(data))
    assert len(ids) > 4
    assert len(ids) == len(set(ids))


def test_the_page_needs_no_network(data) -> None:
    page = render_experiment(data)
    assert "default-src 'none'" in page
    for value in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert value.startswith(("#", "data:image/", "0-grit/"))


def test_names_and_notes_stay_text(data) -> None:
    hostile = replace(
        data,
        title=HOSTILE,
        runs=[
            replace(data.runs[0], results=replace(data.runs[0].results, method=HOSTILE)),
            RunSummary(HOSTILE, note=HOSTILE),
        ],
        sections=[Section(HOSTILE, TABLE)],
        galleries={HOSTILE: cards(), "other": cards()},
        meta={HOSTILE: HOSTILE, "command": HOSTILE},
    )
    page = render_experiment(hostile)
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert "{{ 7 * 7 }}" in page


def test_what_all_runs_share_is_said_once() -> None:
    rows = drawn_rows()
    same = results_of(rows)
    assert choice_labels([same, replace(same, seed=1)]) == ["seed 0", "seed 1"]
    other = replace(same, method="sft", seed=1)
    assert choice_labels([same, other]) == ["grit · seed 0", "sft · seed 1"]
    assert choice_labels([same, same]) == ["", ""]


def test_sets_that_no_run_has_are_no_column(data) -> None:
    empty = results_of({"vsr": drawn_rows()["vsr"], "gqa": []})
    page = render_experiment(replace(data, runs=[RunSummary("grit", empty)], galleries={}))
    assert '<th scope="col">vsr</th>' in page
    assert '<th scope="col">gqa</th>' not in page


def test_acc_both_ways_is_on_the_page(data) -> None:
    text = text_of(render_experiment(data))
    assert f"{DEFINITIONS} {EQUAL}" in text
    assert "ACC>0.5 0 to 100" not in text
    first = data.runs[0].results
    metrics = first.sets["vsr"].metrics
    metrics |= {"acc_binary": metrics["acc"]._replace(mean=42.5)}
    torn = replace(first, sets={"vsr": replace(first.sets["vsr"], metrics=metrics)})
    page = render_experiment(replace(data, runs=[RunSummary("grit", torn)], galleries={}))
    text = text_of(page)
    assert f"{DEFINITIONS} {DIFFERENT}" in text
    assert "ACC>0.5 0 to 100" in text
    assert 'data-tab="acc_binary"' in page
    assert "42.5" in text


def test_an_experiment_of_which_nothing_finished_has_a_page() -> None:
    page = render_experiment(ExperimentData("Table 1", [RunSummary("grit", note="stopped")]))
    assert "No run has finished." in page
    assert "grit: stopped" in text_of(page)
