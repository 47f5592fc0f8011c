"""The chains' page in a real browser: pages, filters and search."""

from dataclasses import replace
from pathlib import Path

import pytest
from browser import CHROMIUM, browser
from finished_runs import ROWS, drawn_rows

from grit.pages.all_chains import PER_PAGE, render_all_chains

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]
COUNT = 90
# What a person would do; says after each step how many cards are seen, and what the page says.
VISIT = """(() => {
const said = [];
const look = () => said.push([
  document.querySelectorAll(".card:not([hidden])").length,
  document.querySelector("[role=status]").textContent,
  document.querySelector(".pager").hidden ? "" : document.querySelector(".pager span").textContent,
].join("|"));
look();
document.querySelector('[data-turn="1"]').click(); look();
document.querySelector('[data-turn="1"]').click(); look();
const search = document.querySelector("[data-search]");
search.value = "HIPPOPOTAMUS"; search.dispatchEvent(new Event("input")); look();
search.value = ""; search.dispatchEvent(new Event("input"));
document.querySelector('[data-show="good"]').click(); look();
search.value = "hippopotamus"; search.dispatchEvent(new Event("input")); look();
return said;
})()"""


def test_a_chain_is_found(tmp_path: Path) -> None:
    some = drawn_rows([1])["vsr"]
    rows = [
        replace(row, prediction=replace(row.prediction, id=f"vsr/{copy}-{row.prediction.id}"))
        for copy in range(COUNT // ROWS)
        for row in some
    ]
    wrong = COUNT // ROWS
    good = COUNT - wrong
    text = render_all_chains("a run", {}, {"vsr": rows}, lambda *_: None)
    page = tmp_path / "chains.html"
    page.write_text(text, encoding="utf-8")
    with browser(tmp_path / "profile") as tab:
        tab.open(page.as_uri())
        said, complaints = tab.run(VISIT), tab.complaints()
    assert complaints == []
    assert said == [
        f"{PER_PAGE}|{COUNT} of {COUNT} chains|page 1 of 3",
        f"{PER_PAGE}|{COUNT} of {COUNT} chains|page 2 of 3",
        f"{COUNT - 2 * PER_PAGE}|{COUNT} of {COUNT} chains|page 3 of 3",
        f"{wrong}|{wrong} of {COUNT} chains|",
        f"{PER_PAGE}|{good} of {COUNT} chains|page 1 of 2",
        f"0|0 of {COUNT} chains|",
    ]
