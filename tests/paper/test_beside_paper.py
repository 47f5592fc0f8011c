from dataclasses import replace

import pytest
from rich.console import Console

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.metrics import METRICS
from grit.paper.beside_paper import beside_paper, print_beside_paper
from grit.runs.evaluated import RELEASED, checkpoint_label, method_label
from grit.runs.results import Results, SetResult

NOTHING = Estimate(None, None, None, 0)


@pytest.fixture
def results() -> Results:
    found = dict.fromkeys(METRICS, NOTHING)
    vsr = found | {"acc": Estimate(70.0, 65.5, 74.5, 288), "giou": Estimate(0.31, 0.29, 0.33, 288)}
    ovd = found | {"giou": Estimate(0.4, None, None, 1)}
    return Results(
        method="grit",
        model="qwen2_5_vl_3b",
        data="vsr_tally",
        reward="grpo_gr",
        judge="openai",
        suite="paper",
        seed=0,
        config_hash="0" * 12,
        checkpoint=RELEASED[0],
        sets={
            "vsr": SetResult(288, 0, vsr),
            "gqa": SetResult(2, 0, found),
            "ovd_position": SetResult(1, 0, ovd),
        },
    )


def test_a_line_for_each_number_of_the_papers_row(results):
    (section,) = beside_paper(results).sections
    lines = [(row.label, *(cell.text for cell in row.cells)) for row in section.rows]
    assert lines[:2] == [
        ("VSR ACC", "70.0 [65.5, 74.5]", "72.9"),
        ("VSR GIoU", "0.310 [0.290, 0.330]", "0.325"),
    ]
    assert [ours for _, ours, _ in lines[2:-1]] == ["–"] * 6  # not asked, or without a number
    assert lines[-1] == ("OVDEval GIoU", "0.400", "0.398")


@pytest.mark.parametrize(
    "changed", [{"model": "tiny_qwen"}, {"model": "mine"}, {"method": "mine"}], ids=str
)
def test_what_the_paper_has_no_row_of(results, changed):
    assert beside_paper(replace(results, **changed)) is None


def printed(results: Results) -> str:
    console = Console(width=80, record=True)
    print_beside_paper(results, console)
    return console.export_text()


def test_it_is_printed_with_who_asked_and_who_judged(results):
    text = printed(results)
    assert "GRIT (released)" in text
    assert "paper's GRIT" in text
    assert "70.0 [65.5, 74.5]" in text  # no markup
    assert "suite=paper, judge=openai" in text
    assert printed(replace(results, model="mine")) == ""


@pytest.mark.parametrize(
    ("checkpoint", "label"),
    [
        (RELEASED[1], "released"),
        (f"{RELEASED[0]}@0123abc", "released"),
        ("me/model", "checkpoint=me/model"),
        ("/home/me/runs/2026/model", "checkpoint=2026/model"),
        ("run", "checkpoint=run"),
    ],
)
def test_whose_weights_they_are(checkpoint, label):
    assert checkpoint_label(checkpoint) == label
    assert method_label("GRIT", checkpoint) == f"GRIT ({label})"
    assert method_label("GRIT", None) == "GRIT"
