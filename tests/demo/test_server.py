"""The demo by real requests: what it answers, and what it refuses."""

import io
import json
import re
import time
from contextlib import closing
from pathlib import Path

import pytest
from demo_server import read
from loopback import picture
from PIL import Image

from grit.demo.app import _index
from grit.demo.doorkeeper import _DOORS
from grit.demo.settings import DemoSettings
from grit.inference.questions import drawn

CHECKOUT = Path(__file__).parents[2]
SECRETS = ("/etc/passwd", str(CHECKOUT / "README.md"), "/proc/self/environ")
PATHS = (
    *("/gradio_api/file=", "/file=", "/gradio_api/file/", "/gradio_api/proxy=", "//"),
    *("/static/", "/assets/", "/svelte/", "/static/..", "/../", "/..%2f", "/%2e%2e/%2e%2e/", "/"),
    *("/gradio_api/file=..", "/gradio_api/file=file://", "/scene/..", "/gradio_api/stream/"),
    *("/gradio_api/custom_component/x/client/component/", "/scene/0/../../", "/picture/"),
)
OTHERS = (
    *("/config", "/gradio_api/info", "/gradio_api/openapi.json", "/monitoring", "/docs", "/redoc"),
    *("/gradio_api/startup-events", "/gradio_api/app_id", "/token", "/theme.css", "/manifest.json"),
    *("/gradio_api/heartbeat/a", "/scene/-1", "/scene/a", "/scene/1234567", "/gradio_api/runs"),
)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_file_can_be_read(demo, secret: str) -> None:
    content = Path(secret).read_bytes()[:40]
    for path in PATHS:
        status, answer = demo.get(path + secret)
        assert status == 404, path
        assert content not in answer
        assert json.loads(answer) == {"problem": "There is nothing here."}


def test_what_the_page_does_not_need_is_not_there(demo) -> None:
    assert {path: demo.get(path)[0] for path in OTHERS} == dict.fromkeys(OTHERS, 404)
    for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/run/ask_1", "/"):
        assert demo.post(path, {"data": []})[0] == 404, path


def test_the_page_needs_no_network_and_runs_no_script_but_its_own(demo) -> None:
    status, page = demo.get("/")
    assert status == 200
    policy = page.decode().partition('Content-Security-Policy" content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; connect-src 'self'; img-src data:;")
    assert "script-src 'sha256-" in policy
    assert b"http://" not in page.replace(b"http://www.w3.org/2000/svg", b"")
    assert b"https://" not in page


@pytest.mark.parametrize("seed", [0, -1, 999_999, 1_000_000, 1_234_567_890])
def test_the_page_begins_with_a_scene_that_is_let_in(base, seed: int) -> None:
    page = _index([base], DemoSettings(), seed)
    (first,) = re.findall(r'data-seed="(.*?)"', page)
    assert _DOORS["GET"].fullmatch(f"/scene/{first}")


def test_a_question_is_answered_in_parts(demo) -> None:
    scene = demo.scene(0)
    parts = list(demo.call("ask_1", scene["picture"], scene["question"], session="asked"))
    whole = demo.model.ask(drawn(0).picture.load(), scene["question"])
    assert len(parts) > 5
    assert scene["picture"] in parts[0]["html"]
    assert "tokens in" in parts[-1]["html"]
    assert f"“{whole.answer}”" in parts[-1]["html"]


def test_a_picture_is_uploaded_and_asked_about(demo) -> None:
    status, found = demo.post("/picture", picture((300, 200), "JPEG"))
    assert status == 200
    assert "data:image/jpeg;base64," in found["store"]
    assert 'viewBox="0 0 240.0 160.0"' in found["html"]
    first = next(demo.call("ask_1", found["picture"], "What is it?", session="uploaded"))
    assert found["picture"] in first["html"]


def bomb() -> bytes:
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (b"", 400, "no JPEG, PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", 400, "no JPEG, PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 400, "no JPEG, PNG"),
        (picture((300, 200), "JPEG")[:400], 400, "cannot be read"),
        (bomb(), 400, "at most 50,000,000 pixels"),
        (bytes(1_000_001), 413, "larger than 1 MB"),
    ],
    ids=["empty", "postscript", "svg", "cut", "bomb", "large"],
)
def test_other_uploads_are_refused(demo, content: bytes, status: int, problem: str) -> None:
    found, answer = demo.post("/picture", content)
    assert found == status
    assert problem in answer["problem"]
    assert "/" not in answer["problem"]  # no path, and no traceback


def test_an_upload_without_a_length_is_refused_at_the_limit(demo) -> None:
    chunks = (bytes(100_000) for _ in range(11))
    with demo.connection() as connection:
        connection.request("POST", "/picture", chunks, encode_chunked=True)
        assert read(connection) == (413, {"problem": "It is larger than 1 MB."})


def test_words_are_short(demo) -> None:
    status, answer = demo.post("/gradio_api/call/ask_1", {"data": ["a" * 70_000]})
    assert (status, answer["problem"]) == (413, "It is larger than 65,536 bytes.")


def test_a_slow_upload_ends(hasty_demo) -> None:
    with hasty_demo.connection() as connection:
        connection.putrequest("POST", "/picture")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"a few bytes, and no more")
        assert read(connection) == (408, {"problem": "It took longer than 1 s to arrive."})


def test_another_sites_page_cannot_ask(demo) -> None:
    status, _ = demo.post("/picture", picture(), Origin="http://example.org")
    assert status == 403
    status, _ = demo.post("/picture", picture(), Origin=demo.url.rstrip("/"))
    assert status == 200


def test_questions_wait_in_line_and_the_line_has_an_end(hasty_demo) -> None:
    scene = hasty_demo.scene()
    with hasty_demo.model._lock:  # the model is at another question
        statuses = []
        for number in range(4):
            body = {"data": [scene["picture"], "?"], "session_hash": f"line{number}"}
            statuses.append(hasty_demo.post("/gradio_api/call/ask_1", body)[0])
            time.sleep(0.2)
    assert statuses[0] == 200
    assert 503 in statuses


def test_a_page_that_is_closed_stops_the_model(demo, monkeypatch) -> None:
    steps: list[float] = []
    logits = demo.model.adapter.logits

    def slow(hidden):
        steps.append(time.monotonic())
        time.sleep(0.1)
        return logits(hidden)[..., :] * 0 + 1  # never ends by itself: no token is an end

    monkeypatch.setattr(demo.model.adapter, "logits", slow)
    with closing(demo.call("ask_1", demo.scene()["picture"], "?", session="gone")) as parts:
        next(parts)
    while time.monotonic() - steps[-1] < 1.5:
        time.sleep(0.1)
    assert len(steps) < 60 < demo.model.config.evaluation.max_new_tokens
    monkeypatch.undo()
    assert list(demo.call("ask_1", demo.scene()["picture"], "?", session="next"))


def test_where_it_looked(demo, monkeypatch) -> None:
    said = "<think> a [8, 9, 70, 80] </think>"
    with monkeypatch.context() as patched:
        patched.setattr(demo.model.adapter, "decode", lambda ids: said)
        *_, last = demo.call("ask_1", demo.scene()["picture"], "?", session="seen")
    (seen,) = demo.call("look_1", last["answer"], 1, session="look")
    assert seen["uri"].startswith("data:image/png;base64,")
    assert "of all attention" in seen["note"]
    (missing,) = demo.call("look_1", {"path": "/etc/passwd"}, 1, session="look2")
    assert "no longer here" in missing["problem"]
