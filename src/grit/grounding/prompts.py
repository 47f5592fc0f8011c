"""What a model is asked: the question, GRIT's suffix, and the worked example of one-shot ICL."""

from grit.grounding.box_lists import BoxStyle, internvl_group, json_object

GRIT_SUFFIX = (
    " First, think between <think> and </think> while output necessary coordinates needed to"
    " answer the question in JSON with key 'bbox_2d'. Then, based on the thinking contents and"
    " coordinates, rethink between <rethink> </rethink> and then answer the question after"
    " <answer>.\n"
)
"""The paper's figure 7; its first space and last newline are the released code's."""

BOX_TAGS_SUFFIX = GRIT_SUFFIX.replace("in JSON with key 'bbox_2d'", "between <box> and </box>")
"""What the released code puts before InternVL's worked example; all else has ``GRIT_SUFFIX``."""

_CHAIRS = (
    (38, 212, 131, 402),
    (147, 205, 236, 391),
    (251, 208, 344, 397),
    (362, 214, 449, 405),
    (470, 219, 566, 418),
)


def icl_example(style: BoxStyle) -> str:
    """The worked example that one-shot ICL appends to the suffix: question, trace and answer.

    ``json`` lists the boxes under the key ``bbox_2d`` (Qwen2.5-VL); ``internvl`` writes them as
    ``<ref>chair</ref><box>[[...], ...]</box>``. As in the released code it asks for five chairs.
    """
    if style == "json":
        boxes = "[" + ", ".join(json_object("chair", box) for box in _CHAIRS) + "]"
    else:
        boxes = internvl_group("chair", _CHAIRS)
    return (
        "Example:\nQuestion: How many chairs are there?\n"
        f"<think> I look for every chair in the image: {boxes} </think>\n"
        "<rethink> Each of the boxes holds one chair, so there are 5 chairs. </rethink>\n"
        "<answer> 5 </answer>\n"
    )


def user_text(question: str, *, suffix: bool, example: str = "", wording: str = GRIT_SUFFIX) -> str:
    """The text that follows the image: a line that names the question, suffix, example (code)."""
    return f"\nQuestion: {question}" + (wording if suffix else "") + example
