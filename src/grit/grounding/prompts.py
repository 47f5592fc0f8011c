"""The text of a prompt: the question, GRIT's suffix, and the worked example of one-shot ICL."""

from grit.grounding.box_lists import BoxStyle, boxes_of_label

GRIT_SUFFIX = (
    " First, think between <think> and </think> while output necessary coordinates needed to"
    " answer the question in JSON with key 'bbox_2d'. Then, based on the thinking contents and"
    " coordinates, rethink between <rethink> </rethink> and then answer the question after"
    " <answer>.\n"
)
"""From the paper's figure 7; the first space and the last newline are from the released code."""

BOX_TAGS_SUFFIX = GRIT_SUFFIX.replace("in JSON with key 'bbox_2d'", "between <box> and </box>")
"""The released code's suffix for InternVL with the worked example; else it is ``GRIT_SUFFIX``."""

_CHAIRS = (
    (38, 212, 131, 402),
    (147, 205, 236, 391),
    (251, 208, 344, 397),
    (362, 214, 449, 405),
    (470, 219, 566, 418),
)


def icl_example(style: BoxStyle) -> str:
    """The worked example that one-shot ICL appends to the suffix: question, trace and answer.

    As in the released code it counts five chairs; their boxes are written in ``style``.
    """
    boxes = boxes_of_label(style, "chair", _CHAIRS)
    return (
        "Example:\nQuestion: How many chairs are there?\n"
        f"<think> I look for every chair in the image: {boxes} </think>\n"
        "<rethink> Each of the boxes holds one chair, so there are 5 chairs. </rethink>\n"
        "<answer> 5 </answer>\n"
    )


def user_text(question: str, *, suffix: bool, example: str = "", wording: str = GRIT_SUFFIX) -> str:
    """The text of the user's turn behind the image, laid out as in the released code.

    Args:
        question: of the row.
        suffix: whether GRIT's suffix follows it.
        example: the worked example; "" without.
        wording: the text of the suffix.
    """
    return f"\nQuestion: {question}" + (wording if suffix else "") + example
