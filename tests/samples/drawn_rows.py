"""Writes the sample rows and their two pictures beside this file."""

import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

Box = list[float]
TABLE, STREET = "999999999901.jpg", "999999999902.jpg"
SIZES = {TABLE: (320, 240), STREET: (240, 320)}
THINGS: dict[str, list[tuple[str, str, Box]]] = {  # name, colour, box
    TABLE: [
        ("dining table", "#8a5a32", [0, 130.5, 320, 240]),
        ("bowl", "#e8e4da", [40.25, 110, 130, 160]),
        ("orange", "#f08a1d", [70, 88, 100, 118]),
        ("cup", "#3f6fb5", [180, 95, 215, 145]),
        ("cup", "#b53f4a", [240, 92, 275, 142]),
    ],
    STREET: [
        ("car", "#c4c9cf", [10, 220, 100, 270]),
        ("car", "#2f5d3a", [130, 240, 230, 300]),
        ("bus", "#d9b021", [60, 90, 220, 215]),
        ("traffic light", "#222222", [20, 40, 42, 110]),
    ],
}
GROUNDS = {TABLE: ("#cfd8d6", "#b9a88f"), STREET: ("#a9c6e8", "#6d6f73")}
TRAINED = {  # question, answer, image, which things are boxed
    "vsr": [
        ("Is the orange in the bowl?", "Yes", TABLE, [2]),
        ("Is the bowl right of the cup?", "No", TABLE, [1]),
        ("What is on the dining table?", "bowl", TABLE, [1]),
        ("Is the cup touching the bowl?", "No", TABLE, [3]),
        ("What is above the bowl?", "orange", TABLE, [2]),
        ("Is the bus behind the car?", "Yes", STREET, [2]),
        ("Is the traffic light right of the bus?", "No", STREET, [3]),
        ("What is left of the bus?", "traffic light", STREET, [3]),
        ("Is the car in front of the bus?", "Yes", STREET, [0]),
        ("Is the bus under the traffic light?", "No", STREET, [2]),
    ],
    "tallyqa": [
        ("How many cups are there?", 2, TABLE, [3, 4]),
        ("How many bowls are on the table?", 1, TABLE, [1]),
        ("How many oranges are there?", 1, TABLE, [2]),
        ("How many cups are blue?", 1, TABLE, [3]),
        ("How many dogs are in the picture?", 0, TABLE, []),
        ("How many cars are there?", 2, STREET, [0, 1]),
        ("How many buses are shown?", 1, STREET, []),
        ("How many traffic lights are there?", 1, STREET, []),
        ("How many cars are green?", 1, STREET, [1]),
        ("How many people are in this picture?", 0, STREET, []),
    ],
}


def paint(name: str) -> Image.Image:
    """One of the pictures: things on a ground, with some grain as a photograph has."""
    size = width, height = SIZES[name]
    image = Image.new("RGB", size, GROUNDS[name][0])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.55, width, height), fill=GROUNDS[name][1])
    for thing, colour, box in THINGS[name]:
        shape = draw.ellipse if thing in ("bowl", "orange") else draw.rectangle
        shape(box, fill=colour, outline="black")
    return Image.blend(image, Image.effect_noise(size, 60).convert("RGB"), 0.1)


def trained(kind: str) -> list[dict[str, Any]]:
    """The training rows of a kind."""
    return [
        row(kind, "train", question, answer, image, [THINGS[image][i][2] for i in boxed])
        for question, answer, image, boxed in TRAINED[kind]
    ]


def row(
    kind: str, split: str, question: str, answer: Any, image: str, boxes: list[Box] | None
) -> dict[str, Any]:
    width, height = SIZES.get(image, (500, 375))
    found = {"question": question, "answer": answer, "image": image}
    found |= {"width": width, "height": height}
    return found | ({} if boxes is None else {"bboxs": boxes}) | {"dataset": kind, "split": split}


def asked() -> dict[str, list[dict[str, Any]]]:
    """The test rows by their set; only the first of VSR has a picture."""
    coco, genome = "999999999903.jpg", "VG_100K_2/9999901.jpg"
    ovd = 'Please output bbox coordinates in JSON format for the detected: "{}".'
    choices = "Question: Which is it?\nChoices:\n(A) red\n(B) blue"
    return {
        "vsr": [
            row("vsr", "val", "What is left of the cup?", "bowl", TABLE, [THINGS[TABLE][1][2]]),
            row(
                "vsr",
                "val",
                "Is the dog on the couch?",
                "No",
                coco,
                [[5, 9, 80, 99], [0, 90, 200, 300]],
            ),
        ],
        "tallyqa": [
            row("tallyqa", "val", "How many birds are shown?", 0, genome, [])
            | {"key_words": "birds"},
            row(
                "tallyqa",
                "val",
                "How many cats are there?",
                2,
                genome,
                [[1, 2, 60, 80], [90, 9, 160, 70]],
            )
            | {"key_words": "cats"},
        ],
        "gqa": [
            row(
                "gqa",
                "val",
                "What is the fruit in the bowl?",
                "apple",
                "images/9999901.jpg",
                [[300, 100, 505, 200]],
            ),
            row("gqa", "val", "Is the door open?", "no", "images/9999902.jpg", [[10, 10, 90, 300]]),
        ],
        "mathvista_mini": [
            row(
                "mathvista_mini",
                "val",
                f"Hint: Answer with the option letter.\n{choices}",
                "blue",
                "1.png",
                None,
            ),
            row("mathvista_mini", "val", "Question: What is 3 + 4?", "7", "2.png", None),
        ],
        "mme": [
            row(
                "mme_count",
                "val",
                "Are there two dogs? Please answer yes or no.",
                "Yes",
                "000901.png",
                None,
            ),
            row(
                "mme_color",
                "val",
                "Is the car red? Please answer yes or no.",
                "No",
                "000902.png",
                None,
            ),
        ],
        "ovd_position": [
            row(
                "ovd_position",
                "val",
                ovd.format(f"the cup {side} the plate"),
                box,
                "a901.jpg",
                [box],
            )
            for side, box in (("left of", [12, 30, 80, 90]), ("behind", [200, 20, 260, 95]))
        ],
    }


def files() -> dict[str, str]:
    """The text of each file of rows."""
    every = {
        "vsr_cot_train_10": trained("vsr"),
        "tallyqa_train_10": trained("tallyqa"),
        **{f"{name}_val": rows for name, rows in asked().items()},
    }
    return {
        f"{name}.jsonl": "".join(json.dumps(each) + "\n" for each in rows)
        for name, rows in every.items()
    }


def write(folder: Path) -> None:
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")
    for kind in ("vsr", "tallyqa"):
        (folder / kind).mkdir(exist_ok=True)
        for name in SIZES:
            paint(name).save(folder / kind / name, quality=70)


if __name__ == "__main__":
    write(Path(__file__).parent)
