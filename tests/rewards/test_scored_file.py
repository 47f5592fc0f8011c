import json
import random

import pytest

from grit.core.errors import GritError
from grit.core.files import write_jsonl
from grit.judge.rules import RulesJudge
from grit.rewards.answer import bleu, judge
from grit.rewards.count import count
from grit.rewards.format import box_format
from grit.rewards.released import repetition
from grit.rewards.reward import Reward
from grit.rewards.scored_file import scored

REWARD = Reward(
    {
        "box_format": (box_format, 0.5),
        "count": (count, 0.5),
        "judge": (judge, 1.0),
        "bleu": (bleu, 0.1),
        "repetition": (repetition, 0.5),
    },
    ["tallyqa"],
)
ROW = {
    "question": "How many dogs are there?",
    "answer": 2,
    "dataset": "tallyqa",
    "completion": "[1, 2, 3, 4], [5, 6, 7, 8] <answer> two </answer>",
    "bboxs": [[1, 2, 3.5, 4]],
    "width": 640,
    "height": 480,
    "completion_ids": [5, 6, 7],
    "note": "kept as it is",
}


def written(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_row_plus_its_reward(tmp_path):
    found = scored(written(tmp_path, ROW), REWARD, RulesJudge())
    assert [{key: row[key] for key in ROW} for row in found] == [ROW]
    assert set(found[0]) == {*ROW, "reward", "components"}
    assert found[0]["reward"] == pytest.approx(0.5 + 0.5 + 1 + 0 + 0.5)
    assert found[0]["components"]["judge"] == 1


def test_the_four_fields_are_enough_and_answers_have_kinds(tmp_path):
    row = {key: ROW[key] for key in ("question", "completion")}
    answers = [("vsr", "two"), ("tallyqa", "2"), ("x", 2.5), ("ovd_position", [1, 2, 3, 4])]
    path = written(tmp_path, *(row | {"dataset": d, "answer": a} for d, a in answers))
    found = scored(path, REWARD, RulesJudge())
    assert [row["components"]["judge"] for row in found] == [1, 1, 0, 0]
    assert [row["components"]["count"] for row in found] == [0, 0.5, 0, 0]
    assert found[3]["answer"] == [1, 2, 3, 4]


def test_blank_lines_are_skipped_and_counted(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(f"\n{json.dumps(ROW)}\n  \n{json.dumps(ROW | {'question': 5})}\n")
    with pytest.raises(GritError, match=r'rows\.jsonl line 4: field "question": expected a string'):
        scored(path, REWARD, RulesJudge())


def test_a_failed_judge_leaves_the_reward_open(tmp_path):
    class Failing(RulesJudge):
        def score(self, queries):
            return [None] * len(queries)

    found = scored(written(tmp_path, ROW), REWARD, Failing())[0]
    assert found["reward"] is None
    assert found["components"]["judge"] is None
    assert found["components"]["count"] == 0.5
    write_jsonl(tmp_path / "out.jsonl", [found])
    assert json.loads((tmp_path / "out.jsonl").read_text())["reward"] is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("question", None, "expected a string, found nothing"),
        ("question", ["a"], "expected a string"),
        ("completion", 5, "expected a string, found 5"),
        ("dataset", {}, "expected a string"),
        ("answer", "many", "expected a number of objects.*'tallyqa'.*found \"many\""),
        ("answer", -1, "expected a number of objects"),
        ("answer", True, "expected a string, a number"),
        ("answer", {"a": 1}, "expected a string, a number"),
        ("bboxs", [[1, 2, 3]], "expected a list of boxes"),
        ("bboxs", "none", "expected a list of boxes"),
        ("width", 0, "expected an integer of at least 1, found 0"),
        ("height", "480", "expected an integer of at least 1"),
        ("completion_ids", [1, "2"], "expected a list of integers"),
        ("completion_ids", 7, "expected a list of integers"),
    ],
)
def test_a_bad_field_is_named(tmp_path, field, value, expected):
    path = written(tmp_path, ROW, ROW | {field: value})
    with pytest.raises(GritError, match=f'rows.jsonl line 2: field "{field}": {expected}') as error:
        scored(path, REWARD, RulesJudge())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("field", ["question", "answer", "dataset", "completion"])
def test_a_missing_field_is_named(tmp_path, field):
    row = {key: value for key, value in ROW.items() if key != field}
    with pytest.raises(GritError, match=f'line 1: field "{field}": expected .*, found nothing'):
        scored(written(tmp_path, row), REWARD, RulesJudge())


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]", b"{", b"\xff\xfe", b"null", b"NaN"])
def test_files_that_hold_no_rows(tmp_path, content):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(GritError, match=r"rows\.jsonl"):
        scored(path, REWARD, RulesJudge())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(GritError, match=r"none\.jsonl: cannot be read"):
        scored(tmp_path / "none.jsonl", REWARD, RulesJudge())


STRANGE = [
    *(None, True, -1, 0, 2.5, 1e308, 10**400, "", " ", "\ud800", "\x00", "a" * 5000, [], {}),
    *([[]], [[1, 2, 3, 4]], [1, 2, 3, 4], [None], [[1, 2, 3, "4"]], {"a": [1]}, ["x"] * 50),
    *("9" * 5000, "<answer>" * 9, float("nan"), float("inf"), [float("-inf")] * 4, [[0, 0, 0, 0]]),
]


def damaged(rng: random.Random) -> bytes:
    """One to three good rows, of which something has been broken."""
    rows = [dict(ROW) for _ in range(rng.randint(1, 3))]
    victim = rng.choice(rows)
    for _ in range(rng.randint(1, 3)):
        field = rng.choice(sorted(ROW))
        kind = rng.randrange(4)
        if kind == 0:
            victim.pop(field, None)
        else:
            victim[field] = rng.choice(STRANGE)
    lines = [json.dumps(row, ensure_ascii=rng.random() < 0.5) for row in rows]
    raw = bytearray("\n".join(lines).encode("utf-8", "surrogatepass"))
    for _ in range(rng.choice([0, 0, 1, 3])):
        at = rng.randrange(len(raw))
        kind = rng.randrange(6)
        if kind == 0:
            raw[at] = rng.randrange(256)
        elif kind == 1:
            del raw[at : at + rng.randint(1, 40)]
        elif kind == 2:
            raw[at:at] = rng.choice([b"\n", b"\n \n", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r\n"])
        elif kind == 3:
            raw[at:at] = rng.choice([b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b"-Infinity"])
        elif kind == 4:
            raw[at:at] = rng.choice([b"9" * 5000, b"1e999", b"\\ud800", b'"', b",", b"}"])
        else:
            del raw[at:]
        raw = raw or bytearray(b" ")
    return bytes(raw)


def test_500_damaged_files_end_in_a_message_or_a_score(tmp_path):
    rng = random.Random(2505)
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    messages = []
    for _ in range(500):
        path.write_bytes(damaged(rng))
        try:
            rows = scored(path, REWARD, RulesJudge())
        except GritError as error:
            messages.append(str(error))
        else:
            write_jsonl(out, rows)
            assert all("reward" in json.loads(line) for line in out.read_text().splitlines())
    assert 250 < len(messages) < 490  # both ends are reached
    for message in messages:
        assert str(path) in message
        assert len(message.splitlines()) == 1
        assert len(message) < 500
        assert message.encode()


PIECES = ["<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>", "1, 2, 3, 4"]


def test_500_random_completions_are_scored(tmp_path):
    rng = random.Random(15879)
    texts = [
        "".join(
            rng.choice([*PIECES, " ", "yes", chr(rng.randrange(0xD800)), "9" * rng.randrange(6000)])
            for _ in range(rng.randrange(30))
        )
        for _ in range(500)
    ]
    rows = scored(
        written(tmp_path, *(ROW | {"completion": text} for text in texts)), REWARD, RulesJudge()
    )
    assert [row["completion"] for row in rows] == texts
    assert all(0 <= row["reward"] <= 2.6 for row in rows)
    assert len({row["reward"] for row in rows}) > 5
