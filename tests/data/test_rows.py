import json
from pathlib import Path

import pytest

from grit.core.errors import GritError
from grit.data.rows import Row, read_rows


def row(**fields: object) -> Row:
    return Row(Path("some.jsonl"), 7, json.loads(json.dumps(fields)))


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    return path


def test_rows_know_their_lines_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = written(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"a": "\xc3\xa9"}')
    rows = list(read_rows(path))
    assert [(r.line, r.fields) for r in rows] == [(1, {"a": 1}), (4, {"a": "é"})]


def test_a_line_separator_inside_a_string_is_no_new_line(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": "one\u2028two\x85"}\n'.encode())
    assert [r.text("a") for r in read_rows(path)] == ["one\u2028two\x85"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a": 1', "not valid JSON"),
        (b"nothing", "not valid JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": 1e999}', "too large a number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[1, 2]", "expected a JSON object, found [1, 2]"),
        (b"3", "expected a JSON object, found 3"),
        (b'{"a": "\xff"}', "not UTF-8: byte 8"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\uDC00": 1}', "surrogate"),
        (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = written(tmp_path, b'{"a": 1}\n' + line + b"\n")
    with pytest.raises(GritError, match=r"rows\.jsonl line 2: ") as raised:
        list(read_rows(path))
    assert said in str(raised.value)
    assert len(str(raised.value)) < len(str(path)) + 200


def test_a_paired_surrogate_is_text(tmp_path: Path) -> None:
    assert next(read_rows(written(tmp_path, b'{"a": "\\ud83d\\ude00"}'))).text("a") == "😀"


@pytest.mark.parametrize("content", [b"", b"\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(GritError, match="is empty"):
        list(read_rows(written(tmp_path, content)))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(GritError, match="cannot be read"):
            list(read_rows(path))


def test_getters_give_what_is_there() -> None:
    full = row(t="x", b=" ", n=3, ids=[1, 2], boxes=[[1, 2.5, 3, 4]], none=None)
    assert (full.text("t"), full.text("b"), full.integer("n"), full.pixels("n")) == ("x", " ", 3, 3)
    assert full.optional_integers("ids") == (1, 2)
    assert full.boxes("boxes") == full.optional_boxes("boxes") == [(1.0, 2.5, 3.0, 4.0)]
    for name in ("none", "missing"):
        assert not full.has(name)
        assert full.optional_text(name) is None
        assert full.optional_integers(name) is full.optional_boxes(name) is None
        assert full.choice(name, ("p", "q"), default="q") == "q"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("hot dog", ("hot dog", False)),
        (3, ("3", False)),
        (2.0, ("2", False)),
        (-1.5, ("-1.5", False)),
        ([244, 25, 338, 69], ("[244, 25, 338, 69]", True)),
        ([0.5, 2, 3, 4], ("[0.5, 2, 3, 4]", True)),
    ],
)
def test_answers_are_text_and_maybe_a_box(answer: object, expected: tuple[str, bool]) -> None:
    assert row(answer=answer).answer() == expected


@pytest.mark.parametrize(
    ("call", "value", "expected", "found"),
    [
        (lambda r: r.text("x"), 3, "a string", "3"),
        (lambda r: r.text("x"), None, "a string", "nothing"),
        (lambda r: r.text("x", blank=False), " ", "a string that is not blank", '" "'),
        (lambda r: r.integer("x"), True, "an integer", "true"),
        (lambda r: r.integer("x"), 2.0, "an integer", "2.0"),
        (lambda r: r.integer("x"), "2", "an integer", '"2"'),
        (lambda r: r.pixels("x"), 0, "an integer of at least 1", "0"),
        (lambda r: r.pixels("x"), 10**7, "an integer of at most 1000000", "10000000"),
        (lambda r: r.optional_integers("x"), [1, True], "a list of integers", "true"),
        (lambda r: r.choice("x", ("p", "q"), default="q"), ["p"], "one of p, q", "a list of 1"),
        (lambda r: r.answer("x"), False, "a string, a number or a box", "false"),
        (lambda r: r.answer("x"), "  ", "a string that is not blank", '" "'),
        (lambda r: r.answer("x"), [1, 2, 3], "a string, a number or a box", "[1, 2, 3]"),
        (lambda r: r.answer("x"), {"a": 1}, "a string, a number or a box", "an object"),
        (lambda r: r.answer("x"), 10**400, "a string, a number or a box", "1000"),
        (lambda r: r.boxes("x"), [1, 2, 3, 4], "a list of boxes", "1"),
        (lambda r: r.boxes("x"), [[1, 2, 3, "4"]], "a list of boxes", "a list of 4"),
        (lambda r: r.boxes("x"), [[1, 2, 3, True]], "a list of boxes", "a list of 4"),
        (lambda r: r.boxes("x"), "y" * 1000, "a list of boxes", '"' + "y" * 59 + "..."),
    ],
)
def test_a_wrong_value_is_refused_by_name(call, value, expected, found) -> None:
    with pytest.raises(GritError) as raised:
        call(row(x=value))
    message = str(raised.value)
    assert message.startswith(f'some.jsonl line 7: field "x": expected {expected}')
    assert f"found {found}" in message
    assert len(message) < 250
