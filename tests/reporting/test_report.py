import html
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from grit.data.shapes.source import ShapesSource
from grit.data.shapes.traces import ideal_trace, written
from grit.evaluation.metrics import estimates
from grit.evaluation.predictions import Prediction, ScoredPrediction
from grit.evaluation.scoring import score_predictions
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.judge.rules import RulesJudge
from grit.reporting.chains import VIEW, chain_of, embedded
from grit.reporting.curves import HEIGHT, WIDTH, short, training_curves
from grit.reporting.gallery import EACH, choose, gallery
from grit.reporting.paired import difference
from grit.reporting.report import Measured, ReportData, render, write_report
from grit.reporting.results import Results, set_result

HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(2)> ' & {{ 7 * 7 }} \x00\ud800\u202e"
)
PHOTO = Space("original", 640, 480)


def said(
    completion: str,
    truth: str = "yes",
    *,
    row: int = 0,
    spoken: Space = PHOTO,
    boxes: tuple[Box, ...] | None = None,
    **more: object,
) -> Prediction:
    fields = {"set": "vsr", "id": f"vsr/{row}", "question": "Is it?", "dataset": "vsr"} | more
    return Prediction(
        row=row,
        truth=truth,
        truth_is_box=truth.startswith("["),
        completion=completion,
        spoken=spoken,
        space=PHOTO,
        true_boxes=boxes,
        **fields,  # type: ignore[arg-type]
    )


def scored(*predictions: Prediction) -> list[ScoredPrediction]:
    return score_predictions(predictions, RulesJudge(), tagged_answers=True)


def one(completion: str, **more: object) -> ScoredPrediction:
    (row,) = scored(said(completion, **more))  # type: ignore[arg-type]
    return row


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
            text = written("nothing", "so be it", "a hippopotamus")
        predictions.append(Prediction.of(sample, text, set=kind, row=row, spoken=sample.space))
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


# The chain of one completion


def test_boxes_have_the_same_number_in_the_text_and_in_the_picture() -> None:
    text = "<think> a [64, 48, 320, 240], b [0, 0, 64, 48] </think> a [64, 48, 320, 240] 1, 2, 3, 4"
    chain = chain_of(one(text))
    assert "".join(piece.text for piece in chain.pieces) == text
    boxes = [(piece.text, piece.number) for piece in chain.pieces if piece.kind == "box"]
    assert boxes == [
        ("[64, 48, 320, 240]", 1),
        ("[0, 0, 64, 48]", 2),
        ("[64, 48, 320, 240]", 1),
        ("1, 2, 3, 4", 3),
    ]
    frames = {mark.number: mark.frame for mark in chain.marks}
    scale = VIEW / 640
    assert frames[1] == pytest.approx((64 * scale, 48 * scale, 256 * scale, 192 * scale))
    assert sorted(frames) == [1, 2, 3]
    assert [mark.number for mark in chain.marks] == [1, 2, 3]  # large first, small on top


def test_boxes_of_another_space_land_in_the_same_place() -> None:
    pixels = chain_of(one("[64, 48, 320, 240]"))
    thousandths = chain_of(one("[100, 100, 500, 500]", spoken=NORMALIZED_1000))
    assert pixels.marks[0].frame == thousandths.marks[0].frame


def test_tags_are_told_from_text() -> None:
    chain = chain_of(one("<think> a <b> </think>\n<answer> yes"))
    assert [(piece.kind, piece.text) for piece in chain.pieces] == [
        ("tag", "<think>"),
        ("text", " a <b> "),
        ("tag", "</think>"),
        ("text", "\n"),
        ("tag", "<answer>"),
        ("text", " yes"),
    ]
    assert chain.missing == ("rethink tags", "boxes")
    assert (chain.answer, chain.right, chain.giou) == ("yes", True, None)


def test_long_completions_are_cut_but_never_inside_a_box() -> None:
    text = "x" * 1190 + " [10, 10, 200, 200] and [20, 20, 60, 60]" + "y" * 1_000_000
    chain = chain_of(one(text))
    assert [piece.kind for piece in chain.pieces] == ["text"]
    assert sum(len(piece.text) for piece in chain.pieces) + chain.left_out == len(text)
    assert chain.marks == ()  # what the text does not name is not drawn
    whole = chain_of(one("x" * 1170 + text[1190:]))
    assert [piece.text for piece in whole.pieces if piece.kind == "box"] == ["[10, 10, 200, 200]"]
    assert [mark.number for mark in whole.marks] == [1]


def test_boxes_without_area_keep_their_number_and_are_not_drawn() -> None:
    chain = chain_of(one("[5, 5, 5, 90] [9000, 9000, 9999, 9999] [90, 90, 5, 5]"))
    assert [piece.number for piece in chain.pieces if piece.kind == "box"] == [1, 2, 3]
    assert [mark.number for mark in chain.marks] == [3]


def test_numbers_stay_in_the_picture_and_apart() -> None:
    boxes = ["[0, 0, 640, 480]", "[0, 0, 639, 479]", "[600, 440, 640, 480]", "[0, 0, 3, 480]"]
    marks = chain_of(one(" ".join(boxes))).marks
    assert len(marks) == 4
    for mark in marks:
        x, y, width, height = mark.plate
        assert 0 <= x <= VIEW - width
        assert 0 <= y <= VIEW * 480 / 640 - height
    spots = {(mark.plate.x, mark.plate.y) for mark in marks}
    assert len(spots) == 4


def test_a_row_of_unknown_size_has_text_and_no_overlay() -> None:
    row = one("<think> [1, 2, 3, 4]")
    unknown = replace(row, boxes=None, prediction=replace(row.prediction, space=None, spoken=None))
    chain = chain_of(unknown)
    assert (chain.marks, chain.truths) == ((), ())
    assert chain.pieces[-1].number == 1


def test_detection_is_right_where_its_boxes_are() -> None:
    true = (Box(0, 0, 100, 100, PHOTO),)
    assert chain_of(one("<answer> [0, 0, 100, 60]", truth="[0, 0, 100, 100]", boxes=true)).right
    wrong = chain_of(one("<answer> [0, 0, 100, 40]", truth="[0, 0, 100, 100]", boxes=true))
    assert wrong.right is False
    assert len(wrong.truths) == 1
    failed = replace(one("<answer> yes"), acc=None, judge_failed=True)
    assert chain_of(failed).right is None


def decoded(uri: str) -> Image.Image:
    import base64

    return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))


def test_photographs_shrink_and_tiny_scenes_keep_every_pixel() -> None:
    photograph = embedded(Image.effect_noise((1600, 1200), 60), None)
    assert photograph.uri.startswith("data:image/jpeg;base64,")
    assert decoded(photograph.uri).size == (384, 288)
    assert (photograph.width, photograph.height, photograph.pixelated) == (VIEW, VIEW * 0.75, False)
    scene = ShapesSource("vsr", "test", 1)[0].picture.load()
    tiny = embedded(scene, None)
    assert tiny.pixelated
    assert decoded(tiny.uri).convert("RGB").tobytes() == scene.tobytes()
    missing = embedded(None, PHOTO)
    assert (missing.uri, missing.width, missing.height) == ("", VIEW, VIEW * 0.75)


# Which chains are shown


def changing(n: int) -> tuple[list[ScoredPrediction], list[ScoredPrediction]]:
    """n rows each: of four, one is fixed, one broken, one stays right, one stays wrong."""
    before, after = [], []
    for row in range(n):
        was, now = (("no", "yes"), ("yes", "no"), ("yes", "yes"), ("no", "no"))[row % 4]
        before.append(said(f"<answer> {was}", row=row))
        after.append(said(f"<answer> {now}", row=row))
    return scored(*before), scored(*after)


def test_fixed_broken_good_and_bad_are_chosen_once_each() -> None:
    before, after = changing(80)
    chosen = choose(before, after)
    kinds = [example.kind for example in chosen]
    assert kinds == [kind for kind, count in EACH.items() for _ in range(count)]
    ids = [example.after.prediction.id for example in chosen]
    assert len(set(ids)) == len(ids)
    for example in chosen:
        row = example.after.prediction.row
        right = {"fixed": {0}, "broken": {1}, "good": {0, 2}, "bad": {1, 3}}[example.kind]
        assert row % 4 in right
        assert (example.before is not None) == (example.kind in ("fixed", "broken"))
    assert choose(before[::-1], after[::-1]) == chosen


def test_good_answers_have_right_boxes_if_any_has() -> None:
    true = (Box(0, 0, 100, 100, PHOTO),)
    rows = [
        one(f"<think> [0, 0, 100, {90 if row % 10 == 3 else 9}] <answer> yes", row=row, boxes=true)
        for row in range(30)
    ]
    good = [example.after for example in choose([], rows) if example.kind == "good"]
    assert [row.prediction.row % 10 for row in good] == [3] * EACH["good"]


def test_unjudged_rows_are_neither_good_nor_bad() -> None:
    failed = replace(one("<answer> yes"), acc=None, judge_failed=True)
    assert choose([], [failed]) == []
    assert gallery({}, {"vsr": [failed], "none": []}, no_picture).sets == {}


def test_pictures_beyond_the_budget_are_left_out_of_all_sets_alike(monkeypatch) -> None:
    monkeypatch.setattr("grit.reporting.gallery.BUDGET", 20_000)
    monkeypatch.setattr("grit.reporting.gallery.embedded", lambda *_: embedded(photo, None))
    photo = Image.new("RGB", (300, 300))
    size = len(embedded(photo, None).uri)
    before, after = changing(80)
    sets = {name: after for name in ("a", "b")}
    found = gallery({}, sets, no_picture)
    shown = {name: len(cards) for name, cards in found.sets.items()}
    assert abs(shown["a"] - shown["b"]) <= 1
    assert sum(shown.values()) == 20_000 // size
    assert found.left_out == 2 * (EACH["good"] + EACH["bad"]) - sum(shown.values())


# Curves


def test_curves_show_what_was_logged_and_skip_what_is_no_number() -> None:
    rows = [
        {
            "step": step,
            "train/reward": step / 10,
            "train/reward_part/judge": 0.5,
            "train/reward_part/shapes_vsr/judge": 0.5,
            "train/kl": float("nan") if step == 2 else 0.1,
            "train/grad_norm": float("inf"),
        }
        for step in range(4)
    ]
    groups = {group.title: group.panels for group in training_curves(rows)}
    assert [panel.title for panel in groups["Reward and its parts"]] == ["Reward", "Judge"]
    (kl,) = groups["Policy"]
    assert [step for _, _, step, _ in kl.points] == ["0", "1", "3"]
    assert "Completions" not in groups
    reward = groups["Reward and its parts"][0]
    assert (reward.last, reward.smooth) == ("0.3", "")
    ys = [y for _, y, _, _ in reward.points]
    assert ys == sorted(ys, reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y, _, _ in reward.points)


def test_supervised_training_shows_its_loss() -> None:
    (group,) = training_curves([{"step": s, "train/loss": 2.0 - s} for s in range(2)])
    assert (group.title, [panel.title for panel in group.panels]) == ("Loss", ["Loss"])
    assert training_curves([]) == []
    assert training_curves([{"step": 0, "train/loss": 1.0}]) == []  # a point is no curve


def test_a_step_done_twice_counts_once_and_long_runs_are_thinned() -> None:
    rows = [{"step": s, "train/loss": 9.0} for s in (0, 1)]
    rows += [{"step": s, "train/loss": 1.0} for s in range(1, 5000)]
    (panel,) = training_curves(rows)[0].panels
    assert len(panel.points) == 240
    assert panel.smooth
    assert panel.y_ticks[-1].label != "0"
    assert "nan" not in panel.raw + panel.smooth


def test_numbers_are_short() -> None:
    found = [short(value) for value in (0, 0.7341, 12.55, 1250, 2e-6, -0.5)]
    assert found == ["0", "0.734", "12.6", "1,250", "2e-06", "-0.5"]


# Changes


def test_a_change_is_of_the_same_questions() -> None:
    before, after = changing(40)
    assert difference(before[:20], after[10:], "acc").n == 10
    moved = difference(before, after, "acc")
    assert moved.mean == 0.0
    assert moved.low < 0 < moved.high  # type: ignore[operator]
    gained = difference(*(rows[::4] for rows in (before, after)), "acc")
    assert gained == (100.0, 100.0, 100.0, 10)
    assert difference(before, after, "giou").mean is None  # nothing is annotated


def test_pairing_makes_the_interval_narrower() -> None:
    before, after = (rows[:] for rows in changing(80))
    steady = [row for at, row in enumerate(after) if at % 4 > 1]
    change = difference(before[:4] + before, steady, "acc")
    alone = estimates(steady)["acc"]
    assert (change.mean, change.low, change.high) == (0.0, 0.0, 0.0)
    assert alone.high > alone.low  # type: ignore[operator]


# The page


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
    return ReportData(**(fields | more))  # type: ignore[arg-type]


def test_the_page_says_what_was_run_and_found(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, report_data())
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
    assert page.count("data:image/png;base64,") == page.count("<article")
    again = tmp_path / "again.html"
    write_report(again, report_data())
    assert again.read_bytes() == path.read_bytes()


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
    hostile = [
        said(
            f"<think> {HOSTILE} [1, 2, 300, 400] </think> <answer> {HOSTILE}",
            truth=HOSTILE,
            row=row,
            question=HOSTILE,
            id=f"{HOSTILE}{row}",
            set=HOSTILE,
            boxes=(Box(0, 0, 9, 9, PHOTO),),
        )
        for row in range(4)
    ]
    now, was = scored(*hostile), scored(*(replace(p, completion=HOSTILE) for p in hostile))
    data = report_data(
        title=HOSTILE,
        after=measured({HOSTILE: now}),
        before=measured({HOSTILE: was}),
        picture_of=no_picture,
        metrics=[{"step": s, f"train/reward_part/{HOSTILE.replace('/', '')}": 1.0} for s in (0, 1)],
        config=HOSTILE,
        meta={"command": HOSTILE, HOSTILE: HOSTILE},
    )
    path = tmp_path / "report.html"
    write_report(path, data)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.elements.count("script") == 1
    assert {"img", "b2"}.isdisjoint(page.elements)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|\b49\b", text)
    assert not set("\x00\u202e\ud800") & set(text)
    assert "<script>alert(1)</script>" in "".join(page.texts)  # and is still there to read


def test_a_large_run_makes_a_small_page(tmp_path: Path) -> None:
    source = Image.effect_noise((800, 600), 90).convert("RGB")
    sets = {}
    for name in map(str, range(12)):
        rows = [
            said(
                f"<think> [1, 2, 300, 400] {'very ' * 30_000} <answer> {'yes' if r % 2 else 'no'}",
                row=r,
                set=name,
            )
            for r in range(8)
        ]
        sets[name] = scored(*rows)
    path = tmp_path / "report.html"
    write_report(
        path,
        report_data(
            after=measured(sets),
            before=None,
            picture_of=lambda *_: source,
            metrics=[{"step": s, "train/reward": s, "train/kl": 1.0} for s in range(20_000)],
        ),
    )
    assert 1_000_000 < path.stat().st_size < 5_000_000
    assert "more characters" in path.read_text(encoding="utf-8")


def test_an_evaluation_alone_has_no_before() -> None:
    page = render(report_data(before=None, metrics=(), picture_of=no_picture, config="", meta={}))
    text = " ".join(" ".join(Page(page).texts).split())
    assert "Answers before" not in text
    assert "Training" not in text
    assert "83.3" in text
    assert 'class="ground"' in page
    assert "data:image" not in page


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
        write_report(path, report_data(picture_of=gone))
    assert list(tmp_path.iterdir()) == []
