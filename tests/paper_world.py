"""The paper's data in small on a loopback server: as many rows, but of a handful of images."""

import io
import json
import tarfile
import zipfile
from typing import Any

import pyarrow as pa
from loopback import Loopback, picture
from pyarrow import parquet

SIZE = (8, 6)
TESTED_COCO = (1, 2, 3)  # of the VSR test set
GENOME_IS_COCO = (100, 5)  # Visual Genome's 100, in the GQA test set, is COCO's 5
MME_IS_COCO = (2, 6)  # MME's row 2 is COCO's 6


def coco(number: int) -> str:
    return f"{number:012d}.jpg"


def row(image: str, dataset: str, answer: object = "yes", **fields: object) -> dict[str, object]:
    width, height = SIZE
    size = {"width": width, "height": height}
    return (
        {"question": "Is it?", "answer": answer, "image": image, "dataset": dataset} | size | fields
    )


def repeated(
    count: int, images: list[str], dataset: str, **fields: object
) -> list[dict[str, object]]:
    return [row(images[i % len(images)], dataset, **fields) for i in range(count)]


def jsonl(rows: list[dict[str, object]]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in rows).encode()


MME_IMAGES = [f"{number:06d}.png" for number in range(4)]
FILES = {
    "vsr_cot_train_10.jsonl": repeated(10, [coco(4)], "vsr", bboxs=[[0, 0, 4, 6]]),
    "tallyqa_train_10.jsonl": repeated(10, ["VG_100K/300.jpg"], "tallyqa", answer=2),
    "vsr_val.jsonl": repeated(288, [coco(n) for n in TESTED_COCO], "vsr", bboxs=[[0, 0, 4, 6]]),
    "tallyqa_val.jsonl": repeated(491, ["VG_100K_2/101.jpg"], "tallyqa", answer=1, bboxs=[]),
    "gqa_val.jsonl": repeated(509, ["images/100.jpg", "images/102.jpg"], "gqa"),
    "mathvista_mini_val.jsonl": repeated(1000, ["1.png", "3.png"], "mathvista_mini"),
    "mme_val.jsonl": [
        row(MME_IMAGES[i % 4], "mme_color", question=f"Is it {i % 4}?") for i in range(240)
    ],
    "ovd_position_val.jsonl": repeated(2146, ["a.jpg", "b.jpg"], "ovd", answer=[0, 0, 4, 3]),
}
VSR_TRAIN = [row(coco(1 + i % 20), "vsr", split="train") for i in range(3376)]
TALLYQA_IMAGES = [
    *("VG_100K/100.jpg", "train2014/COCO_train2014_000000000001.jpg"),  # both are in test sets
    *("val2014/COCO_val2014_000000000030.jpg", "train2014/COCO_train2014_000000000031.jpg"),
    *(f"VG_100K_2/{number}.jpg" for number in range(200, 208)),
]


def tallyqa_entries(count: int = 9000) -> list[dict[str, Any]]:
    """Six answers on twelve images, every pair equally often."""
    return [
        {
            "image": TALLYQA_IMAGES[i // 6 % 12],
            "answer": i % 6,
            "question": f"How many, {i}?",
            "question_id": 10_000 + i,
            "data_source": "imported_genome",
        }
        for i in range(count)
    ]


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return stream.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return stream.getvalue()


def table(rows: list[dict[str, object]]) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def mathvista(pids: list[int]) -> bytes:
    return table([{"pid": str(pid), "decoded_image": {"bytes": image(1000 + pid)}} for pid in pids])


def mme(first: int, last: int) -> bytes:
    coco_of = {MME_IS_COCO[0]: MME_IS_COCO[1]}
    return table(
        [
            {
                "question_id": f"color/{coco_of.get(n, 500 + n):012d}.jpg",
                "question": f"Is it {n}?",
                "image": {"bytes": image(2000 + n)},
            }
            for n in range(first, last)
        ]
    )


def image(shade: int) -> bytes:
    return picture(SIZE, shade=shade)


def build(server: Loopback) -> None:
    """Put the whole world on the server."""
    server.put_dataset("yfan1997/GRIT_data", {name: jsonl(rows) for name, rows in FILES.items()})
    server.put_dataset("deepcs233/Visual-CoT", {"metadata/vsr_cot_train.jsonl": jsonl(VSR_TRAIN)})
    server.put_dataset(
        "AI4Math/MathVista",
        {
            "data/testmini-00000-of-00001-abc.parquet": mathvista([1, 2, 3]),
            "data/test-00000-of-00001-abc.parquet": b"not wanted",
        },
    )
    server.put_dataset(
        "lmms-lab/MME",
        {f"data/test-0000{i}-of-00003.parquet": mme(2 * i, 2 * i + 2) for i in range(3)},
    )
    members = {f"position/{name}": image(3000 + i) for i, name in enumerate(["a.jpg", "b.jpg"])}
    server.put_dataset("omlab/OVDEval", {"position.tar.gz": tarred({**members, "c.jpg": b"c"})})
    for number in (*range(1, 21), 30, 31):
        part = "train2017" if number % 2 else "val2017"
        server.put(f"/coco/{part}/{coco(number)}", image(number))
    for number in (100, 101, 102, 300, *range(200, 208)):
        part = "VG_100K" if number in (100, 300) else "VG_100K_2"
        server.put(f"/vg/{part}/{number}.jpg", image(number))
    server.put("/tallyqa.zip", zipped({"train.json": json.dumps(tallyqa_entries()).encode()}))
    genome, same = GENOME_IS_COCO
    entries = [{"image_id": genome, "coco_id": same}, {"image_id": 101, "coco_id": None}]
    server.put("/list.zip", zipped({"image_data.json": json.dumps(entries).encode()}))


def overrides(server: Loopback) -> list[str]:
    """What points ``task=data`` at the server."""
    return [
        "task=data",
        f"preparation.coco={server.url}/coco",
        f"preparation.visual_genome={server.url}/vg",
        f"preparation.visual_genome_list={server.url}/list.zip",
        f"preparation.tallyqa={server.url}/tallyqa.zip",
        "preparation.counting_rows=5000",
        "preparation.attempts=1",
        "preparation.workers=4",
    ]
