"""Wrong commands: rows, models, devices and services that a run would fail on much later."""

import json
from typing import Any

import pytest
from desk import Desk
from PIL import Image
from wrong_commands import Wrong, alone, check, wrong

ROW: dict[str, Any] = {
    "question": "How many?",
    "answer": 2,
    "image": "a.png",
    "width": 96,
    "height": 64,
    "dataset": "tallyqa",
}
ROWS = {
    "long": {"question": "why " * 2_450},
    "endless": {"question": "why " + " " * 200_000 + "?"},
    "xywh": {"bboxs": [[50, 40, 20, 10]]},
    "thousandths": {"bboxs": [[500, 100, 900, 700]]},
    "normalised": {"bboxs": [[0.1, 0.2, 0.5, 0.6]]},
    "outside": {"bboxs": [[10, 10, 2000, 60]]},
    "size": {"width": 97},
    "no_image": {"image": "b.png"},
    "count": {"answer": "two"},
    "blank": {"question": " "},
}
RAISES = """
def on_most(response):
    return {}[response.trace.answer]
"""


@pytest.fixture(scope="module", autouse=True)
def files(desk: Desk) -> None:
    """Rows of one's own, each file with a mistake in its second line; and model folders."""
    for name, fields in ROWS.items():
        folder = desk.folder / name
        (folder / "images").mkdir(parents=True)
        Image.new("RGB", (96, 64)).save(folder / "images" / "a.png")
        (folder / "test.jsonl").write_text(json.dumps(ROW) + "\n")
        rows = (ROW, ROW | fields)
        (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (desk.folder / "raises.py").write_text(RAISES)
    for name, config in {
        "bert": {"model_type": "bert"},
        "nothing": {},
        "code": {"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}},
    }.items():
        (desk.folder / name).mkdir()
        (desk.folder / name / "config.json").write_text(json.dumps(config))
    (desk.folder / "adapter").mkdir()
    (desk.folder / "adapter" / "adapter_config.json").write_text("{}")
    (desk.folder / "code" / "mine.py").write_text("open('ran', 'w').close()\n")


def own(name: str) -> tuple[str, ...]:
    return "data=own", f"data.root={name}"


def of(name: str) -> str:
    return f"{name}/train.jsonl line 2"


def folder(name: str) -> tuple[str, ...]:
    return "model=internvl3_2b", "data=shapes", f"model.path={name}", FEW


CPU, FEW = "trainer.accelerator=cpu", "suite.limit=2"
COMMANDS = [
    wrong(*own("long"), says=(of("long"), "4967 tokens", "4096 positions")),
    wrong(*own("endless"), says=(of("endless"), "question", "200,005 characters")),
    alone(wrong(*own("xywh"), says=(of("xywh"), "[x, y, width, height]"))),
    wrong(*own("thousandths"), says=(of("thousandths"), "96 x 64", "thousandths")),
    wrong(*own("normalised"), says=(of("normalised"), "normalised to 0-1")),
    wrong(*own("outside"), says=(of("outside"), "inside the image of 96 x 64")),
    wrong(*own("size"), says=(of("size"), "97 x 64", "96 x 64")),
    wrong(*own("count"), says=(of("count"), "two", "counting data")),
    wrong(
        *(*own("no_image"), "+data.sources.more={file: train.jsonl}"),
        says=("none of its 2 rows has its image in no_image/more", "data.sources.more.images"),
    ),
    wrong(*own("blank"), says=(of("blank"), "question", "blank")),
    wrong("data.max_prompt_tokens=20", FEW, says=("at most 20", "data.max_prompt_tokens")),
    wrong(
        *("rollout.sampling.max_new_tokens=9999", FEW),
        says=("max_new_tokens=9999", "4096 positions"),
    ),
    wrong("rollout.decode=captured", FEW, CPU, says=("captured", "NVIDIA GPU")),
    wrong(
        "+reward.terms.mine={call: raises.on_most, weight: 1.0}",
        says=("reward.terms.mine", "a made-up response", "KeyError: '2'"),
    ),
    wrong(
        *("judge=openai", "judge.base_url=http://127.0.0.1:9/v1", "judge.cache=null", FEW),
        says=("127.0.0.1:9", "no connection", "judge=rules"),
    ),
    wrong(*folder("./gone"), says=("model.path=./gone", "no such folder")),
    alone(wrong(*folder("./bert"), says=("bert", "adapters for qwen2_5_vl, qwen3_vl, internvl"))),
    wrong(*folder("./adapter"), says=("no config.json", "task=export export.weights=merged")),
    wrong(*folder("./nothing"), says=("nothing/config.json", "model_type")),
    wrong(*folder("./code"), says=("code that lies in the folder", "never run")),
    wrong("task=check", "check.gpu=H1000", says=("check.gpu=H1000", "A100-80GB")),
    wrong("task=check", *own("xywh"), "check.rows=0", says=("check.rows", "at least 1")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_what_a_run_would_fail_on_much_later(desk: Desk, command: Wrong) -> None:
    check(desk, command)
