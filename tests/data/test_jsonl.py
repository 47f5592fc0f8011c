import json
import random
from pathlib import Path

import pytest
from PIL import Image

from grit.core.errors import GritError
from grit.data.jsonl import read_samples
from grit.data.pictures import ImageFile
from grit.grounding.boxes import Space

SAMPLES = Path(__file__).parents[1] / "samples"

GOOD = {
    "question": "What is behind the sheep?",
    "answer": "cow",
    "image": "a/b.png",
    "width": 8,
    "height": 6,
    "bboxs": [[0.0, 1, 4, 9]],
    "dataset": "vsr",
    "split": "train",
}


def write_rows(folder: Path, *rows: dict) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_image(path: Path, size: tuple[int, int] = (8, 6), mode: str = "RGB", **save) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size).save(path, **save)
    return path


def test_a_row_becomes_a_sample(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a/b.png")
    read = read_samples(write_rows(tmp_path, GOOD), tmp_path / "images", name="vsr")
    (sample,) = read.samples
    assert (read.rows, read.missing_images) == (1, 0)
    assert (sample.id, sample.question, sample.answer) == ("vsr/1", GOOD["question"], "cow")
    assert (sample.dataset, sample.answer_is_box) == ("vsr", False)
    assert sample.space == Space("original", 8, 6)
    assert [box.corners for box in sample.boxes or ()] == [
        (0.0, 1.0, 4.0, 9.0)
    ]  # kept, not clipped
    assert sample.picture.load().size == (8, 6)


@pytest.mark.parametrize(
    ("size", "count", "furthest", "seems"),
    [
        ((4000, 3000), 20, 980, True),
        ((4000, 3000), 20, 1001, False),  # pixels, beyond what a thousandth can be
        ((4000, 3000), 20, 700, False),  # may be a corner of the picture
        ((4000, 3000), 19, 980, False),  # too few to say
        ((4000, 1100), 20, 980, False),  # a real box may well end there
    ],
)
def test_boxes_that_are_probably_thousandths_of_a_large_image(
    tmp_path: Path, size: tuple[int, int], count: int, furthest: int, seems: bool
) -> None:
    sized = {**GOOD, "width": size[0], "height": size[1]}
    rows = [{**sized, "bboxs": [[10, 10, 500, furthest]]}]
    rows += [{**sized, "bboxs": [[1, 2, 300, 400]]}] * (count - 1)
    read = read_samples(write_rows(tmp_path, *rows), tmp_path, name="x", require_images=False)
    assert read.seems_in_thousandths == seems


@pytest.mark.parametrize("field", ["split", "key_words"])
def test_other_fields_are_ignored_whatever_they_hold(tmp_path: Path, field: str) -> None:
    rows = write_rows(tmp_path, {**GOOD, field: 3}, {**GOOD, field: ["a"]})
    assert read_samples(rows, tmp_path, name="x", require_images=False).rows == 2


@pytest.mark.parametrize(("value", "boxes"), [([], ()), (None, None), (..., None)])
def test_no_boxes_and_no_annotation_are_told_apart(tmp_path: Path, value, boxes) -> None:
    row = {key: v for key, v in {**GOOD, "bboxs": value}.items() if v is not ...}
    (sample,) = read_samples(
        write_rows(tmp_path, row), tmp_path, name="x", require_images=False
    ).samples
    assert sample.boxes == boxes


def test_missing_images_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a/b.png")
    rows = write_rows(tmp_path, GOOD, {**GOOD, "image": "c.png"}, {**GOOD, "image": "a"}, GOOD)
    read = read_samples(rows, tmp_path / "images", name="x")
    assert (read.rows, read.missing_images) == (4, 2)
    assert [sample.id for sample in read.samples] == ["x/1", "x/4"]
    unread = read_samples(rows, tmp_path / "nowhere", name="x", require_images=False)
    assert (len(unread.samples), unread.missing_images) == (4, 4)


@pytest.mark.parametrize(
    "image", ["../b.png", "a/../../b.png", "/etc/b.png", "..\\b.png", "C:\\b.png", "\0", ".", ""]
)
def test_an_image_outside_its_folder_is_a_bad_row(tmp_path: Path, image: str) -> None:
    with pytest.raises(GritError, match=r'rows\.jsonl line 1: field "image"'):
        read_samples(write_rows(tmp_path, {**GOOD, "image": image}), tmp_path, name="x")


def test_a_name_no_file_system_takes_is_a_bad_row(tmp_path: Path) -> None:
    with pytest.raises(GritError, match='line 1: field "image"'):
        read_samples(write_rows(tmp_path, {**GOOD, "image": "x" * 5000}), tmp_path, name="x")


@pytest.mark.parametrize("field", ["question", "answer", "image", "width", "height", "dataset"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != field}
    with pytest.raises(GritError, match=f'line 2: field "{field}": expected .*, found nothing'):
        read_samples(write_rows(tmp_path, GOOD, row), tmp_path, name="x")


@pytest.mark.parametrize("field", ["question", "answer"])
@pytest.mark.parametrize("letter", ["a", " ", "1", "🦊", "a "])
def test_endless_text_is_refused_at_once(tmp_path: Path, field: str, letter: str) -> None:
    text = ("Why" + letter * 200_000)[: 10_001 - 1] + "?"
    with pytest.raises(GritError, match=f'line 2: field "{field}": .* 10,000 .* 10,001 characters'):
        read_samples(write_rows(tmp_path, GOOD, {**GOOD, field: text}), tmp_path, name="x")
    longest = write_rows(tmp_path, {**GOOD, field: text[1:]})
    assert read_samples(longest, tmp_path, name="x", require_images=False).rows == 1


def test_an_image_of_another_size_names_file_and_row(tmp_path: Path) -> None:
    write_image(tmp_path / "a/b.png", size=(6, 8))
    (sample,) = read_samples(write_rows(tmp_path, GOOD), tmp_path, name="x").samples
    with pytest.raises(GritError, match=r"line 1.*b\.png: expected 8 x 6 .* found 6 x 8"):
        sample.picture.load()


def test_a_damaged_image_names_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "noise.jpg"
    random_pixels = random.Random(0).randbytes(64 * 64 * 3)
    Image.frombytes("RGB", (64, 64), random_pixels).save(path)
    whole = path.read_bytes()
    assert ImageFile(path, (64, 64)).load().size == (64, 64)
    for damaged in (whole[: len(whole) // 2], b"text", b"", whole[:30]):
        path.write_bytes(damaged)
        with pytest.raises(GritError, match=r"rows line 3.*noise\.jpg cannot be read"):
            ImageFile(path, (64, 64), "rows line 3").load()
    path.unlink()
    with pytest.raises(GritError, match=r"noise\.jpg is missing"):
        ImageFile(path, (64, 64)).load()
    with pytest.raises(GritError, match=r"noise\.jpg is missing"):
        _ = ImageFile(path, (64, 64)).key


def test_pixels_are_those_stored(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # "turn by 90 degrees"
    path = write_image(tmp_path / "turned.jpg", size=(16, 8), exif=exif)
    assert ImageFile(path, (16, 8)).load().size == (16, 8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_are_white(tmp_path: Path, mode: str) -> None:
    save = {"transparency": b"\0"} if mode == "P" else {}
    path = write_image(tmp_path / "clear.png", mode=mode, **save)
    image = ImageFile(path, (8, 6)).load()
    assert image.mode == "RGB"
    assert image.getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = write_image(tmp_path / ("image.jpg" if mode == "CMYK" else "image.png"), mode=mode)
    assert ImageFile(path, (8, 6)).load().mode == "RGB"


def test_keys_tell_contents_apart_and_not_names(tmp_path: Path) -> None:
    first = ImageFile(write_image(tmp_path / "a.png"), (8, 6))
    same = ImageFile(write_image(tmp_path / "b.png"), (8, 6))
    other = ImageFile(write_image(tmp_path / "c.png", size=(8, 7)), (8, 7))
    assert first.key == same.key != other.key
    first.path.unlink()
    assert first.key == same.key  # read once


@pytest.mark.parametrize(
    ("name", "rows", "annotated"),
    [
        ("vsr", 288, 288),
        ("tallyqa", 491, 441),
        ("gqa", 509, 509),
        ("mathvista_mini", 1000, 0),
        ("mme", 240, 0),
        ("ovd_position", 2146, 2146),
    ],
)
def test_the_papers_test_files_read(grit_data: Path, name: str, rows: int, annotated: int) -> None:
    file = grit_data / f"{name}_val.jsonl"
    every = read_samples(file, grit_data / name, name=name, require_images=False)
    assert every.rows == len(every.samples) == rows
    assert sum(bool(sample.boxes) for sample in every.samples) == annotated
    assert len({sample.id for sample in every.samples}) == rows
    assert all(sample.answer_is_box == (name == "ovd_position") for sample in every.samples)
    found = read_samples(file, grit_data / name, name=name)
    assert found.missing_images == rows - len(found.samples) == every.missing_images


@pytest.mark.parametrize(
    ("name", "boxes", "missing"),
    [
        *[("vsr", [1, 2], 1), ("tallyqa", [0, 2], 2), ("gqa", [1, 1], 2)],
        *[("mathvista_mini", [0, 0], 2), ("mme", [0, 0], 2), ("ovd_position", [1, 1], 2)],
    ],
)
def test_the_sample_s_test_files_read(name: str, boxes: list[int], missing: int) -> None:
    file = SAMPLES / f"{name}_val.jsonl"
    every = read_samples(file, SAMPLES / name, name=name, require_images=False)
    assert [len(sample.boxes or ()) for sample in every.samples] == boxes
    assert len({sample.id for sample in every.samples}) == every.rows == 2
    assert all(sample.answer_is_box == (name == "ovd_position") for sample in every.samples)
    assert every.boxes_beyond == (name == "gqa")
    assert every.missing_images == missing


@pytest.mark.parametrize(("file", "name"), [("vsr_cot", "vsr"), ("tallyqa", "tallyqa")])
def test_the_training_rows_load_their_photographs(grit_rows: Path, file: str, name: str) -> None:
    read = read_samples(grit_rows / f"{file}_train_10.jsonl", grit_rows / name, name=name)
    assert (len(read.samples), read.missing_images) == (10, 0)
    for sample in read.samples:
        image = sample.picture.load()
        assert (image.mode, image.size) == ("RGB", (sample.space.width, sample.space.height))


def damaged(line: bytes, source: random.Random) -> bytes:
    """``line`` with one kind of damage."""
    kind = source.randrange(4)
    if kind == 0:  # some bytes replaced
        changed = bytearray(line)
        for _ in range(source.randint(1, 4)):
            changed[source.randrange(len(changed))] = source.randrange(256)
        return bytes(changed).replace(b"\n", b" ")
    if kind == 1:  # cut short
        return line[: source.randrange(1, len(line))]
    row = json.loads(line)
    name = source.choice(sorted(row))
    if kind == 2:
        del row[name]
    else:
        odd = [None, True, -1, 0, 1.5, 10**30, "", "x", [], [[]], {}, [1, 2], [["a"] * 4], "../x"]
        row[name] = source.choice(odd)
    return json.dumps(row).encode()


def test_damaged_rows_end_in_a_message_or_are_valid(tmp_path: Path) -> None:
    source = random.Random(5)
    good, bad = 0, 0
    file = tmp_path / "damaged.jsonl"
    line = json.dumps(GOOD).encode()
    for _ in range(500):
        file.write_bytes(line + b"\n" + damaged(line, source) + b"\n")
        refusal = None
        try:
            read = read_samples(file, tmp_path, name="x", require_images=False)
        except GritError as error:  # most damage is refused, some leaves a readable row: both count
            refusal = str(error)
        if refusal is None:
            assert read.rows == len(read.samples) in (1, 2)
            good += 1
        else:
            assert refusal.startswith(f"{file} line 2: ")
            assert len(refusal) < len(str(file)) + 250
            bad += 1
    assert good > 20
    assert bad > 200


def read(folder: Path, *lines: str) -> str:
    """What reading these lines ends in; "" where they are read."""
    file = folder / "rows.jsonl"
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    try:
        read_samples(file, folder / "images", name="x")
    except GritError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["question", "answer", "bboxs", "width", "note"])
def test_a_key_that_stands_twice_is_named(tmp_path: Path, name: str) -> None:
    line = json.dumps({**GOOD, "note": 1})
    twice = line.replace(f'"{name}": ', f'"{name}": null, "{name}": ', 1)
    nested = line.replace('"note": 1', '"note": [{"a": 1, "a": 1}]')
    assert read(tmp_path, line, twice) == (
        f'{tmp_path / "rows.jsonl"} line 2: the field "{name}" stands there twice'
    )
    assert 'line 3: the field "a" stands there twice' in read(tmp_path, line, line, nested)


MISSPELT = ("bbox", "bboxes", "boxes", "Bboxs", "BBOXES", "bboxs ", "b_boxs", "box", "bboxss")


@pytest.mark.parametrize("name", MISSPELT)
def test_a_field_that_may_be_the_boxes_is_named(tmp_path: Path, name: str) -> None:
    row = {(name if key == "bboxs" else key): value for key, value in GOOD.items()}
    refusal = read(tmp_path, json.dumps(GOOD), json.dumps(row))
    assert refusal.startswith(f'{tmp_path / "rows.jsonl"} line 2: field "{name}": ')
    assert 'call it "bboxs"' in refusal
    for boxes in (None, GOOD["bboxs"]):  # who has said what the boxes are may have other fields
        assert read(tmp_path, json.dumps({**row, "bboxs": boxes})) == ""


@pytest.mark.parametrize("name", ["objects", "id", "blur", "area", "caption", "source", "bias"])
def test_foreign_fields_are_left_alone(tmp_path: Path, name: str) -> None:
    row = {key: value for key, value in GOOD.items() if key != "bboxs"}
    assert read(tmp_path, json.dumps(row | {name: 1})) == ""


LINKS = {
    "a file": ("a/b.png", "secret.png"),
    "an absolute one": ("a/b.png", None),
    "a folder": ("a", "elsewhere"),
    "a chain": ("a/b.png", "images/c.png"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_that_leads_out_of_the_images_is_a_bad_row(tmp_path: Path, kind: str) -> None:
    place, target = LINKS[kind]
    images, secret = tmp_path / "images", write_image(tmp_path / "secret.png")
    write_image(tmp_path / "elsewhere" / "b.png")
    (images / place).parent.mkdir(parents=True, exist_ok=True)
    (images / "c.png").symlink_to(secret)
    (images / place).symlink_to(secret if target is None else tmp_path / target)
    refusal = read(tmp_path, json.dumps(GOOD))
    assert refusal.startswith(f'{tmp_path / "rows.jsonl"} line 1: field "image": ')
    assert "leads out of" in refusal


def test_links_among_the_images_and_to_their_folder_are_followed(tmp_path: Path) -> None:
    write_image(tmp_path / "store" / "c.png")
    (tmp_path / "store" / "a").mkdir()
    (tmp_path / "store" / "a" / "b.png").symlink_to("../c.png")
    (tmp_path / "images").symlink_to("store")
    assert read(tmp_path, json.dumps(GOOD)) == ""
    file = tmp_path / "rows.jsonl"
    assert len(read_samples(file, tmp_path / "images", name="x").samples) == 1
