"""What is asked: files, folders, rows, drawn scenes, and what is refused before a model loads."""

import json
from pathlib import Path

import numpy as np
import pytest
from loopback import picture
from PIL import Image

from grit.core.errors import GritError
from grit.inference.questions import SCENE, Asked, Canvas, Photograph, asked, drawn


def refusal(**settings) -> str:
    given = {"image": None, "question": None, "file": None, "seed": 0} | settings
    with pytest.raises(GritError) as raised:
        asked(**given)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def rows_file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_an_image_and_a_question(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(picture((8, 6)))
    (one,) = asked(str(file), "How many?", None, seed=0)
    assert (one.image, one.question, one.truth) == (str(file), "How many?", None)
    sample = one.sample()
    assert (sample.space.width, sample.space.height) == (8, 6)
    assert sample.where == str(file)
    assert Asked("", Canvas(Image.new("RGB", (8, 6))), "How many?").sample().where == "the image"


def test_every_image_of_a_folder_by_name(tmp_path):
    for name in ("b.png", "a.PNG", "c.jpg"):
        (tmp_path / name).write_bytes(picture(kind="JPEG" if name == "c.jpg" else "PNG"))
    (tmp_path / "notes.txt").write_text("no image")
    found = asked(str(tmp_path), "How many?", None, seed=0)
    assert [Path(each.image).name for each in found] == ["a.PNG", "b.png", "c.jpg"]


def test_folders_in_the_folder_too_and_what_is_left_out_is_said(tmp_path, caplog):
    names = ("2024/a.png", "2025/a.png", "b.jfif", "._b.png", ".cache/c.png", "d.HEIC", "notes.txt")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(picture(kind="JPEG" if "jfif" in name else "PNG"))
    with caplog.at_level("INFO"):
        found = asked(str(tmp_path), "How many?", None, seed=0)
    assert [each.image for each in found] == [f"{tmp_path}/{name}" for name in names[:3]]
    (line,) = caplog.messages
    assert line.endswith("images: 3; left out by their endings: 1 .heic, 1 .txt")


def test_pictures_of_former_answers_are_not_asked_about(tmp_path):
    for name in ("a.png", "out/inference/1.png", "inference/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture())
    (tmp_path / "out" / "inference.partial-x.jsonl").write_text("")
    found = asked(str(tmp_path), "How many?", None, seed=0)
    assert [Path(each.image).name for each in found] == ["a.png", "b.png"]


def test_all_images_that_cannot_be_read_are_named_at_once(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(picture() if name == "b.png" else b"no image")
    message = refusal(image=str(tmp_path), question="q")
    assert message.startswith("2 of 3 images cannot be used: ")
    assert "a.png" in message
    assert "c.png" in message


def test_rows_have_questions_of_their_own(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(picture())
    file = rows_file(
        tmp_path, *({"image": "images/a.png", "question": q} for q in ("One?", "Two?"))
    )
    found = asked(None, None, str(file), seed=0)
    assert [(each.image, each.question) for each in found] == [
        ("images/a.png", "One?"),
        ("images/a.png", "Two?"),
    ]
    elsewhere = rows_file(tmp_path, {"image": "a.png", "question": "One?"})
    assert len(asked(str(tmp_path / "images"), None, str(elsewhere), seed=0)) == 1


def test_a_drawn_scene_knows_its_answer_unless_it_is_asked_something_else():
    own, other = drawn(3), drawn(3, "Is it raining?")
    assert own.image == SCENE
    assert own.truth
    assert own.picture.key == other.picture.key
    assert (other.question, other.truth) == ("Is it raining?", None)
    assert drawn(4).picture.key != own.picture.key
    assert asked(None, None, None, seed=3) == [own]


def test_what_is_missing_or_does_not_go_together(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(picture())
    (tmp_path / "empty").mkdir()
    rows = rows_file(tmp_path, {"image": "a.png", "question": "One?"})
    assert 'needs question="..."' in refusal(image=str(file))
    assert "no such file or folder" in refusal(image=str(tmp_path / "b.png"), question="q")
    assert "the folder has no image" in refusal(image=str(tmp_path / "empty"), question="q")
    assert "every row has its own" in refusal(file=str(rows), question="q")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"image": "a.png"}, 'field "question": expected a string, found nothing'),
        ({"image": "a.png", "question": " "}, 'field "question"'),
        ({"image": "../a.png", "question": "q"}, "the path of a file inside the images folder"),
        ({"image": "/etc/passwd", "question": "q"}, "the path of a file inside the images folder"),
        ({"image": "b.png", "question": "q"}, "is missing"),
        ({"image": "rows.jsonl", "question": "q"}, "cannot be read as an image"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, said):
    (tmp_path / "a.png").write_bytes(picture())
    file = rows_file(tmp_path, {"image": "a.png", "question": "fine"}, row)
    message = refusal(file=str(file))
    assert "line 2: field" in message
    assert said in message


def test_a_row_reads_no_file_of_elsewhere_through_a_link(tmp_path):
    (tmp_path / "secret.png").write_bytes(picture())
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    file = rows_file(folder, {"image": "link.png", "question": "q"})
    assert "leads out of its folder" in refusal(file=str(file))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_asked_about_as_it_is_seen(tmp_path, orientation):
    stored = np.zeros((20, 40, 3), np.uint8)
    stored[:10, :20] = 255  # the upper left quarter, as stored
    image = Image.fromarray(stored)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    seen = np.asarray(Photograph(tmp_path / "a.png").load())[..., 0] > 127
    assert seen.shape == ((20, 40) if orientation < 5 else (40, 20))
    height, width = seen.shape
    white = (np.nonzero(seen)[0].mean() < height / 2, np.nonzero(seen)[1].mean() < width / 2)
    expected = {1: (1, 1), 2: (1, 0), 3: (0, 0), 4: (0, 1), 5: (1, 1), 6: (1, 0), 7: (0, 0)}
    assert white == expected.get(orientation, (0, 1))


def test_an_image_in_memory_has_a_key_of_its_pixels():
    grey, white = Image.new("L", (4, 4), 90), Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert Canvas(grey).key == Canvas(grey.convert("RGB")).key != Canvas(white).key
    assert Canvas(white).load().getpixel((0, 0)) == (255, 255, 255)


def test_an_image_in_memory_may_not_be_a_line():
    with pytest.raises(GritError, match="4000 x 10 pixels: a side may be at most 200 times"):
        Canvas(Image.new("RGB", (4000, 10))).load()
