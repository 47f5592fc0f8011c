import pytest

from grit.grounding.prompts import GRIT_SUFFIX, icl_example, user_text
from grit.grounding.traces import parse

# Figure 7 of the paper; the space before it and the newline after it are the released code's.
FIGURE_7 = (
    "First, think between <think> and </think> while output necessary coordinates needed to answer "
    "the question in JSON with key 'bbox_2d'. Then, based on the thinking contents and "
    "coordinates, rethink between <rethink> </rethink> and then answer the question after <answer>."
)


def test_the_suffix_is_the_papers():
    assert GRIT_SUFFIX == " " + FIGURE_7 + "\n"


def test_user_text():
    question = "Is the motorcycle away from the bird?"
    assert user_text(question, suffix=False) == f"\nQuestion: {question}"
    assert user_text(question, suffix=True) == f"\nQuestion: {question} {FIGURE_7}\n"
    example = icl_example("json")
    assert user_text(question, suffix=True, example=example).endswith(f"<answer>.\n{example}")


@pytest.mark.parametrize("style", ["json", "internvl", "glm"])
def test_the_example_is_a_perfect_trace(style):
    example = icl_example(style)
    assert example.count("How many chairs are there?") == 1
    trace = parse(example)
    assert trace.think_pair
    assert trace.rethink_pair
    assert trace.answer == "5"
    assert len(trace.boxes) == len(set(trace.boxes)) == 5
    assert trace.all_boxes == trace.boxes
    assert all(x1 < x2 and y1 < y2 for x1, y1, x2, y2 in trace.boxes)
    assert trace.rethink is not None
    assert trace.rethink.count(".") == 1  # one sentence


def test_each_family_writes_boxes_its_own_way():
    json_style, internvl = icl_example("json"), icl_example("internvl")
    assert json_style.count('"bbox_2d": [') == json_style.count('"label": "chair"') == 5
    assert "<ref>chair</ref><box>[[" in internvl
    assert "]]</box>" in internvl
    assert "bbox_2d" not in internvl
    assert parse(json_style).boxes == parse(internvl).boxes
