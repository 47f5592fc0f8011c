import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.grounding.traces import boxes_in, contexts_in, parse

IDEAL = (
    "<think> I see a cat [10, 20, 30, 40] and a dog [1,2,3,4]. </think>\n"
    "<rethink> The cat [10, 20, 30, 40] is left. </rethink>\n<answer> left </answer>"
)
PIECES = [
    *("<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>"),
    *("<THINK>", "< think>", "<think", "think>", "</ think>", "[1, 2, 3, 4]", "5,6,7,8", "9, "),
    *(" ", "\n", "cat", "yes", "[", "]", "٣, ٤, ٥, ٦", "\x00", "\ud800", "0" * 40, "9" * 5000),
]
fragments = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def tags_of(text: str) -> list[tuple[str, int]]:
    found = re.finditer(r"<think>|</think>|<rethink>|</rethink>|<answer>|</answer>", text)
    return [(match[0], match.start()) for match in found]


def oracle(text: str) -> tuple[bool, bool, str | None, str]:
    """The rules once more, from the sequence of tags: pairs, answer, region of the reasoning."""
    tags = tags_of(text)
    names = [name for name, _ in tags]
    thinks = [name for name in names if name in ("<think>", "</think>")]
    rethinks = [name for name in names if name in ("<rethink>", "</rethink>")]
    think = thinks == ["<think>", "</think>"]
    rethink = think and rethinks == ["<rethink>", "</rethink>"]
    rethink = rethink and names.index("<rethink>") > names.index("</think>")
    starts = [at for name, at in tags if name == "<rethink>"]
    answers = [at for name, at in tags if name == "<answer>"]
    region = text[: (starts + answers)[0]] if starts + answers else text
    answer = None
    if answers:
        begin = answers[0] + len("<answer>")
        ends = [at for name, at in tags if name == "</answer>" and at >= begin]
        answer = text[begin : ends[0] if ends else len(text)].strip() or None
    return think, rethink, answer, region


def test_an_ideal_completion():
    trace = parse(IDEAL)
    assert trace.text == IDEAL
    assert trace.think_pair
    assert trace.rethink_pair
    assert trace.think == " I see a cat [10, 20, 30, 40] and a dog [1,2,3,4]. "
    assert trace.rethink == " The cat [10, 20, 30, 40] is left. "
    assert trace.answer == "left"
    assert trace.boxes == ((10, 20, 30, 40), (1, 2, 3, 4))
    assert trace.all_boxes == ((10, 20, 30, 40), (1, 2, 3, 4), (10, 20, 30, 40))


@given(st.one_of(st.text(), fragments))
def test_any_text_is_read_by_the_rules(text):
    trace = parse(text)
    think, rethink, answer, region = oracle(text)
    assert (trace.think_pair, trace.rethink_pair, trace.answer) == (think, rethink, answer)
    assert trace.boxes == boxes_in(region)
    assert trace.all_boxes == boxes_in(text)
    found = re.findall(r"\b\d+,\s*\d+,\s*\d+,\s*\d+\b", text)
    assert len(trace.all_boxes) == len(found)
    assert all(value >= 0 for box in trace.all_boxes for value in box)


@pytest.mark.parametrize(
    ("completion", "think", "rethink"),
    [
        ("<think>a</think><rethink>b</rethink>", True, True),
        ("<think></think><rethink></rethink>", True, True),  # a pair need not hold anything
        ("<think>a</think>", True, False),
        ("<think>a", False, False),
        ("a</think>", False, False),
        ("</think>a<think>", False, False),  # closed before opened
        ("<think>a</think><think>b</think>", False, False),  # two pairs
        ("<think><think>a</think>", False, False),
        ("<think>a</think></think>", False, False),
        ("<rethink>b</rethink><think>a</think>", True, False),  # before the think pair
        ("<think>a<rethink>b</rethink></think>", True, False),  # inside of the think pair
        ("<think>a</think></rethink><rethink>", True, False),
        ("<think>a</think><rethink>b</rethink><rethink>", True, False),
        ("<rethink>b</rethink>", False, False),  # no think pair to follow
        ("<think>a<think></think><rethink>b</rethink>", False, False),
        ("<THINK>a</THINK>", False, False),
    ],
)
def test_pairs(completion, think, rethink):
    trace = parse(completion)
    assert (trace.think_pair, trace.rethink_pair) == (think, rethink)


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("<answer> 5 </answer>", "5"),
        ("<answer>5", "5"),  # the closing tag is optional
        ("<answer>\nhot dog\n", "hot dog"),
        ("5", None),
        ("5</answer>", None),
        ("<answer></answer>", None),
        ("<answer>  \n", None),
        ("<answer></answer><answer>5</answer>", None),  # the first one counts
        ("<answer>5</answer><answer>6</answer>", "5"),
        ("<answer>5<answer>6</answer>", "5<answer>6"),
        ("</answer><answer>7</answer>", "7"),
        ("<answer>5</answer> or 6", "5"),
    ],
)
def test_answers(completion, answer):
    assert parse(completion).answer == answer


@pytest.mark.parametrize(
    ("completion", "boxes"),
    [
        ("1, 2, 3, 4 <rethink> 5, 6, 7, 8 <answer> 9, 9, 9, 9", [(1, 2, 3, 4)]),
        ("1, 2, 3, 4 <answer> 5, 6, 7, 8", [(1, 2, 3, 4)]),
        ("1, 2, 3, 4 and 5, 6, 7, 8", [(1, 2, 3, 4), (5, 6, 7, 8)]),
        ("<answer> 1, 2, 3, 4 <rethink>", [(1, 2, 3, 4)]),  # before <rethink> goes first
        ("<rethink> 1, 2, 3, 4", []),
        ("1, 2, 3, 4 </think> 5, 6, 7, 8 <rethink>", [(1, 2, 3, 4), (5, 6, 7, 8)]),
    ],
)
def test_the_region_that_is_searched(completion, boxes):
    assert list(parse(completion).boxes) == boxes


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("[1, 2, 3, 4]", [(1, 2, 3, 4)]),
        ("1,2,3,4", [(1, 2, 3, 4)]),
        ("1,\n2,\t3,   4", [(1, 2, 3, 4)]),
        ("[5, 5, 59, 2, 79]", [(5, 5, 59, 2)]),  # five numbers hold four
        ("1,2,3,4,5,6,7,8", [(1, 2, 3, 4), (5, 6, 7, 8)]),
        ("1,2,3,4,5,6,7", [(1, 2, 3, 4)]),
        ("1 , 2, 3, 4", []),  # no space before a comma
        ("1, 2, 3", []),
        ("x1, 2, 3, 4", []),  # not at the beginning of a number
        ("1, 2, 3, 4x", []),
        ("1.5, 2, 3, 4", [(5, 2, 3, 4)]),  # as the expression reads decimals
        ("-1, 2, 3, 4", [(1, 2, 3, 4)]),
        ("(1, 2), (3, 4)", []),
        ("007, 2, 3, 4", [(7, 2, 3, 4)]),
        ("0" * 6000 + "7, 2, 3, 4", [(7, 2, 3, 4)]),
        ("9" * 6000 + ", 2, 3, 4", [(10**18, 2, 3, 4)]),  # int() alone would raise
        ("1" * 18 + ", 2, 3, 4", [(int("1" * 18), 2, 3, 4)]),
        ("", []),
    ],
)
def test_boxes_are_found_by_the_expression(text, boxes):
    assert list(boxes_in(text)) == boxes


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1, ",
        "1,2,3,",
        "1,2,3," + " " * 50,
        "<think>",
        "</think>",
        "<answer>",
        "[[[",
        "<",
    ],
)
def test_a_large_text_takes_linear_time(piece):
    text = piece * (400_000 // len(piece))
    start = time.perf_counter()
    parse(text)
    assert time.perf_counter() - start < 3  # quadratic time would be hours


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("nothing", []),
        ("the dog [1, 2, 3, 4] beside a cat [5, 6, 7, 8].", ["the dog [", "] beside a cat ["]),
        (
            '[{"bbox_2d": [1, 2, 3, 4], "label": "dog"}, {"bbox_2d": [5, 6, 7, 8]}]',
            ['{"bbox_2d": [1, 2, 3, 4], "label": "dog"', '{"bbox_2d": [5, 6, 7, 8]'],
        ),
        ("dogs: [1, 2, 3, 4][5, 6, 7, 8]", ["dogs: [", "]["]),
        ("red dog [1, 2, 3, 4], a cat [5, 6, 7, 8].", ["red dog [", "], a cat ["]),
        (
            '[{"bbox_2d": [1, 2, 3, 4], "label": "dog"}, {"bbox_2d": [5, 6, 7, 8], "label": "cat"}'
            "]",
            [
                '{"bbox_2d": [1, 2, 3, 4], "label": "dog"',
                '{"bbox_2d": [5, 6, 7, 8], "label": "cat"',
            ],
        ),
        (
            "<ref>dog</ref><box>[[1, 2, 3, 4], [5, 6, 7, 8]]</box>",
            ["<ref>dog</ref><box>[[", "], ["],
        ),
        ("{ it opens, [1, 2, 3, 4] and never closes", ["{ it opens, ["]),
        ("no box, 1, 2, 3", []),
    ],
)
def test_words_belong_to_a_box_by_braces_or_by_place(text: str, contexts: list[str]) -> None:
    assert contexts_in(text) == contexts
