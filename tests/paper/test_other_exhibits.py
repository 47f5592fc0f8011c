import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grit.config.checks import EXHIBITS
from grit.figures.exhibit import exhibit_html, exhibit_markdown
from grit.paper.building import BUILDERS, build, with_data
from grit.paper.evidence import evidence_of_jobs, evidence_of_sources
from grit.paper.figure6 import figure6
from grit.paper.table2 import table2
from grit.paper.table3 import table3
from grit.runs.job_log import Job, Outcome

MakeRun = Callable[..., Path]
RIGHT, WRONG = (1.0, 1.0, 1.0), (0.0,)


def test_domains_pool_the_rows_of_their_sets(run: MakeRun, tmp_path: Path) -> None:
    """Three rows right and one wrong are 75%, where the mean of two sets would be 50%."""
    run("a", {"vsr": RIGHT, "tallyqa": WRONG, "gqa": WRONG, "mathvista": RIGHT})
    table, *_ = table3(evidence_of_sources([str(tmp_path)])).tables
    full, ablated = (row for row in table.sections[0].rows if not row.paper)
    means = [cell.mean.mean for cell in full.cells if cell.mean is not None]
    assert means == [
        0.75,
        0.0,
        75.0,
        75.0,
        0.0,
    ]  # MathVista has no boxes: out of domain is GQA alone
    assert {cell.text for cell in ablated.cells} == {"missing"}


def test_the_ablation_is_compared_question_by_question(run: MakeRun, tmp_path: Path) -> None:
    scores = dict.fromkeys(("vsr", "tallyqa", "gqa", "mathvista"), RIGHT)
    run("a", scores, model="tiny_internvl")
    lower = dict.fromkeys(scores, (0.75,) * 3)
    run("b", lower, model="tiny_internvl", data="shapes_vsr_only", reward="no_count")
    table, *_ = table3(evidence_of_sources([str(tmp_path)])).tables
    (section,) = table.sections
    labels = [row.label for row in section.rows]
    assert labels == ["GRIT", "paper", "without counting data and reward", "paper", "difference"]
    texts = [cell.text for cell in section.rows[-1].cells]
    giou, acc = "+0.250 [0.250, 0.250]", "+25.0 [25.0, 25.0]"
    assert texts == [giou, giou, acc, acc, giou]
    paper = ["0.387", "0.437", "51.8", "64.4", "–"]
    assert [cell.text for cell in section.rows[1].cells] == paper


def test_acc_against_the_number_of_triplets(run: MakeRun, tmp_path: Path) -> None:
    for seed in range(2):
        run(f"20-{seed}", seed=seed)
        run(f"7000-{seed}", data="shapes_7000", seed=seed)
    run("other", data="shapes_500", reward="released")  # another reward is another curve
    found = figure6(evidence_of_sources([str(tmp_path)]))
    (chart,) = found.charts
    (panel,) = chart.panels
    assert [series.name for series in panel.series] == ["in-domain", "out-of-domain"]
    assert [point.x for point in panel.series[0].points] == [20, 7000]
    assert [row.label for row in found.tables[0].sections[0].rows] == [
        "20, 2 seeds",
        "500",
        "7000, 2 seeds",
    ]


def test_numbers_of_triplets_are_those_of_the_runs(run: MakeRun, tmp_path: Path) -> None:
    run("20", triplets=20)
    run("200", triplets=200, settings_hash="other")  # data.sources.NAME.rows=100
    (table, *_) = figure6(evidence_of_sources([str(tmp_path)])).tables
    assert [row.label for row in table.sections[0].rows] == ["20", "200", "500", "7000"]


@pytest.mark.parametrize("exhibit", [figure6, table3])
@pytest.mark.parametrize(
    "other", [{"checkpoint": "yfan1997/GRIT-20-Qwen2.5-VL-3B"}, {"objective": "dapo"}]
)
def test_weights_from_elsewhere_and_other_objectives_are_no_training_of_grit(
    run: MakeRun, tmp_path: Path, exhibit, other: dict[str, str]
) -> None:
    run("a", **other)
    found = exhibit(evidence_of_sources([str(tmp_path)]))
    cells = [
        cell
        for table in found.tables
        for section in table.sections
        for row in section.rows
        if not row.paper
        for cell in row.cells
    ]
    assert [cell for cell in cells if cell.mean is not None] == []
    assert [
        point for chart in found.charts for panel in chart.panels for point in panel.points
    ] == []


def test_sizes_are_compared_question_by_question(run: MakeRun, tmp_path: Path) -> None:
    scores = dict.fromkeys(("vsr", "tallyqa", "gqa", "mathvista"), (0.0, 0.5, 1.0))
    run("a", scores)
    run("b", dict.fromkeys(scores, (0.25, 0.75, 1.25)), data="shapes_7000")
    _, table, *_ = figure6(evidence_of_sources([str(tmp_path)])).tables
    ((row,),) = (section.rows for section in table.sections)
    assert row.label == "7000 − 20"
    assert [cell.text for cell in row.cells] == ["+25.0 [25.0, 25.0]"] * 2


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    counts = {
        "rows": 288,
        "question_words": 6.71,
        "answer_words": 1.0,
        "closed_percent": 71.5,
        "grounding_percent": 58.84,
        "images_missing": 287,
    }
    folder = tmp_path / "data-run"
    folder.mkdir()
    mathvista = counts | {"grounding_percent": None, "images_missing": 0}
    sets = {"vsr": counts, "mathvista_mini": mathvista}
    (folder / "table2.json").write_text(json.dumps(sets))
    return folder


def test_the_test_sets_beside_the_papers(counted: Path) -> None:
    job = Job("data-run", Outcome.done, "m", "vsr_tally", "paper", "grit", "grpo_gr", 0)
    (table,) = table2(evidence_of_jobs(counted.parent, [job])).tables
    assert table.title == "paper"
    rows = table.sections[0].rows
    assert [cell.text for cell in rows[0].cells[:2]] == ["288", "missing"]
    assert [cell.text for cell in rows[8].cells] == [
        "58.8",
        *["missing"] * 2,
        "–",
        *["missing"] * 2,
    ]
    assert [cell.text for cell in rows[9].cells] == ["58.8", "25.6", "25.3", "–", "–", "17.3"]
    assert "vsr: the images of 287 rows are missing" in table.notes
    assert len(table2(evidence_of_sources([str(counted)])).tables) == 1


def test_counts_in_folders_of_one_name_have_a_table_each(counted: Path, tmp_path: Path) -> None:
    places = [tmp_path / name / "data" for name in ("small", "full")]
    for place in places:
        shutil.copytree(counted, place)
    tables = table2(evidence_of_sources([*map(str, places), str(places[0].parent)])).tables
    assert [table.title for table in tables] == ["data", "full/data"]


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "figure4", "figure6"])
def test_every_exhibit_is_written_in_every_format(
    run: MakeRun, counted: Path, tmp_path: Path, name: str
) -> None:
    run("a")
    run("b", seed=1)
    found = evidence_of_sources([str(tmp_path)])
    paths = build(name, found, tmp_path / "out")
    endings = {"md", "tex", "csv", "html"} | ({"svg", "png"} if name == "figure6" else set())
    assert {path.name for path in paths} == {f"{name}.{ending}" for ending in endings}
    first = {path: path.read_bytes() for path in paths}
    assert set((tmp_path / "out").iterdir()) == set(paths)
    build(name, found, tmp_path / "out")
    assert {path: path.read_bytes() for path in paths} == first  # the same numbers, the same bytes


def test_every_exhibit_can_be_asked_for() -> None:
    assert tuple(BUILDERS) == EXHIBITS


def test_table3_names_a_reward_that_is_not_the_rows(run: MakeRun, tmp_path: Path) -> None:
    run("a", reward="no_count")
    run("b", data="shapes_vsr_only", reward="grpo_gr")
    table, *_ = table3(evidence_of_sources([str(tmp_path)])).tables
    found = [row.label for section in table.sections for row in section.rows]
    assert "GRIT (reward=no_count)" in found
    assert "without counting data and reward (reward=grpo_gr)" in found


def test_only_exhibits_that_have_something_to_say_are_shown_with_others(
    run: MakeRun, counted: Path, tmp_path: Path
) -> None:
    def names() -> list[str]:
        return [found.name for found in with_data(evidence_of_sources([str(tmp_path / "runs")]))]

    run("a")
    assert names() == ["table1"]  # one row compares nothing in the others
    run("b", data="shapes_500")
    assert names() == ["table1", "figure6"]
    run("c", data="shapes_vsr_only", reward="no_count")
    assert names() == ["table1", "table3", "figure6"]
    counted.rename(tmp_path / "runs" / "counted")
    assert names() == ["table1", "table2", "table3", "figure6"]


def test_a_figure_is_a_drawing_and_a_table_on_another_page(run: MakeRun, tmp_path: Path) -> None:
    run("a")
    found = figure6(evidence_of_sources([str(tmp_path)]))
    body = exhibit_html(found)
    assert body.startswith('<figure class="drawing"><svg')
    assert body.count("<svg") == 1
    assert body.count("<table>") == 2  # the numbers and their controls
    assert "<?xml" not in body
    assert "<!DOCTYPE" not in body
    text = exhibit_markdown(found)
    assert text.startswith("### suite=shapes, judge=rules\n\n| Triplets | ACC in-domain |")
