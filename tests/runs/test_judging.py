"""ACC that rules gave to answers about photographs is called that wherever it is shown."""

import io
import json
from pathlib import Path

import pytest
from finished_runs import drawn_rows, results_of
from rich.console import Console

from grit.pages.comparison import print_comparison
from grit.pages.experiment import ExperimentData, RunSummary, render_experiment
from grit.pages.run_page import Measured, ReportData, render
from grit.runs.finished import find_runs
from grit.runs.judging import BY_RULES, judging_note
from grit.runs.results import Results
from grit.tracking.wandb_report import spec, wandb_report

ROWS = drawn_rows()


def found(suite: str | None = "paper", judge: str = "rules") -> Results:
    return results_of(ROWS, suite=suite, judge=judge)


def plain(page: str) -> str:
    return page.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("suite", "judge", "said"),
    [
        ("paper", "rules", True),
        ("own", "rules", True),
        ("unknown", "rules", True),  # predictions made anywhere
        ("paper", "openai", False),
        ("shapes", "rules", False),
        ("shapes_dev", "rules", False),
        (None, "rules", False),  # results that do not say
    ],
)
def test_rules_on_anything_but_drawn_scenes_are_named(suite, judge, said) -> None:
    results = found(suite, judge)
    assert judging_note([results]) == (BY_RULES if said else None)
    assert judging_note([found("shapes"), results]) == (BY_RULES if said else None)

    stream = io.StringIO()
    measured = Measured(results, {})
    print_comparison(measured, measured, console=Console(file=stream, width=400))
    assert (BY_RULES in stream.getvalue()) is said

    page = render(ReportData("A run", Measured(results, ROWS), lambda *_: None))
    assert plain(page).count(BY_RULES) == int(said)

    runs = [RunSummary("here", results), RunSummary("failed", note="out of memory")]
    assert plain(render_experiment(ExperimentData("Table 1", runs))).count(BY_RULES) == int(said)


def test_it_is_one_sentence_that_says_how_and_what_not() -> None:
    assert BY_RULES.startswith("judge=rules: ACC is by a strict text rule, not the paper's GPT-4o;")
    assert "\n" not in BY_RULES


def test_the_wandb_report_begins_with_it(finished_run, tmp_path: Path) -> None:
    for suite in ("paper", "shapes"):
        finished_run(tmp_path / suite, suite=suite)
    for suite, said in (("paper", True), ("shapes", False)):
        made = "A run", find_runs([tmp_path / suite]), {"Table 1": "| a |\n"}
        found = spec(wandb_report(*made, entity="somebody", project="grit"))
        text = json.dumps(found["spec"]["blocks"], ensure_ascii=False)
        assert (BY_RULES in text) is said
        assert not said or text.index(BY_RULES) < text.index("table-of-contents")
