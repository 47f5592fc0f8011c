"""The text of a completion as its model wrote it, with the tokens that stand around boxes."""

from collections.abc import Sequence

from grit.grounding.box_lists import BOX_TOKENS
from grit.models.adapter import Adapter


def written_text(token_ids: Sequence[int], adapter: Adapter) -> str:
    """``Adapter.decode``, but with ``BOX_TOKENS`` also where they are special tokens.

    Rewards and metrics read the text of ``decode``, which lacks InternVL's tags of boxes as the
    released code's does. To continue a completion from a prefix, take this one.
    """
    added = adapter.tokenizer.added_tokens_decoder
    box_ids = {id_ for id_, token in added.items() if token.content in BOX_TOKENS}
    if box_ids.isdisjoint(token_ids):
        return adapter.decode(token_ids)
    dropped = {id_ for id_, token in added.items() if token.special} - box_ids
    kept = [id_ for id_ in token_ids if id_ not in dropped]
    return str(adapter.tokenizer.decode(kept, skip_special_tokens=False))
