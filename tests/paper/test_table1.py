import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from grit.core.errors import GritError
from grit.figures.csv_format import csv_text
from grit.figures.exhibit import exhibit_html
from grit.figures.latex_format import latex_text
from grit.figures.markdown_format import markdown_text
from grit.figures.table import Cell, Row, Table
from grit.paper.building import build, with_data
from grit.paper.evidence import (
    Evidence,
    evidence_of_jobs,
    evidence_of_sources,
)
from grit.paper.notes import DRAWS, ONE_DRAW
from grit.paper.table1 import EACH, table1
from grit.runs.job_log import Job, Outcome
from grit.runs.shown_metrics import DEFINITIONS, DIFFERENT, EQUAL

MakeRun = Callable[..., Path]


def evidence(tmp_path: Path) -> Evidence:
    return evidence_of_sources([str(tmp_path / "runs")])


def tables_of(found: Evidence, start: str = "") -> list[Table]:
    """Table 1's tables whose title starts so; by default those of results set by set, and GRIT's
    differences in them."""
    tables = table1(found).tables
    if start:
        return [table for table in tables if table.title.startswith(start)]
    return [
        table for table in tables if not re.search("Controls|ets together|both ways", table.title)
    ]


def rows(table: Table) -> dict[str, Row]:
    """Our rows by their label."""
    return {row.label: row for section in table.sections for row in section.rows if not row.paper}


def cell(table: Table, label: str, group: str, name: str = "ACC") -> Cell:
    (place,) = (i for i, c in enumerate(EACH.columns) if (c.group, c.name) == (group, name))
    return rows(table)[label].cells[place]


def test_several_seeds_are_a_mean_with_a_t_interval(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (0.52,) * 4}, seed=0)
    run("b", {"vsr": (0.48,) * 4}, seed=1)
    (table,) = tables_of(evidence(tmp_path))
    found = cell(table, "GRIT, 2 seeds", "VSR")
    assert found.mean is not None
    assert (found.mean.mean, found.mean.runs) == (50.0, 2)
    # Questions of a run do not differ, so that there is one degree of freedom.
    half = 12.7062047 * np.std([52.0, 48.0], ddof=1) / np.sqrt(2)
    assert found.mean.high is not None
    assert found.mean.high - found.mean.mean == pytest.approx(half)
    assert found.text == f"50.0 ± {half:.1f}"


def test_no_interval_reaches_beyond_what_a_number_can_be(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0,) * 4, "gqa": (1.0,) * 19 + (0.0,)}, seed=0)
    run("b", {"vsr": (0.0,) * 4, "gqa": (1.0,) * 18 + (0.0,) * 2}, seed=1)
    run("c", {"vsr": (1.0, 0.0, 1.0, 0.0), "gqa": (1.0,) * 19 + (0.0,)}, method="cot")
    exhibit = table1(evidence(tmp_path))
    written = list(csv.DictReader(io.StringIO(csv_text(exhibit.tables))))
    intervals = [row for row in written if row["low"]]
    assert len(intervals) == 12
    for row in intervals:
        unit = {"ACC": 100, "GIoU": 1, "Format": 1}[row["column"]]
        least = -unit if "−" in row["row"] else 0
        assert least <= float(row["low"]) <= float(row["mean"]) <= float(row["high"]) <= unit, row
    table = exhibit.tables[0]
    assert cell(table, "GRIT, 2 seeds", "VSR").text == "50.0 ± 50.0"
    # A run's own interval stands there as it is in its results.json: 19 of 20 are 95%.
    own = cell(table, "Chain-of-Thought", "GQA")
    assert own.text == "95.0 [85.0, 100.0]"
    assert own.mean is not None
    assert (own.mean.low, own.mean.high) == (pytest.approx(85.0), 100.0)
    assert any("never beyond what the number can be" in note for note in table.notes)


def test_one_run_keeps_its_interval_over_questions(run: MakeRun, tmp_path: Path) -> None:
    folder = run("a", {"vsr": (1.0, 0.0, 1.0, 0.0)})
    own = json.loads((folder / "results.json").read_text())["sets"]["vsr"]["acc"]
    (table,) = tables_of(evidence(tmp_path))
    found = cell(table, "GRIT", "VSR")
    assert found.mean is not None
    assert (found.mean.mean, found.mean.runs) == (50.0, 1)
    assert found.mean.low == pytest.approx(own["mean"] - (own["high"] - own["low"]) / 2)


def test_acc_both_ways_has_a_table_where_the_two_differ(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (0.3, 0.5, 0.7), "tallyqa": (1.0, 0.0)})
    run("b", {"vsr": (0.3, 0.8, 0.7), "tallyqa": (1.0, 0.0)}, method="cot")
    found = evidence(tmp_path)
    each, together = tables_of(found, "ACC both ways")
    assert [(c.group, c.name) for c in each.columns[:2]] == [("VSR", "ACC"), ("VSR", "ACC>0.5")]
    assert len(each.columns) == 2 * 5  # OVDEval has no ACC
    assert {column.group for column in together.columns} == {"in-domain", "out-of-domain"}
    shown = {label: [one.text for one in row.cells[:2]] for label, row in rows(each).items()}
    assert shown["GRIT"][0].startswith("50.0 ")
    assert shown["GRIT"][1].startswith("33.3 ")
    assert shown["Chain-of-Thought"][0].startswith("60.0 ")
    assert shown["Chain-of-Thought"][1].startswith("66.7 ")
    assert DIFFERENT in each.notes
    table = tables_of(found)[0]
    assert table.columns == EACH.columns  # the paper's
    assert table.notes[:2] == (DEFINITIONS, DIFFERENT)
    for text in (csv_text, lambda tables: markdown_text("x", tables), lambda t: latex_text("x", t)):
        assert "33.3" in text([each])


def test_acc_both_ways_is_a_note_where_the_two_are_one(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)})
    found = evidence(tmp_path)
    assert tables_of(found, "ACC both ways") == []
    (table,) = tables_of(found)
    assert table.notes[:2] == (DEFINITIONS, EQUAL)


def test_earlier_results_say_nothing_of_acc_the_other_way(run: MakeRun, tmp_path: Path) -> None:
    path = run("a", {"vsr": (0.3, 0.7)}) / "results.json"
    fields = json.loads(path.read_text())
    del fields["sets"]["vsr"]["acc_binary"]
    path.write_text(json.dumps(fields))
    (table,) = tables_of(evidence(tmp_path))
    assert cell(table, "GRIT", "VSR").text.startswith("50.0 ")
    assert table.notes[0] == DEFINITIONS
    assert not any("ACC>0.5" in note for note in table.notes)


def test_sets_that_are_not_the_papers_have_a_table_of_their_own(
    run: MakeRun, tmp_path: Path
) -> None:
    own = {"cups": (1.0, 0.0), "plates": (1.0, 1.0)}
    run("a", own, suite="own", data="own")
    run("b", own, suite="own", data="own", method="direct")
    found = evidence(tmp_path)
    table, differences, controls = table1(found).tables
    assert table.title == "suite=own, judge=rules"
    assert [(column.group, column.name) for column in table.columns] == [
        ("cups", "ACC"),
        ("plates", "ACC"),
        ("all sets", "Format"),
    ]
    assert list(rows(table)) == ["Direct query", "GRIT"]  # nothing is expected to be there
    assert rows(table)["GRIT"].cells[1].text == "100.0 ± 0.0"
    assert not [row for section in table.sections for row in section.rows if row.paper]
    assert list(rows(differences)) == ["GRIT − Direct query"]
    assert rows(controls)["majority answer; central box"].cells[0].text == "100.0"
    assert [exhibit.name for exhibit in with_data(found)] == ["table1"]


def test_other_sets_stand_beside_the_papers(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0), "cups": (1.0, 0.0)}, suite=None)
    main, *_ = table1(evidence(tmp_path)).tables
    (other,) = tables_of(evidence(tmp_path), "other sets; suite=unknown")
    assert main.columns == EACH.columns
    assert [column.group for column in other.columns] == ["cups", "cups"]
    assert rows(other)["GRIT"].cells[0].text == "50.0 ± 50.0"


def test_what_is_not_there_is_marked(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0,), "gqa": (0.0,)})
    (table,) = tables_of(evidence(tmp_path))
    assert cell(table, "GRIT", "TallyQA") == Cell("missing")
    assert {one.text for one in rows(table)["Direct query"].cells} == {"missing"}
    assert cell(table, "GRIT", "GQA").text.startswith("0.0 ")


def test_the_best_is_bold_ours_and_the_papers_apart(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)}, method="cot")
    run("b", {"vsr": (1.0, 1.0)})
    run("c", {"vsr": (1.0, 1.0)}, method="sft")
    table = tables_of(evidence(tmp_path))[0]
    bold = {
        label: cell(table, label, "VSR").bold
        for label in ("Chain-of-Thought", "GRIT", "Few-shot fine-tuning", "Direct query")
    }
    assert bold == {
        "Chain-of-Thought": False,
        "GRIT": True,
        "Few-shot fine-tuning": True,
        "Direct query": False,
    }
    papers = [row for row in table.sections[0].rows if row.paper]
    assert [row.cells[0].text for row in papers if row.cells[0].bold] == ["72.9"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"judge": "openai"}, "judge=openai"),
        ({"judge": "openai", "judge_usage": {"model": "qwen3"}}, "judge=openai (qwen3)"),
        ({"suite": "paper"}, "suite=paper"),
        ({"question": "Was it?"}, "version 2 of the questions"),
        ({"question": None}, "version 2 of the questions"),
    ],
)
def test_what_cannot_be_compared_never_shares_a_table(
    run: MakeRun, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    run("a", {"vsr": (1.0,)}, seed=0)
    run("b", {"vsr": (0.0,)}, seed=1, **changed)
    tables = tables_of(evidence(tmp_path))
    assert len(tables) == 2
    assert said in tables[1].title
    assert said not in tables[0].title
    assert [cell(table, "GRIT", "VSR").mean.mean for table in tables] == [100.0, 0.0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"data": "shapes_500"}, "data=shapes_500"),
        ({"reward": "no_bleu"}, "reward=no_bleu"),
        ({"settings_hash": "other"}, "settings=other"),
        ({"triplets_hash": "t" * 12}, "triplets=tttttttttttt"),
        ({"code": "d" * 12}, "code=dddddddddddd"),
    ],
)
def test_what_is_no_repetition_has_a_row_of_its_own(
    run: MakeRun, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    run("a", {"vsr": (1.0,)}, seed=0)
    run("b", {"vsr": (0.0,)}, seed=1, **changed)
    (table,) = tables_of(evidence(tmp_path))
    labels = [label for label in rows(table) if label.startswith("GRIT")]
    assert len(labels) == 2
    assert said in labels[1]


def configured(folder: Path, **changed: Any) -> None:
    """Give a run the configuration that its settings' fingerprint would be of."""
    config: dict[str, Any] = {
        "seed": 0,
        "trainer": {"devices": 1, "max_steps": 60},
        "training": {"steps": 60, "beta": 0.01},
        "reward": {"name": "grpo_gr", "terms": {"count": {"call": "a.b", "weight": 1.0}}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changed))


MINE = {"count": {"call": "a.b", "weight": 1.0}, "mine": {"call": "m.f", "weight": 0.5}}
NO_COUNT = {"count": {"call": "a.b", "weight": 0.0}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"training": {"steps": 60, "beta": 0.02}},
            ["GRIT (training.beta=0.01)", "GRIT (training.beta=0.02)"],
        ),
        (
            {"reward": {"name": "grpo_gr", "terms": NO_COUNT}},
            ["GRIT (reward.terms.count.weight=1.0)", "GRIT (reward.terms.count.weight=0.0)"],
        ),
        (
            {"reward": {"name": "grpo_gr", "terms": MINE}},
            ["GRIT (without reward.terms.mine)", "GRIT (with reward.terms.mine)"],
        ),
        (
            {"training": {"steps": 5, "beta": 0.01}, "trainer": {"devices": 4, "max_steps": 5}},
            ["GRIT (training.steps=60)", "GRIT (training.steps=5)"],
        ),
    ],
)
def test_what_has_no_name_is_told_by_the_settings_that_differ(
    run: MakeRun, tmp_path: Path, changed: dict[str, Any], said: list[str]
) -> None:
    configured(run("a", {"vsr": (1.0,)}))
    configured(run("b", {"vsr": (0.0,)}, settings_hash="other"), **changed)
    (table,) = tables_of(evidence(tmp_path))
    assert [label for label in rows(table) if label.startswith("GRIT")] == said


def test_settings_that_explain_the_triplets_stand_for_their_fingerprint(
    run: MakeRun, tmp_path: Path
) -> None:
    configured(run("a", {"vsr": (1.0,)}, triplets_hash="t"), data={"name": "shapes", "seed": 0})
    other = run("b", {"vsr": (0.0,)}, triplets_hash="u", settings_hash="other")
    configured(other, data={"name": "shapes", "seed": 1})
    (table,) = tables_of(evidence(tmp_path))
    labels = [label for label in rows(table) if label.startswith("GRIT")]
    assert labels == ["GRIT (data.seed=0)", "GRIT (data.seed=1)"]


def test_a_fingerprint_stays_where_settings_do_not_tell_runs_apart(
    run: MakeRun, tmp_path: Path
) -> None:
    configured(run("a", {"vsr": (1.0,)}))
    other = {"seed": 3, "trainer": {"devices": 9, "max_steps": 60}}  # neither makes other results
    configured(run("b", {"vsr": (0.0,)}, settings_hash="other"), **other)
    (table,) = tables_of(evidence(tmp_path))
    labels = [label for label in rows(table) if label.startswith("GRIT")]
    assert labels == ["GRIT (settings=same)", "GRIT (settings=other)"]


def test_paths_of_the_machine_stay_out_of_every_format(run: MakeRun, tmp_path: Path) -> None:
    reason = "all 491 images are missing in /home/me/data/grit/tallyqa"
    run("a", {"vsr": (1.0,)}, skipped={"tallyqa": reason})
    run("again", {"vsr": (1.0,)})
    folder = tmp_path / "out"
    texts = {path.suffix: path.read_text() for path in build("table1", evidence(tmp_path), folder)}
    for text in texts.values():
        assert "/home/me" not in text
        assert str(tmp_path) not in text
    assert "skipped: all 491 images are missing in .../grit/tallyqa" in texts[".tex"]
    assert "tallyqa: skipped: all 491 images are missing in .../grit/tallyqa" in texts[".md"]
    assert "- .../runs/again repeats .../runs/a and does not count" in texts[".md"]
    assert ".../grit/tallyqa" in exhibit_html(table1(evidence(tmp_path)))


def test_a_method_without_training_has_one_run_whatever_it_was_given(
    run: MakeRun, tmp_path: Path
) -> None:
    run("a", {"vsr": (1.0,)}, method="cot", data="shapes", seed=0)
    run("b", {"vsr": (1.0,)}, method="cot", data="shapes_500", seed=1)
    (table,) = tables_of(evidence(tmp_path))
    mean = cell(table, "Chain-of-Thought", "VSR").mean
    assert mean is not None
    assert mean.runs == 1
    assert any("repeats" in note for note in table.notes)


def test_differences_are_of_the_same_questions(run: MakeRun, tmp_path: Path) -> None:
    """By the half, everywhere, while the questions themselves differ as much as they can."""
    run("a", {"vsr": (0.0, 0.5) * 10}, method="cot")
    run("b", {"vsr": (0.5, 1.0) * 10})
    _, differences = tables_of(evidence(tmp_path))
    found = cell(differences, "GRIT − Chain-of-Thought", "VSR")
    assert (found.text, found.bold) == ("+50.0 [50.0, 50.0]", True)
    assert cell(differences, "GRIT − Chain-of-Thought", "MME").text == "missing"


def test_no_predictions_no_differences(run: MakeRun, tmp_path: Path) -> None:
    for name, method in (("a", "cot"), ("b", "grit")):
        (run(name, method=method) / "predictions.jsonl").unlink()
    assert len(tables_of(evidence(tmp_path))) == 1


def test_a_failed_job_is_a_missing_row_and_a_note(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0,)}, method="cot")
    parts = {"model": "tiny_qwen", "data": "shapes", "suite": "shapes", "reward": "grpo_gr"}
    jobs = [
        Job(folder="a", outcome=Outcome.kept, method="cot", seed=0, **parts),
        Job(folder="a", outcome=Outcome.failed, method="cot", seed=1, error="no", **parts),
        Job(folder="b", outcome=Outcome.failed, method="grit", seed=3, error="no memory", **parts),
    ]
    (table,) = tables_of(evidence_of_jobs(tmp_path / "runs", jobs))
    assert cell(table, "GRIT", "VSR").text == "missing"
    assert cell(table, "Chain-of-Thought", "VSR").mean is not None
    assert [note for note in table.notes if "failed" in note] == [
        "tiny_qwen, GRIT, data=shapes, seed 3 failed in b: no memory"
    ]


def test_a_table_of_nothing_but_failures(tmp_path: Path) -> None:
    job = Job("a", Outcome.failed, "tiny_qwen", "shapes", "shapes", "grit", "grpo_gr", 0, 1.0, "no")
    (table,) = tables_of(evidence_of_jobs(tmp_path, [job]))
    assert {one.text for row in rows(table).values() for one in row.cells} == {"missing"}


def test_another_schema_is_left_out_and_named(run: MakeRun, tmp_path: Path) -> None:
    run("a")
    path = run("b", seed=1) / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 7}))
    (table,) = tables_of(evidence(tmp_path))
    assert "GRIT" in rows(table)  # and not "GRIT, 2 seeds"
    assert any("schema_version 1, found 7" in note for note in table.notes)


def test_sources_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GritError, match="is not a folder"):
        evidence_of_sources([str(tmp_path / "nowhere")])
    with pytest.raises(
        GritError, match=r"no results\.json, .*figure5\.json or faithfulness\.json in or"
    ):
        evidence_of_sources([str(tmp_path)])


def test_broken_files_are_named(run: MakeRun, tmp_path: Path) -> None:
    run("a", method="cot")
    folder = run("b")
    (folder / "predictions.jsonl").write_text('{"set": "vsr"}\n')
    with pytest.raises(GritError, match=r"b/predictions\.jsonl"):
        table1(evidence(tmp_path))
    (folder / "results.json").write_text("{")
    with pytest.raises(GritError, match=r"b/results\.json: is not valid JSON"):
        evidence(tmp_path)


def test_versions_of_the_code_are_told_by_model(run: MakeRun, tmp_path: Path) -> None:
    run("a")
    run("b", model="tiny_internvl", code="d" * 12)
    (table,) = tables_of(evidence(tmp_path))
    assert not any("versions of the code" in note for note in table.notes)
    run("c", seed=1, code="e" * 12)
    (table,) = tables_of(evidence(tmp_path))
    both = "cccccccccccc, eeeeeeeeeeee"
    assert f"The runs of tiny_qwen come from 2 versions of the code: {both}." in table.notes


def test_what_was_trained_on_boxes_is_said(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)}, annotation="answers")
    run("b", {"vsr": (1.0, 0.0)}, method="cot")
    table = tables_of(evidence(tmp_path))[0]
    assert not any("annotated boxes" in note for note in table.notes)
    run("c", {"vsr": (1.0, 1.0)}, method="sft", annotation="answers+boxes")
    run("d", {"vsr": (1.0, 1.0)}, reward="union_iou", annotation="answers+boxes")
    table = tables_of(evidence(tmp_path))[0]
    assert (
        "Trained on annotated boxes as well as answers: tiny_qwen, Few-shot fine-tuning; "
        "tiny_qwen, GRIT (reward=union_iou)." in table.notes
    )


@pytest.mark.parametrize("other", ["reward=answer_only", "objective=dapo"])
def test_another_reward_or_objective_is_named_where_it_stands_alone(
    run: MakeRun, tmp_path: Path, other: str
) -> None:
    run("a", **dict([other.split("=")]))
    (table,) = tables_of(evidence(tmp_path))
    assert f"GRIT ({other})" in rows(table)


def test_runs_that_do_not_say_their_questions_take_nobody_in(run: MakeRun, tmp_path: Path) -> None:
    """Whichever comes first: what such a run was asked is not known to be the same."""
    run("a", {"vsr": (0.0,)}, seed=0, question=None)
    run("b", {"vsr": (1.0,)}, seed=1)
    assert len(tables_of(evidence(tmp_path))) == 2


def test_controls_stand_below_the_table(run: MakeRun, tmp_path: Path) -> None:
    for seed in range(2):
        run(f"a{seed}", seed=seed)
    run("b", method="cot")
    (table,) = tables_of(evidence(tmp_path), "Controls")
    found = rows(table)
    assert list(found) == [
        "majority answer; central box",
        "Chain-of-Thought: most common answer; boxes shuffled",
        "Chain-of-Thought: right answers with right boxes, %",
        "GRIT: most common answer; boxes shuffled",
        "GRIT: right answers with right boxes, %",
    ]
    assert cell(table, "majority answer; central box", "VSR").text == "100.0"  # all truths are yes
    assert cell(table, "majority answer; central box", "VSR", "GIoU").text == "0.000"
    habits = "GRIT: most common answer; boxes shuffled"
    assert cell(table, habits, "VSR").text == "yes 100%"
    assert cell(table, habits, "VSR", "GIoU").text == "0.000"  # no boxes are said
    grounded = "GRIT: right answers with right boxes, %"
    assert cell(table, grounded, "VSR").text == "100.0"  # ACC and GIoU are alike in every row
    assert cell(table, grounded, "MathVista").text == "–"


def test_sets_together_have_a_table_and_differences_of_their_own(
    run: MakeRun, tmp_path: Path
) -> None:
    sets = {"vsr": (1.0, 0.0), "tallyqa": (1.0, 1.0, 1.0, 0.0)}
    run("a", sets, method="cot")
    for seed in (0, 1):
        run(f"b{seed}", {"vsr": (1.0, 1.0), "tallyqa": (1.0, 1.0, 1.0, 1.0)}, seed=seed)
    found = evidence(tmp_path)
    (own,) = tables_of(found, "Sets together")
    assert [column.group for column in own.columns].count("in-domain") == 2
    place = [(column.group, column.name) for column in own.columns].index(("in-domain", "ACC"))
    shown = {label: row.cells[place].mean.mean for label, row in rows(own).items()}
    assert shown == {"Chain-of-Thought": pytest.approx(400 / 6), "GRIT, 2 seeds": 100.0}
    assert {row.cells[2].text for row in rows(own).values()} == {"missing"}  # no set out-of-domain
    (differences,) = tables_of(found, "GRIT minus the baselines; sets together")
    cell = rows(differences)["GRIT − Chain-of-Thought"].cells[place]
    assert cell.mean.mean == pytest.approx(100 - 400 / 6)


RELEASED = {"checkpoint": "yfan1997/GRIT-20-InternVL-2B", "checkpoint_commit": "c" * 40}


def test_weights_from_elsewhere_are_a_row_that_says_so(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)})
    run("b", {"vsr": (1.0, 1.0)}, **RELEASED)
    run("c", {"vsr": (0.0, 0.0)}, checkpoint="/home/me/runs/2026/model", triplets=None)
    run("d", {"vsr": (0.0, 0.0)}, method="cot")
    table = tables_of(evidence(tmp_path))[0]
    found = {
        label: cell(table, label, "VSR").mean.mean
        for label in ("GRIT", "GRIT (released)", "GRIT (checkpoint=2026/model)")
    }
    assert found == {"GRIT": 50, "GRIT (released)": 100, "GRIT (checkpoint=2026/model)": 0}
    notes = " ".join(table.notes)
    assert f"yfan1997/GRIT-20-InternVL-2B, commit {'c' * 40}" in notes
    assert "/home/me" not in notes
    differences = tables_of(evidence(tmp_path), "GRIT minus the baselines; suite")[0]
    assert "GRIT (released) − Chain-of-Thought" in rows(differences)


def test_checkpoints_of_one_name_are_told_by_their_folders(run: MakeRun, tmp_path: Path) -> None:
    for n, path in enumerate(("/x/RUN/model/best", "/y/RUN/model/best", "/y/OTHER/model/best")):
        run(str(n), {"vsr": (1.0, 0.0)}, checkpoint=path, triplets=None)
    found = rows(tables_of(evidence(tmp_path))[0])
    for path in ("RUN/model/best), /x/RUN/model/best", "RUN/model/best), /y/RUN/model/best"):
        assert f"GRIT (checkpoint={path}" in found
    assert "GRIT (checkpoint=OTHER/model/best)" in found


def test_another_commit_of_weights_from_elsewhere_is_another_row(
    run: MakeRun, tmp_path: Path
) -> None:
    run("a", {"vsr": (1.0, 0.0)}, checkpoint="me/mine", checkpoint_commit="a" * 40)
    run("b", {"vsr": (1.0, 1.0)}, checkpoint="me/mine", checkpoint_commit="b" * 40)
    found = rows(tables_of(evidence(tmp_path))[0])
    for commit in ("aaaaaaaa", "bbbbbbbb"):
        assert f"GRIT (checkpoint=me/mine) (commit={commit})" in found


def test_a_number_that_not_all_seeds_have_says_so(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0), "tallyqa": (1.0, 0.0)}, seed=0)
    run("b", {"vsr": (1.0, 1.0)}, seed=1)
    table = tables_of(evidence(tmp_path))[0]
    assert "runs" not in cell(table, "GRIT, 2 seeds", "VSR").text
    assert cell(table, "GRIT, 2 seeds", "TallyQA").text.endswith(" (1 of 2 runs)")


def test_seeds_are_no_repetitions_of_weights_from_elsewhere(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)}, seed=0, **RELEASED)
    run("b", {"vsr": (1.0, 0.0)}, seed=1, **RELEASED)
    table = tables_of(evidence(tmp_path))[0]
    assert "GRIT (released)" in rows(table)
    assert any("repeats" in note for note in table.notes)


def test_alone_they_are_shown_beside_the_papers_row_only(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0, 0.0)}, **RELEASED)
    run("b", {"vsr": (1.0, 0.0)}, model="tiny_internvl")
    table = tables_of(evidence(tmp_path))[0]
    shown = {section.title.split(",")[0]: section.rows for section in table.sections}
    assert [row.label for row in shown["tiny_qwen"]] == ["GRIT (released)", "paper"]
    assert [row.label for row in shown["tiny_internvl"] if not row.paper] == [
        *("Direct query", "Chain-of-Thought", "One-shot ICL", "Few-shot fine-tuning", "GRIT")
    ]


def drawn(run: MakeRun, data_seed: int, seed: int, score: float, **changed: Any) -> None:
    """A run of one draw of the triplets, all of whose answers have the same score."""
    folder = run(
        f"{changed.get('method', 'grit')} {data_seed} {seed}",
        {"vsr": (score,) * 4},
        seed=seed,
        data_seed=data_seed,
        triplets_hash=f"draw {data_seed}",
        **changed,
    )
    configured(folder, seed=seed, data={"name": "shapes", "seed": data_seed})


def test_draws_of_the_triplets_are_in_the_interval_and_in_a_note(
    run: MakeRun, tmp_path: Path
) -> None:
    for data_seed, scores in enumerate(((0.50, 0.54), (0.60, 0.64), (0.40, 0.44))):
        for seed, score in enumerate(scores):
            drawn(run, data_seed, seed, score)
    drawn(run, 0, 0, 0.3, method="sft")
    drawn(run, 0, 1, 0.3, method="sft")
    table, differences = tables_of(evidence(tmp_path))
    found = cell(table, "GRIT, 3 draws, 2 seeds each", "VSR").mean
    assert found is not None
    assert found.high is not None
    half = 4.30265273 * np.std([52, 62, 42], ddof=1) / 3**0.5
    assert (found.mean, found.high - found.mean, found.runs) == pytest.approx((52.0, half, 6))
    assert cell(table, "Few-shot fine-tuning, 2 seeds", "VSR").mean is not None
    note = "tiny_qwen, GRIT: 3 draws of the triplets (data.seed 0, 1, 2), 6 runs."
    assert {note, DRAWS, ONE_DRAW} <= set(table.notes)
    (change,) = rows(differences).values()
    assert change.cells[0].mean is not None
    assert change.cells[0].mean[:3] == pytest.approx((22.0, 22 - half, 22 + half))


def test_draws_that_two_seeds_share_are_named_by_the_first(run: MakeRun, tmp_path: Path) -> None:
    for seed, (data_seed, drew) in enumerate(((0, "all"), (1, "all"), (2, "others"))):
        fields = {"seed": seed, "data_seed": data_seed, "triplets_hash": drew, "triplets": 20}
        run(f"grit {data_seed}", {"vsr": (0.5,) * 4}, settings_hash="same", **fields)
    (table,) = tables_of(evidence(tmp_path))
    note = "tiny_qwen, GRIT: 2 draws of the triplets (data.seed 0, 2), 3 runs."
    assert note in table.notes


def test_another_setting_of_another_draw_is_told_by_the_setting(
    run: MakeRun, tmp_path: Path
) -> None:
    drawn(run, 0, 0, 1.0)
    drawn(run, 1, 0, 1.0, settings_hash="other")
    path = tmp_path / "runs" / "grit 1 0"
    configured(path, training={"steps": 5}, data={"name": "shapes", "seed": 1})
    (table,) = tables_of(evidence(tmp_path))
    labels = [label for label in rows(table) if label.startswith("GRIT")]
    assert len(labels) == 2
    assert all("training" in label and "data.seed" not in label for label in labels)


def test_one_draw_of_other_rows_is_no_repetition(run: MakeRun, tmp_path: Path) -> None:
    drawn(run, 0, 0, 1.0)
    run("b", {"vsr": (0.0,) * 4}, seed=1, data_seed=0, triplets_hash="other rows")
    (table,) = tables_of(evidence(tmp_path))
    assert {"GRIT (triplets=draw 0)", "GRIT (triplets=other rows)"} <= set(rows(table))


def test_an_untrained_method_has_one_run_whatever_is_drawn(run: MakeRun, tmp_path: Path) -> None:
    run("a", {"vsr": (1.0,)}, method="direct", seed=0)
    run("b", {"vsr": (1.0,)}, method="direct", seed=1)
    (table,) = tables_of(evidence(tmp_path))
    assert cell(table, "Direct query", "VSR").mean == (100.0, 100.0, 100.0, 1)
    assert not {DRAWS, ONE_DRAW} & set(table.notes)


def test_a_third_model_stands_beside_the_papers_two(run: MakeRun, tmp_path: Path) -> None:
    models = ("tiny_qwen3", "mine", "tiny_internvl", "tiny_qwen")
    for model in models:
        run(model, {"vsr": (1.0, 0.0)}, model=model)
    table = tables_of(evidence(tmp_path))[0]
    shown = {section.title.split(",")[0]: section for section in table.sections}
    assert list(shown) == ["tiny_qwen", "tiny_internvl", "tiny_qwen3", "mine"]
    assert "the miniature of Qwen3-VL 2B" in shown["tiny_qwen3"].title
    printed = {model: [row for row in part.rows if row.paper] for model, part in shown.items()}
    assert printed["tiny_qwen"]
    assert not printed["tiny_qwen3"]  # the paper has not got it
    assert [row.label for row in shown["tiny_qwen3"].rows][-1] == "GRIT"
