import csv
import io
from html.parser import HTMLParser

from grit.figures.csv_format import csv_text
from grit.figures.html_format import html_page
from grit.figures.latex_format import latex_text
from grit.figures.markdown_format import markdown_text
from grit.figures.table import Cell, Column, Mean, Row, Section, Table, number

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
