"""What visitors get of a model: chains as pieces of a page, and maps of attention."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from grit.demo.asked_model import AskedModel, answer_html, spotlight
from grit.demo.shelf import Shelf
from grit.demo.visitor_pictures import VisitorPicture, scene, uploaded
from grit.grounding.boxes import Space
from grit.inference.answers import Answer

HOSTILE = '<script>alert(1)</script> [1, 2, 30, 40]"><img src=x onerror=alert(2)> <answer> <b>'
MARKS = re.compile(r'<g class="mark c\d" data-box="(\d+)">')


@pytest.fixture
def asked(base) -> tuple[AskedModel, str]:
    pictures: Shelf[VisitorPicture] = Shelf(4)
    return AskedModel(base, pictures, limit=600), pictures.put(scene(0))


def test_boxes_appear_as_they_are_written(asked, base, monkeypatch) -> None:
    model, key = asked
    said = "<think> a [8, 9, 70, 80] and b [10, 20, 30, 40] </think> <answer> 2 </answer>"
    monkeypatch.setattr(base.adapter, "decode", lambda ids: said[: 2 * len(ids)])
    parts = list(model.ask(key, " How many? "))
    shown = [len(MARKS.findall(part["html"])) for part in parts]
    assert shown == sorted(shown)
    assert set(shown) == {0, 1, 2}
    assert ["answer" in part for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1]["html"].count("data-look") == 2
    assert "data-look" not in parts[-2]["html"]
    written = base.ask(scene(0).load(), "How many?").tokens
    assert f"{written} tokens in" in parts[-1]["html"]
    seen = model.look(parts[-1]["answer"], 2)
    assert seen["uri"].startswith("data:image/png;base64,")
    assert model.look(parts[-1]["answer"], 3) == {"problem": "The answer has no such box."}


def test_an_answer_keeps_no_picture_and_is_looked_into_with_the_one_that_is_there(
    base, monkeypatch
) -> None:
    """Decoded ones would be 64 a model, beside the 32 files that the demo says it keeps."""
    said = "<think> a [8, 9, 70, 80] and b [10, 20, 30, 40] </think> <answer> 2 </answer>"
    monkeypatch.setattr(base.adapter, "decode", lambda ids: said[: 2 * len(ids)])
    pictures: Shelf[VisitorPicture] = Shelf(1)
    model = AskedModel(base, pictures, limit=600)
    stream = io.BytesIO()
    scene(0).load().save(stream, "PNG")
    *_, last = model.ask(pictures.put(uploaded(stream.getvalue())), "How many?")
    (kept,) = model._answers._things.values()
    assert kept.answer.image.size == (1, 1)
    assert not set(vars(kept.answer)) & {"chain", "boxes"}
    whole = base.ask(scene(0).load(), "How many?")
    assert kept.answer.completion == whole.completion
    assert model.look(last["answer"], 1)["uri"] == spotlight(base.attention(whole, 1))
    pictures.put(scene(1))
    assert "no longer here" in model.look(last["answer"], 1)["problem"]


def test_the_right_answer_is_that_of_the_scenes_own_question(asked) -> None:
    model, key = asked
    picture = scene(0)
    truth = f"the right answer: <b>{picture.truth}</b>"
    assert truth in list(model.ask(key, picture.question))[-1]["html"]
    assert "the right answer" not in list(model.ask(key, "Is it red?"))[-1]["html"]


@pytest.mark.parametrize(
    ("picture", "question", "problem"),
    [
        (None, "", "A question has 1 to 2,000 characters."),
        (None, "?" * 2001, "A question has 1 to 2,000 characters."),
        (None, {"a": 1}, "A question has 1 to 2,000 characters."),
        ("0" * 32, "?", "The picture is no longer here: choose it again."),
        ({"path": "/etc/passwd"}, "?", "The picture is no longer here: choose it again."),
    ],
)
def test_what_cannot_be_asked(asked, picture, question, problem) -> None:
    model, key = asked
    assert list(model.ask(picture or key, question)) == [{"problem": problem}]
    assert "no longer here" in model.look(picture or "", 1)["problem"]


def test_an_answer_that_takes_too_long_ends_and_says_so(asked, base) -> None:
    model, key = asked
    model.limit = 0.1
    with base._lock:
        assert list(model.ask(key, "?")) == [{"problem": "Stopped: it took longer than 0.1 s."}]


def test_a_fault_is_told_to_the_log_alone(asked, base, monkeypatch, caplog) -> None:
    model, key = asked

    def broken(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(base.adapter, "logits", broken)
    (said,) = model.ask(key, "?")
    assert said == {"problem": "Something went wrong. The demo's log says what."}
    assert "/secret/path" in caplog.text


def test_what_a_model_writes_is_no_markup() -> None:
    picture = scene(0)
    image = picture.load()
    answer = Answer(HOSTILE, HOSTILE, image, Space("original", *image.size))
    html = answer_html("key", picture, answer, note="n")
    assert MARKS.findall(html) == ["1"]
    assert not re.search(r"<(script|img|b>\Z)", html)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert '"><img' not in html


def test_a_spotlight_is_bright_where_attention_went() -> None:
    uri = spotlight(np.array([[0.0, 0.2, 0.1], [0.0, 0.0, 0.05]]))
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as shade:
        alpha = np.asarray(shade)[..., 3]
    assert alpha.tolist() == [[217, 0, 108], [217, 217, 163]]


def test_an_upload_is_turned_as_its_exif_data_says() -> None:
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6  # a phone held upright
    Image.new("RGB", (60, 40)).save(stream, "JPEG", exif=exif)
    picture = uploaded(stream.getvalue())
    assert picture.load().size == (40, 60)
    assert picture.shown.height > picture.shown.width


def test_a_shelf_forgets_what_nobody_wanted_for_longest() -> None:
    shelf: Shelf[int] = Shelf(2)
    first, second = shelf.put(1), shelf.put(2)
    assert first != second
    assert shelf.get(first) == 1
    third = shelf.put(3)
    assert [shelf.get(key) for key in (first, second, third, "", ["a"])] == [1, None, 3, None, None]
