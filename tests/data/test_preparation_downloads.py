import itertools
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import httpx2
import pytest
from loopback import Loopback, content, cut, in_turn, picture, status

from grit.data.pictures import Unusable
from grit.data.preparation.downloads import Downloads
from grit.data.preparation.images import picture_size
from grit.data.preparation.settings import PreparationSettings

RIGHT = picture((8, 6))


class Patient:
    """Downloads that note how long they would have waited."""

    def __init__(self, attempts: int = 3) -> None:
        self.waits: list[float] = []
        settings = PreparationSettings(attempts=attempts, timeout=5)
        self.downloads = Downloads(settings, sleep=self.waits.append)

    def get(self, *urls: str, limit: int = 10**6) -> bytes:
        return self.downloads.get(urls, limit=limit, check=lambda got: picture_size(got, (8, 6)))


@pytest.fixture
def patient():
    found = Patient()
    yield found
    found.downloads.close()


def test_a_file(loopback: Loopback, patient: Patient) -> None:
    loopback.put("/a.png", RIGHT)
    assert patient.get(f"{loopback.url}/a.png") == RIGHT
    assert patient.waits == []


@pytest.mark.parametrize("address", ["images.cocodataset.org/x.jpg", "http://x\x01/y.jpg"])
def test_what_is_no_address_is_not_tried_again(patient: Patient, address: str) -> None:
    with pytest.raises(Unusable, match="is no "):
        patient.get(address)
    assert patient.waits == []


def test_the_first_address_that_has_it(loopback: Loopback, patient: Patient) -> None:
    loopback.put("/second/a.png", RIGHT)
    assert patient.get(*(f"{loopback.url}/{part}/a.png" for part in ("first", "second"))) == RIGHT
    assert patient.waits == []


@pytest.mark.parametrize("hops", [1, 4])
def test_redirects_are_followed(loopback: Loopback, patient: Patient, hops: int) -> None:
    for hop in range(hops):
        loopback.put(f"/{hop}", status(302, Location=f"{loopback.url}/{hop + 1}"))
    loopback.put(f"/{hops}", RIGHT)
    assert patient.get(f"{loopback.url}/0") == RIGHT


FAULTS = {
    "404": (status(404), "not there"),
    "403": (status(403), "the host answers 403"),
    "a cut connection": (cut(RIGHT), "the connection was cut"),
    "a cut file, said to be whole": (content(RIGHT[: len(RIGHT) // 2]), "damaged"),
    "a wrong size": (content(picture((6, 8))), "6 x 8 pixels instead of 8 x 6"),
    "a page": (content(b" <!DOCTYPE html><title>Log in</title>"), "a page instead of an image"),
    "text": (content(b"Not here any more"), "not an image"),
    "nothing": (content(b""), "an empty file"),
    "too large": (content(RIGHT + bytes(10**6)), "larger than"),
    "a circle": (status(302, Location="/a.png"), "too many redirects"),
    "elsewhere": (status(302, Location="ftp://example.invalid/a.png"), "leads to none"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_have_a_reason(loopback: Loopback, patient: Patient, fault: str) -> None:
    answer, reason = FAULTS[fault]
    loopback.put("/a.png", answer)
    with pytest.raises(Unusable, match=reason):
        patient.get(f"{loopback.url}/a.png")


@pytest.mark.parametrize("fault", ["a cut connection", "a wrong size", "a page", "403"])
def test_another_address_makes_good_for_a_fault(
    loopback: Loopback, patient: Patient, fault: str
) -> None:
    loopback.put("/bad.png", FAULTS[fault][0])
    loopback.put("/good.png", RIGHT)
    assert patient.get(f"{loopback.url}/bad.png", f"{loopback.url}/good.png") == RIGHT


def test_of_several_reasons_the_telling_one_is_given(loopback: Loopback, patient: Patient) -> None:
    loopback.put("/a.png", status(403))
    with pytest.raises(Unusable, match="403"):
        patient.get(f"{loopback.url}/nowhere", f"{loopback.url}/a.png", f"{loopback.url}/nor-here")


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_passing_faults_are_waited_out(loopback: Loopback, patient: Patient, code: int) -> None:
    loopback.put("/a.png", in_turn(status(code), cut(RIGHT), content(RIGHT)))
    assert patient.get(f"{loopback.url}/a.png") == RIGHT
    assert patient.waits == [0.5, 1.0]


def test_lasting_faults_end(loopback: Loopback, patient: Patient) -> None:
    loopback.put("/a.png", status(503))
    with pytest.raises(Unusable, match="the host answers 503"):
        patient.get(f"{loopback.url}/a.png")
    assert loopback.asked["/a.png"] == 3


@pytest.mark.parametrize(("said", "waited"), [("7", 7.0), ("99999", 30.0), ("soon", 0.5)])
def test_a_host_may_say_how_long_to_wait(
    loopback: Loopback, patient: Patient, said: str, waited: float
) -> None:
    loopback.put("/a.png", in_turn(status(429, Retry_After=said), content(RIGHT)))
    assert patient.get(f"{loopback.url}/a.png") == RIGHT
    assert patient.waits == [waited]


def test_a_host_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/a.png"
        patient = Patient(attempts=3)
        for _ in range(10):
            with pytest.raises(Unusable, match=r"127\.0\.0\.1 does not answer"):
                patient.get(url)
        patient.downloads.close()
    assert len(patient.waits) < 6


def test_a_hiccup_of_a_host_under_many_threads_costs_no_file() -> None:
    """All sixteen have asked in vain before the first of them asks again."""
    calls, all_failed = itertools.count(), threading.Barrier(16, timeout=10)

    def answers(request: httpx2.Request) -> httpx2.Response:
        if next(calls) < 16:
            raise httpx2.ConnectError("refused")
        return httpx2.Response(200)

    settings = PreparationSettings(attempts=4, timeout=5)
    downloads = Downloads(settings, sleep=lambda _: all_failed.wait())
    downloads._client._transport = httpx2.MockTransport(answers)
    urls = [f"http://127.0.0.1/{number}" for number in range(32)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda url: downloads.get([url], limit=9, check=len), urls))
    downloads.close()
    assert found == [b""] * 32


def test_a_host_that_says_nothing_is_given_up_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections and says nothing
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/a.png"
        downloads = Downloads(PreparationSettings(attempts=1, timeout=0.02))
        for _ in range(10):
            with pytest.raises(Unusable, match=r"127\.0\.0\.1 does not answer"):
                downloads.get([url], limit=9, check=picture_size)
        downloads.close()
        mute.setblocking(False)
        asked = 0
        with suppress(BlockingIOError):  # no more connections wait
            while True:
                mute.accept()[0].close()
                asked += 1
    assert 0 < asked < 6


def test_a_huge_image_is_not_decoded() -> None:
    # A PNG that says it is 50,000 x 50,000: 2.5 billion pixels of which there are none.
    head = RIGHT[:16] + (50_000).to_bytes(4, "big") * 2
    crc = zlib.crc32(head[12:16] + head[16:24] + RIGHT[24:29])
    bomb = head + RIGHT[24:29] + crc.to_bytes(4, "big") + RIGHT[33:]
    with pytest.raises(Unusable, match="at most 50,000,000 pixels"):
        picture_size(bomb)


@pytest.mark.parametrize("part", ["headers", "content"])
def test_a_file_that_comes_drop_by_drop_is_given_up(loopback: Loopback, part: str) -> None:
    def drips(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "content" else b""))
        with suppress(OSError):  # the client has gone
            for _ in range(100):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)

    loopback.put("/a.png", drips)
    settings = PreparationSettings(attempts=3, timeout=5, total_timeout=0.4)
    downloads, begun = Downloads(settings), time.monotonic()
    with pytest.raises(Unusable, match=r"not here within 0\.4 s"):
        downloads.get([f"{loopback.url}/a.png"], limit=10**6, check=len)
    assert time.monotonic() - begun < 3
    downloads.close()


@pytest.mark.parametrize(
    ("asked", "there", "refused"),
    [
        ("http://93.184.216.34/a", "http://127.0.0.1:9/a", True),
        ("http://93.184.216.34/a", "http://169.254.169.254/latest/meta-data", True),
        ("http://93.184.216.34/a", "//[::1]/a", True),
        ("http://93.184.216.34/a", "http://localhost/a", True),
        ("http://93.184.216.34/a", "/b", False),
        ("http://93.184.216.34/a", "http://93.184.216.35/a", False),
        ("http://10.0.0.1/a", "http://10.0.0.2/a", False),  # a mirror of one's own
    ],
)
def test_a_public_host_does_not_lead_to_a_private_address(
    asked: str, there: str, refused: bool
) -> None:
    def answers(request: httpx2.Request) -> httpx2.Response:
        moved = str(request.url) == asked
        return httpx2.Response(302, headers={"Location": there}) if moved else httpx2.Response(200)

    downloads = Downloads(PreparationSettings(attempts=1, timeout=5))
    downloads._client._transport = httpx2.MockTransport(answers)
    if refused:
        with pytest.raises(Unusable, match=r"93\.184\.216\.34 redirects to \S+, a private address"):
            downloads.get([asked], limit=10, check=len)
    else:
        assert downloads.get([asked], limit=10, check=len) == b""
    downloads.close()
