"""Where a model looked while it wrote a box: the attention of figure 5, laid over the picture."""

import numpy as np

from grit.grounding.box_lists import BOX_TOKENS
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.studies.attention_prefixes import extended
from grit.studies.attention_study import attention_by_image_token


def box_attention(
    prompt: EncodedPrompt,
    completion: str,
    span: tuple[int, int],
    adapter: Adapter,
    written: str | None = None,
) -> np.ndarray:
    """The attention [rows, columns] on the picture of the steps that wrote a part of a chain.

    Averaged over layers, heads and the part's tokens; its sum is the share of all attention that
    the picture got.

    Args:
        prompt: that the chain answers.
        completion: the chain.
        span: the part's first character and the one behind its last.
        adapter: of the model.
        written: the chain with its special tokens of boxes; None: it has none.
    """
    text = completion if written is None else written
    encoded = adapter.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    start, end = span if written is None else span_as_written(span, completion, written)
    places = [
        place
        for place, (first, last) in enumerate(encoded["offset_mapping"])
        if first < end and start < last
    ]
    ids = encoded["input_ids"]
    before = extended(prompt, ids[: places[0]])
    weights = attention_by_image_token(before, ids[places[0] : places[-1] + 1], adapter)
    return adapter.on_picture(prompt, weights.mean(0)).cpu().numpy()


def span_as_written(span: tuple[int, int], completion: str, written: str) -> tuple[int, int]:
    """Where a part of a completion stands in it as written, which has tokens of boxes between."""
    places, at = [], 0
    for place in range(len(completion)):
        while (token := _token_at(written, at)) and not completion.startswith(token, place):
            at += len(token)
        places.append(at)
        at += 1
    start, end = span
    return places[start], places[end - 1] + 1


def _token_at(text: str, place: int) -> str | None:
    return next((token for token in BOX_TOKENS if text.startswith(token, place)), None)
