import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from grit.core.files import write_text
from grit.data.shapes.ideal_traces import ideal_trace, tagged_trace
from grit.data.shapes.source import ShapesSource
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import Box, Space
from grit.judge.judge import Judge, Query
from grit.judge.rules import RulesJudge
from grit.pages.beside_results import beside_table
from grit.pages.run_page import Measured, ReportData, render
from grit.runs.results import Results, set_result
from grit.runs.shown_metrics import DEFINITIONS, DIFFERENT, EQUAL

HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(2)> ' & {{ 7 * 7 }} \x00\ud800\u202e"
)
PHOTO = Space("original", 640, 480)


def said(
    completion: str,
    truth: str = "yes",
    *,
    row: int = 0,
    box_space: Space = PHOTO,
    boxes: tuple[Box, ...] | None = None,
    **more: object,
) -> Prediction:
    fields = {"set": "vsr", "id": f"vsr/{row}", "question": "Is it?", "dataset": "vsr"} | more
    return Prediction(
        row=row,
        truth=truth,
        truth_is_box=truth.startswith("["),
        completion=completion,
        box_space=box_space,
        space=PHOTO,
        true_boxes=boxes,
        **fields,
    )


def scored(*predictions: Prediction) -> list[ScoredPrediction]:
    return score_predictions(predictions, RulesJudge(), tagged_answers=True)


def results(rows: dict[str, list[ScoredPrediction]]) -> Results:
    sets = {name: set_result(found) for name, found in rows.items()}
    return Results(
        "grit", "tiny_qwen", "shapes", "grpo_gr", "rules", 7, "0244dce09b91", sets, "8de5"
    )


def measured(rows: dict[str, list[ScoredPrediction]]) -> Measured:
    return Measured(results(rows), rows)


def drawn(kind: str, size: int, wrong: Sequence[int] = ()) -> dict[str, list[ScoredPrediction]]:
    """Ideal traces about drawn scenes, some of them with another answer and without boxes."""
    predictions = []
    for row, sample in enumerate(ShapesSource(kind, "test", size)):
        text = ideal_trace(sample, sample.space)
        if row in wrong:
            text = tagged_trace("nothing", "so be it", "a hippopotamus")
        predictions.append(Prediction.of(sample, text, set=kind, row=row, box_space=sample.space))
    return {kind: scored(*predictions)}


def no_picture(name: str, row: str) -> None:
    return None


class Page(HTMLParser):
    """What a browser would see: elements, addresses, scripts, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def report_data(**more: object) -> ReportData:
    before, after = drawn("vsr", 12, wrong=range(0, 12, 2)), drawn("vsr", 12, wrong=[1, 2])
    samples = {sample.id: sample for sample in ShapesSource("vsr", "test", 12)}
    metrics = [{"step": step, "train/reward": 1.0, "train/kl": 0.1} for step in range(3)]
    fields = {
        "title": "GRIT on drawn scenes",
        "after": measured(after),
        "before": measured(before),
        "picture_of": lambda name, row: samples[row].picture.load(),
        "metrics": metrics,
        "config": "seed: 7\nmodel:\n  name: tiny_qwen\n",
        "meta": {"command": "python -m grit seed=7", "took": "2 min"},
    }
    return ReportData(**(fields | more))


def test_the_page_says_what_was_run_and_found(tmp_path: Path) -> None:
    path, data = tmp_path / "report.html", report_data()
    write_text(path, render(data))
    page = path.read_text(encoding="utf-8")
    text = " ".join(" ".join(Page(page).texts).split())
    for expected in (
        "GRIT on drawn scenes",
        "$ python -m grit seed=7",
        "2 min",
        "seed: 7",
        "0244dce09b91",
        "8de5",
        "50.0 → 83.3",  # ACC
        "+33.3",
        "wrong, now right",
        "right, now wrong",
        "Answers before",
    ):
        assert expected in text
    acc = data.after.results.sets["vsr"].metrics["acc"]
    assert f"{acc.low:.1f} to {acc.high:.1f}" in text
    assert page.count("data:image/png;base64,") == page.count("<article")
    again = tmp_path / "again.html"
    write_text(again, render(report_data()))
    assert again.read_bytes() == path.read_bytes()


def test_a_small_table_says_whether_answers_and_boxes_are_right_together() -> None:
    data = report_data()
    text = shown(render(data))
    for words in ("Right, on right boxes", "Boxes show what they name", "Neither is right"):
        assert words in text
    table = beside_table(data.before.results, data.after.results)
    (line,) = table.lines
    shares = [(cell.before.mean, cell.after.mean) for cell in line.cells]
    assert shares[:4] == [
        (0.5, pytest.approx(10 / 12)),
        (0, 0),
        (0, 0),
        (0.5, pytest.approx(1 / 6)),
    ]
    assert (line.grounded_before, line.grounded_after) == (1.0, 1.0)
    assert "pass@" not in text


def test_sampled_answers_are_in_the_small_table() -> None:
    rows = drawn("vsr", 4, wrong=[1])["vsr"]
    sets = {"vsr": set_result(rows, [*rows, *rows, *rows[:3], *rows])}
    after = Measured(replace(results({"vsr": rows}), sets=sets), {"vsr": rows})
    text = shown(render(report_data(before=None, after=after)))
    assert "pass@1 0 to 100 pass@2 0 to 100 pass@4 0 to 100 mean@4 0 to 100" in text
    one = measured({"vsr": scored(said("no box", boxes=None))})
    assert "Neither is right" not in shown(
        render(report_data(before=None, after=one, picture_of=no_picture))
    )


def shown(page: str) -> str:
    return " ".join(" ".join(Page(page).texts).split())


def test_the_page_says_what_its_metrics_are() -> None:
    text = shown(render(report_data()))
    assert f"{DEFINITIONS} {EQUAL}" in text
    assert "ACC>0.5 0 to 100" not in text


def test_acc_has_two_columns_where_the_judge_gives_something_in_between() -> None:
    class Torn(Judge):
        name = "torn"

        def score(self, queries: Sequence[Query]) -> list[float | None]:
            return [(0.3, 0.5, 0.7, 0.8)[at % 4] for at in range(len(queries))]

    asked = [said("<answer> yes", row=row, question=f"{row}?") for row in range(4)]
    rows = {"vsr": score_predictions(asked, Torn(), tagged_answers=True)}
    text = shown(render(report_data(after=measured(rows), before=None, picture_of=no_picture)))
    assert f"{DEFINITIONS} {DIFFERENT}" in text
    for expected in ("ACC>0.5 mean of 1 set 50.0", "ACC mean of 1 set 57.5", "ACC>0.5 0 to 100"):
        assert expected in text


def test_paths_of_the_machine_are_not_on_the_page() -> None:
    data = report_data()
    reason = "all 491 images are missing in /home/me/data/grit/tallyqa"
    skipped = replace(data.after.results, skipped={"tallyqa": reason})
    page = render(replace(data, after=replace(data.after, results=skipped)))
    assert "tallyqa: skipped: all 491 images are missing in .../grit/tallyqa" in page
    assert "/home/me" not in page


def test_the_page_needs_no_network() -> None:
    page = Page(render(report_data()))
    assert {"link", "iframe", "object", "base", "form"}.isdisjoint(page.elements)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            assert value.startswith(("#", "data:image/"))
    text = "".join(page.texts)
    assert "@import" not in text
    assert "url(" not in text
    policy = next(value for name, value in page.attributes if name == "content")
    assert "default-src 'none'" in policy


def test_only_the_page_s_own_script_may_run() -> None:
    import base64
    import hashlib

    page = render(report_data())
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(page)
    assert "unsafe-eval" not in page


def test_whatever_a_model_writes_stays_text(tmp_path: Path) -> None:
    name = HOSTILE.replace("\ud800", "")  # seeds are made from names
    hostile = [
        said(
            f"<think> {HOSTILE} [1, 2, 300, 400] </think> <answer> {HOSTILE}",
            truth=HOSTILE,
            row=row,
            question=HOSTILE,
            id=f"{name}{row}",
            set=name,
            boxes=(Box(0, 0, 9, 9, PHOTO),),
        )
        for row in range(4)
    ]
    now, was = scored(*hostile), scored(*(replace(p, completion=HOSTILE) for p in hostile))
    data = report_data(
        title=HOSTILE,
        after=measured({name: now}),
        before=measured({name: was}),
        picture_of=no_picture,
        metrics=[
            {"step": s, "train/reward": 1.0, f"train/reward_part/{HOSTILE.replace('/', '')}": 1.0}
            for s in (0, 1)
        ],
        config=HOSTILE,
        meta={"command": HOSTILE, HOSTILE: HOSTILE},
    )
    path = tmp_path / "report.html"
    write_text(path, render(data))
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.elements.count("script") == 1
    assert "img" not in page.elements
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in text
    assert not set("\x00\u202e\ud800") & set(text)
    assert "<script>alert(1)</script>" in "".join(page.texts)  # and is still there to read


def test_a_large_run_makes_a_small_page(tmp_path: Path) -> None:
    source = Image.effect_noise((400, 300), 90).convert("RGB")
    sets = {}
    for name in map(str, range(12)):
        rows = [
            said(
                f"<think> [1, 2, 300, 400] {'very ' * 4_000} <answer> {'yes' if r % 2 else 'no'}",
                row=r,
                set=name,
            )
            for r in range(8)
        ]
        sets[name] = scored(*rows)
    path = tmp_path / "report.html"
    data = report_data(
        after=measured(sets),
        before=None,
        picture_of=lambda *_: source,
        metrics=[{"step": s, "train/reward": s, "train/kl": 1.0} for s in range(20_000)],
    )
    write_text(path, render(data))
    assert 1_000_000 < path.stat().st_size < 5_000_000
    assert "more characters" in path.read_text(encoding="utf-8")


def test_an_evaluation_alone_has_no_before() -> None:
    page = render(report_data(before=None, metrics=(), picture_of=no_picture, config="", meta={}))
    text = " ".join(" ".join(Page(page).texts).split())
    assert "Answers before" not in text
    assert "Training" not in text
    assert "now right" not in text
    assert "83.3" in text
    assert 'class="ground"' in page
    assert "data:image" not in page


@pytest.mark.parametrize("annotation", ["answers", "answers+boxes", None])
def test_what_training_used_is_one_of_the_facts(annotation: str | None) -> None:
    rows = {"vsr": scored(said("<answer> yes"))}
    found = replace(results(rows), annotation=annotation)
    data = ReportData("a run", Measured(found, rows), lambda *_: None)
    facts = render(data).partition('<ul class="facts">')[2].partition("</ul>")[0]
    assert (f"<span>annotation</span> {annotation}<" in facts) == (annotation is not None)
    assert ("annotation" in facts) == (annotation is not None)


def test_sets_that_were_not_evaluated_are_named() -> None:
    data = report_data()
    skipped = replace(data.after.results, skipped={"gqa": "no image is there"})
    page = render(replace(data, after=replace(data.after, results=skipped)))
    assert "gqa: skipped: no image is there" in page
    alone = render(replace(data, before=None, after=replace(data.after, results=skipped)))
    assert "gqa: skipped: no image is there" in alone


def test_points_of_a_curve_are_there_for_the_pointer() -> None:
    page = Page(render(report_data()))
    points = [json.loads(value) for name, value in page.attributes if name == "data-points"]
    assert [point[2:] for point in points[0]] == [["0", "1"], ["1", "1"], ["2", "1"]]


def test_nothing_is_written_where_drawing_fails(tmp_path: Path) -> None:
    def gone(name: str, row: str) -> Image.Image:
        raise OSError("the image is gone")

    path = tmp_path / "report.html"
    with pytest.raises(OSError, match="the image is gone"):
        write_text(path, render(report_data(picture_of=gone)))
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_a_question_has_a_page() -> None:
    page = render(report_data(after=measured({}), before=None, metrics=()))
    assert "There was no question to ask." in page
    assert "<table" not in page
