"""Records the demo as docs/images/demo.gif: a question about a drawn scene, asked of two models.

    python tests/demo_recording.py RUN

RUN is the folder of a trained miniature (``python -m grit``); beside it stands its base. A browser
asks, points at a box, and looks where the model looked. Takes a minute, and needs Chromium.
"""

import io
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from browser import Tab, browser
from PIL import Image

import grit
from grit.demo.app import application
from grit.demo.serving import listen, served
from grit.demo.settings import DemoSettings

SCENE = 12  # of the dev split: five things to count
WIDTH, HEIGHT = 900, 980  # of the window, CSS pixels and those of the recording
EVERY = 0.1  # seconds from frame to frame while the models write
COLORS = 255
LONGEST = 2_000_000  # bytes of the file
Frames = list[tuple[Image.Image, int]]  # with milliseconds


def record(run: str, file: Path) -> None:
    """Write the recording of a trained run's demo to ``file``."""
    models = [grit.load(run), grit.load(None)]
    settings = DemoSettings(port=0)
    with (
        TemporaryDirectory() as profile,
        listen(settings) as listening,
        application(models, settings, seed=SCENE) as app,
        served(app, listening),
        browser(Path(profile)) as tab,
    ):
        tab.resize(WIDTH, HEIGHT)
        tab.open(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        tab.wait("document.querySelector('.picture use')")
        frames = _visit(tab)
    _write(frames, file)


def _visit(tab: Tab) -> Frames:
    frames = [_frame(tab, 1500)]
    tab.run("document.querySelector('[type=submit]').click()")
    while tab.run("document.querySelectorAll('.verdict').length < 2"):
        began = time.monotonic()
        frames.append(_frame(tab, round(1000 * EVERY)))
        time.sleep(max(0.0, EVERY - (time.monotonic() - began)))
    frames.append(_frame(tab, 2500))
    for number in (2, 3):
        _point(tab, number, "pointerover")
        time.sleep(0.3)  # the others fade
        frames.append(_frame(tab, 1200))
        _point(tab, number, "pointerout")
    for number in (1, 4):
        tab.run(f"document.querySelector('[data-look=\"{number}\"]').click()")
        tab.wait("document.querySelector('.spot')")
        frames.append(_frame(tab, 2200))
    return frames


def _point(tab: Tab, number: int, event: str) -> None:
    chip = f"document.querySelector('.chip[data-box=\"{number}\"]')"
    tab.run(f"{chip}.dispatchEvent(new PointerEvent('{event}', {{bubbles: true}}))")


def _frame(tab: Tab, milliseconds: int) -> tuple[Image.Image, int]:
    return Image.open(io.BytesIO(tab.picture())).convert("RGB"), milliseconds


def _write(frames: Frames, file: Path) -> None:
    """A GIF with one palette for all frames, so that no colour flickers."""
    shown = Image.new("RGB", (WIDTH, HEIGHT * 3))
    for row, (image, _) in enumerate((frames[0], frames[-5], frames[-1])):
        shown.paste(image, (0, row * HEIGHT))
    palette = shown.quantize(COLORS, dither=Image.Dither.NONE)
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in frames]
    durations = [milliseconds for _, milliseconds in frames]
    images[0].save(
        file, save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True
    )
    size = file.stat().st_size
    print(f"{file}: {len(frames)} frames, {size:,} bytes")
    if size > LONGEST:
        sys.exit(f"{file} is larger than {LONGEST:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/demo_recording.py RUN")
    record(sys.argv[1], Path(__file__).parents[1] / "docs" / "images" / "demo.gif")
