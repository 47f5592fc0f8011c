import csv
import io
from html.parser import HTMLParser
from math import hypot

import pytest

from grit.evaluation.bootstrap import Estimate
from grit.evaluation.over_runs import Bounds
from grit.paper.csv_format import csv_text
from grit.paper.html_format import html_page
from grit.paper.latex_format import latex_text
from grit.paper.markdown_format import markdown_text
from grit.paper.seeds import Mean, pooled
from grit.paper.table import Cell, Column, Row, Section, Table, measured, number
from grit.runs.results import Results, SetResult

NASTY = 'a_b & 50% <b>|*"\\'
TABLE = Table(
    "suite=a_b",
    (Column("VSR", "ACC"), Column("VSR", "GIoU", 3), Column("MME", "ACC")),
    (
        Section(
            NASTY,
            (
                Row(
                    NASTY, (Cell("1.0 ± 0.5", Mean(1.04, 0.5, 1.5, 2), True), Cell("–"), Cell("m"))
                ),
                Row("paper", (Cell("2.0"), Cell("−0.100"), Cell("x")), paper=True),
            ),
        ),
    ),
    (NASTY,),
    "Method",
)


def test_markdown() -> None:
    lines = markdown_text("Table 1", [TABLE]).splitlines()
    assert "| Method | VSR ACC | VSR GIoU | MME ACC |" in lines
    nasty = 'a\\_b & 50% \\<b\\>\\|\\*"\\\\'
    assert f"| {nasty} | **1.0 ± 0.5** | – | m |" in lines
    assert "| *paper* | 2.0 | −0.100 | x |" in lines
    assert f"- {nasty}" in lines


def test_latex() -> None:
    text = latex_text("Table 1", [TABLE])
    for part in (r"\toprule", r"\bottomrule", r"\cmidrule(lr){2-3}\cmidrule(lr){4-4}"):
        assert part in text
    assert r" & \multicolumn{2}{c}{VSR} & \multicolumn{1}{c}{MME} \\" in text
    nasty = r'a\_b \& 50\% \textless{}b\textgreater{}|*"\textbackslash{}'
    assert rf"{nasty} & \textbf{{1.0 $\pm$ 0.5}} & -- & m \\" in text
    assert r"\quad\emph{paper} & 2.0 & $-$0.100 & x \\" in text
    assert text.count(r"\begin{tabular}{lrrr}") == text.count(r"\end{tabular}") == 1
    assert text.isascii()


def test_csv() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text([TABLE]))))
    assert len(rows) == 6
    first = rows[0]
    assert (first["row"], first["group"], first["column"]) == (NASTY, "VSR", "ACC")
    assert [first[key] for key in ("mean", "low", "high", "runs")] == ["1.04", "0.5", "1.5", "2"]
    assert (rows[1]["mean"], rows[3]["source"]) == ("", "paper")


class Cells(HTMLParser):
    """The text of every cell, by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.open = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1][-1] += data


def test_html() -> None:
    page = html_page("Table 1", [TABLE], ["<?xml?><svg><path/></svg>"])
    cells = Cells()
    cells.feed(page)
    assert cells.rows[0] == ["", "VSR", "MME"]
    assert cells.rows[3] == [NASTY, "1.0 ± 0.5", "–", "m"]
    assert "<b>1.0 ± 0.5</b>" in page
    assert "<svg><path/></svg>" in page
    assert "<?xml" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_numbers() -> None:
    assert number(-0.04, 1) == "0.0"
    assert number(-0.06, 1) == "−0.1"
    assert number(0.04, 1, signed=True) == "0.0"
    assert number(2.5, 3, signed=True) == "+2.500"


def test_half_an_interval_or_its_ends() -> None:
    """Half of it where it says nothing else than the ends do, and where it can be."""
    share = Bounds(0, 100)
    cases = {
        (93.7, 90.7, 96.3): "93.7 ± 2.8",
        (95.0, 87.5, 100.0): "95.0 [87.5, 100.0]",
        (99.0, 97.7, 100.0): "99.0 [97.7, 100.0]",
        (100.0, 100.0, 100.0): "100.0 ± 0.0",
        (50.0, 0.0, 100.0): "50.0 ± 50.0",
        (-2.0, -3.0, -1.0): "−2.0 [−3.0, −1.0]",  # below what it can be: not the table's doing
    }
    shown = {ends: measured(Mean(*ends, 1), 1, share).text for ends in cases}
    assert shown == cases
    assert measured(Mean(1.0, None, None, 1), 1, share).text == "1.0"
    assert measured(None, 1, share).text == "–"


def test_sets_together_keep_the_sides_of_their_intervals() -> None:
    sets = {
        "vsr": Estimate(95.0, 85.0, 100.0, 30),
        "tallyqa": Estimate(80.0, 76.0, 83.0, 10),
    }
    found = pooled(results_with(sets), ["vsr", "tallyqa"], "acc")
    assert found is not None
    below, above = hypot(0.75 * 10, 0.25 * 4), hypot(0.75 * 5, 0.25 * 3)
    assert found == pytest.approx((91.25, 91.25 - below, 91.25 + above, 40))
    alone = pooled(results_with(sets), ["vsr"], "acc")
    assert alone == pytest.approx(sets["vsr"])


def results_with(sets: dict[str, Estimate]) -> Results:
    """Results that have ACC alone."""
    found = {name: SetResult(each.n, 0, {"acc": each}) for name, each in sets.items()}
    return Results("grit", "tiny_qwen", "shapes", "grpo_gr", "rules", 0, "0" * 12, found)
