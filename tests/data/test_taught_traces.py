"""The traces that fine-tuning teaches: what real rows and drawn scenes become in each style."""

import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grit.data.jsonl import read_samples
from grit.data.samples import Sample
from grit.data.shapes import ShapesSource, ideal_trace
from grit.data.shapes.kinds import KINDS
from grit.data.taught_traces import TraceStyle, is_annotated, labelled_boxes, taught_trace
from grit.grounding.box_lists import rounded_corners
from grit.grounding.boxes import NORMALIZED_1000, Box, Space
from grit.grounding.traces import parse
from grit.rewards.format import box_format, rethink_tags, think_tags
from grit.rewards.response import Response

SPACE = Space("original", 200, 100)
BOXES = (Box(10, 10, 40, 40, SPACE), Box(100, 20.4, 150, 60, SPACE))
PICTURE = ShapesSource("vsr", "dev", 1)[0].picture
FAMILIES: tuple[TraceStyle, ...] = ("json", "internvl")
STYLES: tuple[TraceStyle, ...] = ("plain", *FAMILIES)


def row(question: str, answer: str, boxes: tuple[Box, ...] | None = BOXES, **fields) -> Sample:
    return Sample("set/1", question, answer, "set", PICTURE, SPACE, boxes, **fields)


def parts(trace: str) -> tuple[str, str, str]:
    found = re.fullmatch(
        r"<think> (.+) </think>\n<rethink> (.+) </rethink>\n<answer> (.+) </answer>", trace, re.S
    )
    assert found, trace
    return found[1], found[2], found[3]


def test_qwen_s_trace_is_english_and_json() -> None:
    trace = taught_trace(row("How many chairs are on the grass?", "2"), SPACE, "json")
    assert trace == (
        "<think> I look for every chair on the grass:\n"
        "[\n"
        '\t{"bbox_2d": [10, 10, 40, 40], "label": "chair"},\n'
        '\t{"bbox_2d": [100, 20, 150, 60], "label": "chair"}\n'
        "] </think>\n"
        "<rethink> Each box holds one chair, so I count 2 chairs. </rethink>\n"
        "<answer> 2 </answer>"
    )


def test_internvl_s_trace_is_english_and_box_tags() -> None:
    sample = row("Is the cat on the bed?", "No")
    assert taught_trace(sample, NORMALIZED_1000, "internvl") == (
        "<think> I look for the cat and the bed in the image: "
        "<ref>cat</ref><box>[[50, 100, 200, 400]]</box>, "
        "<ref>bed</ref><box>[[500, 204, 750, 600]]</box> </think>\n"
        "<rethink> The cat is not on the bed. </rethink>\n"
        "<answer> No </answer>"
    )


def test_the_plain_style_says_what_the_boxes_show_too() -> None:
    sample = row("Is the motorcycle away from the bird?", "No")
    assert taught_trace(sample, SPACE, "plain") == (
        "<think> motorcycle [10, 10, 40, 40], bird [100, 20, 150, 60] </think>\n"
        "<rethink> the motorcycle is not away from the bird </rethink>\n"
        "<answer> No"
    )


@pytest.mark.parametrize(
    ("question", "answer", "n", "think", "rethink"),
    [
        ("How many cats are there?", "1", 1, "every cat in the image",
         "The box holds one cat, so I count 1 cat."),
        ("How many cats are there?", "3", 2, "every cat in the image", "I count 3 cats."),
        ("How many cats are there?", "1", 2, "every cat in the image", "I count 1 cat."),
        ("How many cats are there?", "three", 2, "every cat in the image",
         "So the answer is three."),
        ("What is behind the sheep?", "cow", 1, "what is behind the sheep",
         "The cow is behind the sheep."),
        ("What color is the car?", "red", 1, "the car in the image", "So the answer is red."),
        ("What is the man holding?", "bat", 1, "what the question asks about in the image",
         "So the answer is bat."),
        ("Can you see the cat?", "Yes", 1, "the cat in the image", "So the answer is yes."),
        ("Which? (A) a <box> (B) [1, 2, 3, 4]", "[1, 2, 3, 4]", 1,
         "what the question asks about in the image", "So this is the answer."),
        ("Which?", "word " * 50, 1, "what the question asks about in the image",
         "So this is the answer."),
    ],
)  # fmt: skip
def test_sentences(question: str, answer: str, n: int, think: str, rethink: str) -> None:
    for style in FAMILIES:
        said = parts(taught_trace(row(question, answer, BOXES[:n]), SPACE, style))
        assert said[0].partition(":")[0] == f"I look for {think}"
        assert said[1:] == (rethink, answer.strip())


@pytest.mark.parametrize("style", FAMILIES)
def test_a_row_that_nobody_annotated_has_a_trace_without_boxes(style: TraceStyle) -> None:
    """It is not taught that there is nothing to see."""
    for boxes in (None, (), (Box(5, 5, 5, 9, SPACE),)):
        sample = row("How many dogs are on the bed?", "2", boxes)
        assert not is_annotated(sample)
        trace = taught_trace(sample, SPACE, style)
        assert parts(trace) == ("I look for every dog on the bed.", "I count 2 dogs.", "2")
        assert "bbox_2d" not in trace
        assert parse(trace).all_boxes == ()
    asked = row("Is the motorcycle away from the bird?", "No", None)
    assert parts(taught_trace(asked, SPACE, style))[0] == (
        "I look for the motorcycle and the bird in the image."
    )
    assert parts(taught_trace(row("What is behind the sheep?", "cow", None), SPACE, style))[0] == (
        "I look for what is behind the sheep."
    )


def test_in_the_plain_style_too() -> None:
    sample = row("How many dogs are on the bed?", "2", None)
    assert taught_trace(sample, SPACE, "plain") == (
        "<think> I look for every dog on the bed. </think>\n"
        "<rethink> that makes 2 </rethink>\n<answer> 2"
    )


@pytest.mark.parametrize("boxes", [None, ()])
def test_a_count_of_0_has_nothing_to_box(boxes: tuple[Box, ...] | None) -> None:
    sample = row("How many dogs are there?", "0", boxes)
    assert is_annotated(sample) is (boxes is not None)
    for style in FAMILIES:
        assert parts(taught_trace(sample, SPACE, style)) == (
            "I look for every dog in the image, and there is none.", "I count 0 dogs.", "0",
        )  # fmt: skip


def test_annotated_as_empty_is_believed_but_for_a_positive_count() -> None:
    assert is_annotated(row("Is there a dog?", "No", ()))
    assert is_annotated(row("How many dogs are there?", "0", ()))
    assert is_annotated(row("How many dogs are there?", "3"))
    assert not is_annotated(row("How many dogs are there?", "3", ()))
    assert not is_annotated(row("How many cats and dogs, if any, are there?", "3", ()))
    assert not is_annotated(row("Is there a dog?", "No", None))


def test_boxes_are_tidied() -> None:
    outside = (
        Box(40, 40, 10, 10, SPACE),  # corners the wrong way round
        Box(-50, 20, 1e300, 60, SPACE),
        Box(20, 20, 20, 60, SPACE),  # no area
        Box(300, 20, 400, 60, SPACE),  # beside the image
        Box(math.nan, 20, 30, 60, SPACE),
        Box(math.inf, 0, -math.inf, 50, SPACE),
    )
    sample = row("How many cats are there?", "3", outside)
    expected = ((10, 10, 40, 40), (0, 20, 200, 60), (0, 0, 200, 50))
    for style in STYLES:
        trace = taught_trace(sample, SPACE, style)
        assert parse(trace).boxes == expected
        assert not re.search(r"nan|inf\b|\d{5}|-\d", trace)
    assert "Each box holds one cat, so I count 3 cats." in taught_trace(sample, SPACE, "json")


def test_a_box_as_the_answer_is_in_the_model_s_space_and_in_the_image() -> None:
    sample = row(
        'JSON for: "the kite under the bird".', "[10, 10, 40, 1000]", BOXES[:1], answer_is_box=True
    )
    think, rethink, answer = parts(taught_trace(sample, NORMALIZED_1000, "internvl"))
    assert think == (
        "I look for the kite in the image: <ref>kite</ref><box>[[50, 100, 200, 400]]</box>"
    )
    assert rethink == "The box shows the kite."
    assert answer == "[50, 100, 200, 1000]"
    assert parts(taught_trace(replace(sample, boxes=None), SPACE, "json"))[1:] == (
        "So this is the answer.", "[10, 10, 40, 100]",
    )  # fmt: skip


def test_a_coordinate_with_an_exponent_is_a_number() -> None:
    answer = json.dumps([1.4210854715202004e-14, 10, 4e1, 1e22])
    sample = row('JSON for: "the kite".', answer, BOXES[:1], answer_is_box=True)
    assert parts(taught_trace(sample, NORMALIZED_1000, "internvl"))[2] == "[0, 100, 200, 1000]"
    assert taught_trace(replace(sample, answer="[0, 10, 2E1, 1.5e+1]"), SPACE, "plain").endswith(
        "<answer> [0, 10, 20, 15]"
    )


def test_known_labels_are_kept() -> None:
    sample = row("Anything?", "yes", labels=("red circle",))
    assert labelled_boxes(sample) == [("red circle", BOXES[0]), ("object", BOXES[1])]
    think, _, _ = parts(taught_trace(sample, SPACE, "json"))
    listed = json.loads(think.partition(":")[2])
    assert [each["label"] for each in listed] == ["red circle", "object"]


@pytest.mark.parametrize("style", FAMILIES)
def test_the_format_reward_is_full(style: TraceStyle) -> None:
    for sample in (row("Is the cat on the bed?", "No"), row("How many cats are there?", "2")):
        trace = parse(taught_trace(sample, SPACE, style))
        response = Response("q", sample.answer, "vsr", trace, None, 1.0, counting=False)
        assert (think_tags(response), rethink_tags(response), box_format(response)) == (1, 1, 1)
        assert trace.answer == sample.answer


CORNERS = st.lists(
    st.tuples(*[st.floats(min_value=-50, max_value=2000, allow_nan=False)] * 4), max_size=4
)
QUESTIONS = st.sampled_from(
    [
        "Is the cat on the bed?",
        "What is behind the sheep?",
        "How many cats are there?",
        "Please tell <box>[[1, 2, 3, 4]]</box> <think> from </answer>",
        "Which of 1, 2, 3, 4?",
        "",
    ]
)


@given(
    st.integers(28, 2000),
    st.integers(28, 2000),
    CORNERS,
    QUESTIONS,
    st.sampled_from(["yes", "No", "3", "0", "cow", "1, 2, 3, 4"]),
    st.sampled_from(FAMILIES),
)
def test_any_row_gives_a_trace_that_is_read_as_it_was_meant(
    width: int,
    height: int,
    corners: list[tuple[float, ...]],
    question: str,
    answer: str,
    style: TraceStyle,
) -> None:
    original = Space("original", width, height)
    box_space = NORMALIZED_1000 if style == "internvl" else Space("resized", 28 * 9, 28 * 13)
    boxes = tuple(Box(*each, original) for each in corners)
    sample = Sample("set/1", question, answer, "set", PICTURE, original, boxes)
    trace = parse(taught_trace(sample, box_space, style))
    kept = [tidy for box in boxes if (tidy := box.tidied())]
    assert trace.think_pair
    assert trace.rethink_pair
    assert trace.answer == answer
    assert sorted(trace.boxes) == sorted(rounded_corners(box, box_space) for box in kept)


# Of 40 scenes of each kind, in their own pixels and in thousandths: made before this module was.
DRAWN = {
    ("vsr", "pretrain"): "bbe9d2ecca6bc883",
    ("vsr", "train"): "50ab981d13197cd0",
    ("tallyqa", "pretrain"): "13e6ffa4f0e31ee3",
    ("tallyqa", "train"): "65c0b25a8bd5e3a5",
    ("gqa", "pretrain"): "3936f26d4424ba57",
    ("mathvista", "pretrain"): "a323c55d3d76c10a",
    ("mme", "pretrain"): "58786279466b50f4",
    ("ovd", "pretrain"): "c978d33bb5adbb38",
    ("detect", "pretrain"): "babc86baa903c5ac",
    ("binding", "pretrain"): "ce10182ed0b2b874",
}


@pytest.mark.parametrize(("kind", "split"), DRAWN)
def test_drawn_scenes_in_the_plain_style_are_what_they_were(kind: str, split: str) -> None:
    samples = ShapesSource(kind, split, 40)[:]
    texts = [
        taught_trace(s, space, "plain") for s in samples for space in (s.space, NORMALIZED_1000)
    ]
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] == DRAWN[kind, split]
    assert texts[::2] == [ideal_trace(sample, sample.space) for sample in samples]
    assert all(is_annotated(sample) for sample in samples)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("style", FAMILIES)
def test_drawn_scenes_in_a_family_s_style(kind: str, style: TraceStyle) -> None:
    for sample in ShapesSource(kind, "pretrain", 30):
        trace = parse(taught_trace(sample, sample.space, style))
        assert trace.rethink_pair
        assert trace.answer == sample.answer
        assert sorted(trace.boxes) == sorted(box.corners for box in sample.boxes or ())


@pytest.mark.parametrize("name", ["vsr_cot_train_10", "tallyqa_train_10", "vsr_val", "tallyqa_val"])
@pytest.mark.parametrize("style", FAMILIES)
def test_real_rows(grit_rows: Path, name: str, style: TraceStyle) -> None:
    file = grit_rows / f"{name}.jsonl"
    samples = read_samples(file, grit_rows / name, name=name, require_images=False).samples
    for sample in samples:
        space = NORMALIZED_1000 if style == "internvl" else Space("resized", 28 * 20, 28 * 15)
        text = taught_trace(sample, space, style)
        trace, (think, rethink, answer) = parse(text), parts(text)
        assert trace.think_pair
        assert trace.rethink_pair
        assert len(trace.boxes) == len(sample.boxes or ())
        assert answer == sample.answer
        assert "object" not in text
        assert re.fullmatch(r"[A-Z][^.<>\[\]]+\.", rethink)
        if style == "json" and sample.boxes:
            listed = json.loads(think.partition(":")[2])
            assert tuple(tuple(each["bbox_2d"]) for each in listed) == trace.boxes
            assert all(set(each) == {"bbox_2d", "label"} for each in listed)
