"""Hostile and unusual picture files: one line that names the row, or pixels as they were meant."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.core.files import file_hash
from grit.data.pictures import ImageFile

ROW = "rows.jsonl line 3"
NOISE = np.random.default_rng(0).integers(0, 255, (64, 48, 3), dtype=np.uint8)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 64\n%%EndComments\nshowpage\n%%EOF\n"


def stored(path: Path, image: Image.Image, **save) -> ImageFile:
    image.save(path, **save)
    return ImageFile(path, image.size, ROW)


def refusal(picture: ImageFile) -> str:
    """The line of ``check``, which ``load`` has to say as well."""
    lines = []
    for look in (picture.check, picture.load):
        with pytest.raises(GritError) as raised:
            look()
        lines.append(str(raised.value))
    assert lines[0] == lines[1]
    assert "\n" not in lines[0]
    assert len(lines[0]) < 300 + len(str(picture.path))
    assert lines[0].startswith(f'{ROW}: field "image": {picture.path}')
    return lines[0]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "bmp", "gif", "tif"])
def test_a_file_that_is_cut_off_is_found_before_training(tmp_path, kind, share):
    path = tmp_path / f"a.{kind}"
    picture = stored(path, Image.fromarray(NOISE))
    picture.check()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "cannot be read as an image" in refusal(picture)


@pytest.mark.parametrize("kind", ["ppm", "ico", "tga", "sgi", "pcx", "jp2", "dds", "avif"])
def test_formats_that_nobody_needs_are_not_opened(tmp_path, kind):
    path = tmp_path / "a.png"  # whatever a file is called
    try:
        Image.fromarray(NOISE).save(tmp_path / f"a.{kind}")
    except (KeyError, OSError) as error:
        pytest.skip(f"this Pillow writes no {kind}: {error}")
    (tmp_path / f"a.{kind}").rename(path)
    assert "JPEG, PNG, WebP, GIF, BMP or TIFF" in refusal(ImageFile(path, (48, 64), ROW))


def test_postscript_is_not_opened(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(EPS)
    assert "JPEG, PNG, WebP, GIF, BMP or TIFF" in refusal(ImageFile(path, (48, 64), ROW))


@pytest.mark.parametrize("size", [(201, 1), (1, 201), (2, 403), (9_000, 40)])
def test_a_picture_that_is_nearly_a_line(tmp_path, size):
    line = refusal(stored(tmp_path / "a.png", Image.new("L", size)))
    assert "200 times" in line


@pytest.mark.parametrize("size", [(200, 1), (1, 200), (1, 1), (8_000, 40)])
def test_a_long_picture_is_taken_by_both_families(adapter, tmp_path, size):
    picture = stored(tmp_path / "a.png", Image.new("L", size))
    picture.check()
    prompt = adapter.encode("p", "\nQuestion: Why?", picture.load(), picture="p")
    assert len(prompt.input_ids) > 0


@pytest.mark.parametrize("size", [(13_300, 13_300), (7_100, 7_100), (30_000, 30_000)])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path, size, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # to write one
    picture = stored(tmp_path / "a.png", Image.new("1", size), compress_level=1)
    monkeypatch.undo()
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it is decoded"))
    assert "50,000,000 pixels" in refusal(picture)


def test_the_largest_photograph_is_taken(tmp_path):
    stored(tmp_path / "a.png", Image.new("1", (8_160, 6_120)), compress_level=1).check()


@pytest.mark.parametrize("kind", ["png", "tif"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path, kind):
    grey = np.linspace(0, 65535, 64 * 48).astype(np.uint16).reshape(64, 48)
    picture = stored(tmp_path / f"a.{kind}", Image.fromarray(grey))
    picture.check()
    found = np.asarray(picture.load()).astype(int)
    expected = np.round(grey / 257)[..., None].repeat(3, axis=2)
    assert found.shape == (64, 48, 3)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_pixels_without_a_known_range(tmp_path, kind):
    image = Image.fromarray(np.arange(64 * 48, dtype=kind).reshape(64, 48))
    assert "8 or 16 bits" in refusal(stored(tmp_path / "a.tif", image))


def turned(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(NOISE).save(path, exif=exif)


UPRIGHT = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270}
UPRIGHT |= {7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90}


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_the_rows_size_says_which_way_up_its_boxes_are(tmp_path, kind, orientation):
    path = tmp_path / f"a.{kind}"
    turned(path, orientation)
    with Image.open(path) as image:
        plain = image.convert("RGB")
    as_stored, upright = (ImageFile(path, size, ROW) for size in ((48, 64), (64, 48)))
    as_stored.check()
    upright.check()
    assert np.array_equal(np.asarray(as_stored.load()), np.asarray(plain))
    expected = plain.transpose(UPRIGHT[orientation])
    assert np.array_equal(np.asarray(upright.load()), np.asarray(expected))


def test_a_file_that_rows_read_either_way_up_is_two_pictures(tmp_path):
    path = tmp_path / "a.jpg"
    turned(path, 6)
    as_stored, upright = (ImageFile(path, size, ROW) for size in ((48, 64), (64, 48)))
    assert as_stored.key != upright.key
    again = stored(tmp_path / "b.jpg", Image.fromarray(NOISE))
    assert as_stored.key == file_hash(path) != again.key == file_hash(again.path)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 0, 9])
def test_a_turn_that_keeps_the_size_is_not_applied(tmp_path, orientation):
    path = tmp_path / "a.png"
    turned(path, orientation)
    picture = ImageFile(path, (48, 64), ROW)
    picture.check()
    assert np.array_equal(np.asarray(picture.load()), NOISE)
    assert "48 x 64" in refusal(ImageFile(path, (64, 48), ROW))


@pytest.mark.parametrize("kind", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_taken(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    frames = [Image.new("RGB", (48, 64), colour) for colour in ("red", "lime", "blue")]
    lossless = {"lossless": True} if kind == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **lossless)
    picture = ImageFile(path, (48, 64), ROW)
    picture.check()
    assert picture.load().getpixel((3, 3)) == (255, 0, 0)


def test_a_look_at_a_file_leaves_the_warnings_as_they_are(tmp_path):
    picture = stored(tmp_path / "a.png", Image.fromarray(NOISE))
    before = list(warnings.filters)
    picture.check()
    picture.load()
    assert list(warnings.filters) == before
