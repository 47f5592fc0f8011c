"""The demo in a real browser without a network: a question is asked, and boxes appear."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import CHROMIUM, Tab, browser
from demo_server import Demo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here"),
]
SAID = (
    "<think> the heart [8, 9, 30, 40] and a ring [50, 20, 70, 40] </think>\n"
    "<rethink> so [8, 9, 30, 40] <i>it</i> </rethink>\n<answer> 2 </answer>"
)
MARKS = "document.querySelectorAll('.picture .mark').length"
LIT = "[...document.querySelectorAll('.lit')].map(each => each.dataset.box).join()"


@pytest.fixture
def tab(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tab]:
    """The demo's page; its model writes a chain with two boxes, a few characters a token."""
    monkeypatch.setattr(demo.model.adapter, "decode", lambda ids: SAID[: 3 * len(ids)])
    monkeypatch.setattr(demo.model.engine, "_ends", lambda ids: 3 * len(ids) >= len(SAID))
    with browser(tmp_path / "profile") as tab:
        tab.open(demo.url)
        tab.wait("document.querySelector('.picture use')")
        yield tab


def test_a_question_is_asked_and_boxes_appear(demo: Demo, tab: Tab) -> None:
    assert tab.run("document.querySelector('[name=question]').value").endswith("?")
    seen = "window.seen = new Set(); new MutationObserver(() => seen.add(" + MARKS + "))"
    tab.run(f"{seen}.observe(document.querySelector('.chain'), {{childList: true}})")
    tab.run("document.querySelector('[type=submit]').click()")
    tab.wait("document.querySelector('.verdict')")
    assert tab.run("[...seen].join()") == "0,1,2"  # as they were written, one after the other
    assert "so 1[8, 9, 30, 40] <i>it</i>" in tab.text()
    assert "“2”" in tab.text()

    _hovers(tab, ".chip[data-box='2']", "2,2")
    _hovers(tab, ".mark[data-box='1'] .plate", "1,1,1")  # in the picture, and twice in the text

    tab.run("document.querySelector('[data-look=\"2\"]').click()")
    tab.wait("document.querySelector('.picture .spot')")
    assert "of all attention" in tab.text()
    tab.run("document.querySelector('[data-look=\"2\"]').click()")
    assert tab.run("document.querySelector('.spot')") is None

    assert tab.complaints() == []
    assert all(url.startswith((demo.url, "data:")) for url in tab.requested())


def test_another_picture_takes_the_boxes_away(tab: Tab) -> None:
    tab.run("document.querySelector('[type=submit]').click()")
    tab.wait("document.querySelector('.verdict')")
    tab.run("document.querySelector('[data-draw]').click()")
    tab.wait("document.querySelector('[role=status]').textContent.startsWith('scene 1')")
    assert tab.run(MARKS) == 0
    assert tab.run("document.querySelector('.said').textContent") == ""


def test_a_question_waits_for_the_picture_that_it_is_about(tab: Tab) -> None:
    submit = "document.querySelector('[type=submit]')"
    tab.wait(f"!{submit}.disabled")
    held = "new Promise((ready) => (window.arrive = () => ready(fetch('scene/7'))))"
    tab.run(f"void show({held}, 'it is there')")
    assert tab.run(f"{submit}.disabled")
    tab.run("ask.requestSubmit()")
    assert tab.run("calls.size") == 0
    tab.run("arrive()")
    tab.wait("document.querySelector('[role=status]').textContent === 'it is there'")
    tab.wait(f"!{submit}.disabled")
    tab.run("void show(Promise.reject(new Error('no picture')))")
    tab.wait("document.querySelector('[role=status].problem')")
    assert not tab.run(f"{submit}.disabled")


def test_a_model_is_free_when_a_call_is_stopped_before_it_is_accepted(
    demo: Demo, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def slowly(ids: Sequence[int]) -> str:
        written.append(len(ids))
        time.sleep(0.1)
        return SAID[: len(ids)]

    monkeypatch.setattr(demo.model.adapter, "decode", slowly)
    monkeypatch.setattr(demo.model.engine, "_ends", lambda ids: False)
    tab.wait("!document.querySelector('[type=submit]').disabled")
    tab.run("ask.requestSubmit(), document.querySelector('[data-stop]').click()")
    before = -1
    while len(written) != before:
        before = len(written)
        time.sleep(3)
    assert max(written, default=0) < 100  # of 120 tokens


def test_a_file_that_is_no_picture_is_named_as_such(tab: Tab) -> None:
    tab.run("upload(new File(['%PDF-1.7'], 'a.pdf'))")
    tab.wait("document.querySelector('[role=status].problem')")
    assert "it is damaged, or no JPEG, PNG" in tab.text()


def _hovers(tab: Tab, selector: str, lit: str) -> None:
    """Point at an element, and away again."""
    frame = f"document.querySelector({selector!r}).getBoundingClientRect()"
    middle = tab.run(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({frame})")
    for (x, y), expected in ((middle, lit), ((1, 1), "")):
        tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        tab.wait(f"{LIT} === '{expected}'")
