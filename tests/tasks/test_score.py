"""``task=score`` as the command line gives it: every reward, and what bad input ends in."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grit.config.configuration import CONF
from grit.core.seeding import seed_for

PRESETS = sorted(path.stem for path in (CONF / "reward").glob("*.yaml"))
PAPER = ["think_tags", "rethink_tags", "box_format", "count", "judge", "bleu"]
RELEASED = ["judge", "bleu", "answer_tag", "tags", "boxes", "repetition"]
OFF = {
    "union_iou": {"count"},
    "iou_squared": {"count"},
    "visual_rft": {"count"},
    "vlm_r1": {"count"},
    "hungarian": {"count"},
    "treevgr": {"box_format", "count", "bleu"},
    "vigorl": {"box_format", "count"},
    "no_count": {"count"},
    "no_format": {"think_tags", "rethink_tags", "box_format"},
    "no_boxes": {"box_format", "count"},
    "no_bleu": {"bleu"},
    "answer_only": {"think_tags", "rethink_tags", "box_format", "count"},
    "random": set(PAPER),
}
TRACE = (
    "<think> a dog [1, 2, 30, 40] and a dog [50, 2, 90, 40] </think>\n"
    "<rethink> there are two: [1, 2, 30, 40] </rethink>\n<answer> two dogs </answer>"
)
ROWS: list[dict[str, Any]] = [
    {
        "question": "How many dogs are there?",
        "answer": 2,
        "dataset": "tallyqa",
        "completion": TRACE,
        "bboxs": [[1, 2, 30, 40], [50, 2, 90, 40]],
        "width": 100,
        "height": 50,
        "note": {"kept": ["as", "it", "is", "é"]},
    },
    {  # no rethink, one box, a wrong answer of half the truth's words
        "question": "Where is the cat?",
        "answer": "under the table",
        "dataset": "vsr",
        "completion": "<think> a cat [3, 4, 5, 6] </think><answer>on the table",
    },
    {  # the answer alone
        "question": "Is there a cat?",
        "answer": "yes",
        "dataset": "vsr",
        "completion": "<answer>Yes.</answer>",
    },
    {"question": "Is there a cat?", "answer": "yes", "dataset": "vsr", "completion": ""},
]
# Worked out by hand from the definitions of the paper and of the released code. BLEU-1: "two dogs"
# shares no word with "2"; "on the table" has two of its three words in "under the table". The code
# takes </answer> for a word.
EARNED = {
    "grpo_gr": [
        {"think_tags": 0.5, "rethink_tags": 0.5, "box_format": 0.5, "count": 0.5, "judge": 1.0},
        {"think_tags": 0.5, "box_format": 0.5, "bleu": 0.1 * 2 / 3},
        {"judge": 1.0, "bleu": 0.1},
        {},
    ],
    "released": [
        {"judge": 1.0, "answer_tag": 0.5, "tags": 0.5, "boxes": 1.5, "repetition": 0.5},
        {"bleu": 0.1 * 2 / 3, "answer_tag": 0.5, "tags": 0.2, "repetition": 0.5},
        {"judge": 1.0, "bleu": 0.05, "answer_tag": 0.5, "repetition": 0.5},
        {"repetition": 0.5},
    ],
}
# Without seeds a coin hangs on question and text.
TOSSED = [
    {"coin": float(seed_for("coin", None, row["question"], row["completion"]) % 2)} for row in ROWS
]
# Of the first row, whose two boxes are found exactly, one of them a second time after <rethink>.
BOXED = {
    "union_iou": {"union_iou": 1.0},
    "iou_squared": {"iou_squared": 1.0},
    "treevgr": {"treevgr": 1.0},
    "visual_rft": {"visual_rft": 1.0},  # a repeated box counts once
    "hungarian": {"hungarian": 4 / 6},
    "vlm_r1": {"vlm_r1_map": 2 / 3, "vlm_r1_weighted": 0.0},
    "vigorl": {"vigorl": 0.0},
}


Command = Callable[..., Any]  # ends in (code, out, err)


@pytest.fixture
def grit(command: Command) -> Command:
    """Run ``python -m grit``."""
    return command


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def expected(reward: str) -> list[dict[str, float | None]]:
    names = RELEASED if reward == "released" else PAPER
    earned = EARNED["released" if reward == "released" else "grpo_gr"]
    off, boxed = OFF.get(reward, set()), BOXED.get(reward, {})
    tossed = TOSSED if reward == "random" else [{}] * len(earned)
    rows: list[dict[str, float | None]] = [
        {name: 0.0 if name in off else parts.get(name, 0.0) for name in names} | coin
        for parts, coin in zip(earned, tossed, strict=True)
    ]
    # A term with a value sees boxes, which only the first row has annotated.
    masked = {name: None if value else 0.0 for name, value in boxed.items()}
    return [rows[0] | boxed, *(row | masked for row in rows[1:])]


@pytest.mark.parametrize("reward", PRESETS)
def test_every_reward(grit: Command, tmp_path: Path, reward: str) -> None:
    written(tmp_path / "in.jsonl", *ROWS)
    ended = grit("task=score", "input=in.jsonl", "output=out.jsonl", f"reward={reward}")
    assert (ended.code, ended.err) == (0, "")
    found = read(tmp_path / "out.jsonl")
    assert [{k: v for k, v in row.items() if k in ROWS[0]} for row in found] == ROWS
    for row, parts in zip(found, expected(reward), strict=True):
        assert set(row) - set(ROWS[0]) == {"reward", "components"}
        assert row["components"] == pytest.approx(parts)
        assert row["reward"] == pytest.approx(sum(filter(None, parts.values())))


def test_token_ids_count_for_repetition(grit: Command, tmp_path: Path) -> None:
    """0.5 times one minus two shares: none of the words, all of the tokens' 8-grams."""
    written(tmp_path / "in.jsonl", {**ROWS[0], "completion_ids": [7] * 32}, ROWS[0])
    assert grit("task=score", "input=in.jsonl", "output=o.jsonl", "reward=released").code == 0
    repetition = [row["components"]["repetition"] for row in read(tmp_path / "o.jsonl")]
    assert repetition == pytest.approx([0.0, 0.5])


def test_weights_and_counting_data_are_of_the_configuration(grit: Command, tmp_path: Path) -> None:
    written(tmp_path / "in.jsonl", ROWS[0], {**ROWS[0], "dataset": "mine"})
    ended = grit(
        "task=score",
        "input=in.jsonl",
        "output=out.jsonl",
        "reward.terms.judge.weight=3",
        "reward.counting_datasets=[mine]",
        "+reward.terms.mine={call: grit.rewards.released.answer_tag, weight: 0.25}",
    )
    assert (ended.code, ended.err) == (0, "")
    first, second = (row["components"] for row in read(tmp_path / "out.jsonl"))
    assert [first["count"], second["count"]] == [0.0, 0.5]
    assert [first["judge"], first["mine"]] == [3.0, 0.25]


def test_the_term_of_the_how_to(
    grit: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It covers more than half of the first box, and nothing of the second."""
    text = (CONF.parent / "docs" / "how_to" / "own_rewards.md").read_text(encoding="utf-8")
    block = text.partition("## See the annotated boxes")[2].partition("```python\n")[2]
    (tmp_path / "covering.py").write_text(block.partition("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    row = {**ROWS[0], "completion": "<think> [0, 0, 30, 30] </think>"}
    written(tmp_path / "in.jsonl", row, ROWS[1])
    term = "+reward.terms.covered={call: covering.covered, weight: 1}"
    assert grit("task=score", "input=in.jsonl", "output=out.jsonl", term).code == 0
    found = [row["components"]["covered"] for row in read(tmp_path / "out.jsonl")]
    assert found == [0.5, None]


SPOKEN = {  # the boxes of the first row as models write them: 100 x 50 pixels
    "original": ((1, 1), {}),
    "normalized_1000": ((10, 20), {}),
    "resized": ((2, 4), {"resized_width": 200, "resized_height": 200}),
}


@pytest.mark.parametrize("space", SPOKEN)
def test_boxes_are_compared_in_pixels_of_the_original_image(
    grit: Command, tmp_path: Path, space: str
) -> None:
    """As ``task=evaluate predictions=`` does with the same rows."""
    (x, y), size = SPOKEN[space]
    said = [f"[{a * x}, {b * y}, {c * x}, {d * y}]" for a, b, c, d in [(1, 2, 30, 40)] * 2]
    row = {**ROWS[0], "completion": f"<think> {said} </think>", "box_space": space, **size}
    written(tmp_path / "in.jsonl", row, {**row, "bboxs": [[1, 2, 30, 21]]})
    more = ["reward=iou_squared", "reward.terms.iou_squared.weight=2"]
    mixed = "+reward.terms.union_iou={call: grit.rewards.box_terms.union_iou, weight: 1}"
    ended = grit("task=score", "input=in.jsonl", "output=out.jsonl", *more, mixed)
    assert (ended.code, ended.err) == (0, "")
    found = read(tmp_path / "out.jsonl")
    ious = [29 * 38 / (29 * 38 + 40 * 38), 0.5]
    assert [row["components"]["union_iou"] for row in found] == pytest.approx(ious)
    assert [row["components"]["iou_squared"] for row in found] == pytest.approx(
        [2 * iou**2 for iou in ious]
    )
    assert grit("task=evaluate", "predictions=in.jsonl", "hydra.run.dir=run").code == 0
    assert [row["giou"] for row in read(tmp_path / "run" / "predictions.jsonl")] == pytest.approx(
        ious
    )


def test_rows_without_annotated_boxes_are_null_for_what_sees_them(
    grit: Command, tmp_path: Path
) -> None:
    bare = {key: value for key, value in ROWS[0].items() if key not in ("bboxs", "width", "height")}
    written(tmp_path / "in.jsonl", ROWS[0], bare, {**ROWS[0], "bboxs": []}, {**bare, "bboxs": None})
    assert grit("task=score", "input=in.jsonl", "output=o.jsonl", "reward=treevgr").code == 0
    found = read(tmp_path / "o.jsonl")
    assert [row["components"]["treevgr"] for row in found] == [1.0, None, None, None]
    assert [row["reward"] for row in found] == [3.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"width": None, "height": None}, ["width", "annotated boxes", "nothing"]),
        ({"height": None}, ["height", "nothing"]),
        ({"box_space": "pixels"}, ["box_space", "normalized_1000", "pixels"]),
        ({"box_space": "resized"}, ["resized_width", "nothing"]),
    ],
    ids=str,
)
def test_what_boxes_need_is_asked_for_where_they_are_seen(
    grit: Command, tmp_path: Path, changes: dict[str, Any], named: list[str]
) -> None:
    written(tmp_path / "in.jsonl", ROWS[0], ROWS[0] | changes)
    message = one_line(grit("task=score", "input=in.jsonl", "output=o.jsonl", "reward=union_iou"))
    assert [word for word in ["line 2", *named] if word not in message] == []
    if "box_space" not in changes:  # what sees no boxes needs no size of the image
        assert grit("task=score", "input=in.jsonl", "output=o.jsonl").code == 0


def test_the_output_takes_the_place_of_an_old_one(grit: Command, tmp_path: Path) -> None:
    written(tmp_path / "in.jsonl", ROWS[2])
    output = tmp_path / "new" / "folder" / "out.jsonl"
    for _ in range(2):
        assert grit("task=score", f"input={tmp_path}/in.jsonl", f"output={output}").code == 0
    assert len(read(output)) == 1
    assert [path.name for path in output.parent.iterdir()] == ["out.jsonl"]


def one_line(ended: Any) -> str:
    """The message of a command that failed as a command should."""
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("grit: ")
    assert "Traceback" not in ended.out
    return ended.err


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"question": "a", ', ["line 3", "JSON"]),
        ("[1, 2]", ["line 3", "object"]),
        ("\udcff", ["line 3", "UTF-8"]),
        ({"question": None}, ["line 3", "question", "a string", "nothing"]),
        ({"completion": 7}, ["line 3", "completion", "a string", "7"]),
        ({"dataset": ["vsr"]}, ["line 3", "dataset", "a string"]),
        ({"answer": None}, ["line 3", "answer", "nothing"]),
        ({"answer": "several"}, ["line 3", "answer", "number of objects", "several"]),
        ({"answer": -1}, ["line 3", "answer", "number of objects", "-1"]),
        ({"bboxs": [[1, 2, 3]]}, ["line 3", "bboxs", "[x1, y1, x2, y2]"]),
        ({"width": 0}, ["line 3", "width", "0"]),
        ({"height": "50"}, ["line 3", "height", "50"]),
        ({"completion_ids": "1 2"}, ["line 3", "completion_ids", "integers"]),
    ],
    ids=str,
)
def test_a_bad_row_is_one_line_and_leaves_nothing(
    grit: Command, tmp_path: Path, line: Any, named: list[str]
) -> None:
    text = line if isinstance(line, str) else json.dumps(ROWS[0] | line)
    good = json.dumps(ROWS[0])
    bad = f"{good}\n\n{text}\n{good}\n".encode("utf-8", "surrogateescape")
    (tmp_path / "in.jsonl").write_bytes(bad)
    (tmp_path / "old.jsonl").write_text("as it was\n")
    message = one_line(grit("task=score", "input=in.jsonl", "output=new.jsonl"))
    assert [word for word in ["in.jsonl", *named] if word not in message] == []
    one_line(grit("task=score", "input=in.jsonl", "output=old.jsonl"))
    assert (tmp_path / "old.jsonl").read_text() == "as it was\n"
    assert {path.name for path in tmp_path.iterdir()} <= {"in.jsonl", "old.jsonl", "runs"}


def test_an_input_that_is_none(grit: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "folder").mkdir()
    for name in ("missing.jsonl", "empty.jsonl", "folder"):
        assert name in one_line(grit("task=score", f"input={name}", "output=out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("output", ["folder", "in.jsonl/out.jsonl"])
def test_an_output_that_cannot_be_written(
    grit: Command, tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before a judge is paid: no row is scored."""
    monkeypatch.delattr("grit.tasks.score.scored")
    written(tmp_path / "in.jsonl", ROWS[2])
    (tmp_path / "folder").mkdir()
    assert output in one_line(grit("task=score", "input=in.jsonl", f"output={output}"))
    assert list((tmp_path / "folder").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"in.jsonl", "folder", "runs"}


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("reward=grpo", ["reward", "grpo", "grpo_gr", "answer_only"]),
        ("reward.terms.judge.call=grit.rewards.answer.juge", ["reward.terms.judge.call", "juge"]),
        ("reward.terms.judge.weight=inf", ["reward.terms.judge.weight", "inf"]),
        ("judge=openay", ["judge", "openay", "rules"]),
    ],
)
def test_a_reward_that_is_none(
    grit: Command, tmp_path: Path, override: str, named: list[str]
) -> None:
    written(tmp_path / "in.jsonl", ROWS[2])
    message = one_line(grit("task=score", "input=in.jsonl", "output=out.jsonl", override))
    assert [word for word in named if word not in message] == []
    assert not (tmp_path / "out.jsonl").exists()


def test_what_is_scored_says_so(grit: Command, tmp_path: Path) -> None:
    written(tmp_path / "in.jsonl", *ROWS)
    ended = grit("task=score", "input=in.jsonl", "output=out.jsonl", "reward=released")
    assert ended.out.splitlines() == ["4 rows scored with reward=released: out.jsonl"]


@pytest.mark.parametrize("kind", ["a pipe", "a link", "a folder", "a link to nowhere"])
def test_what_is_no_file_is_not_replaced(command, tmp_path, kind) -> None:
    """Nor is anything scored for it: judges cost money."""
    place = tmp_path / "out.jsonl"
    (tmp_path / "in.jsonl").write_text("no rows at all")
    makers = {
        "a pipe": lambda: os.mkfifo(place),
        "a link": lambda: place.symlink_to("in.jsonl"),
        "a folder": place.mkdir,
        "a link to nowhere": lambda: place.symlink_to("nowhere"),
    }
    makers[kind]()
    before = place.lstat()
    ended = command("task=score", "input=in.jsonl", "output=out.jsonl")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "output=out.jsonl" in line
    assert "only a file is replaced" in line
    assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
