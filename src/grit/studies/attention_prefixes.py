"""What a model goes on from in figure 5: a chain up to <rethink>, whole and with parts removed.

Three prefixes of one completion:

- ``boxes``: as it was said;
- ``no_boxes``: every box removed, with its brackets and tokens of boxes; the words stay;
- ``fewer_words``: the boxes stay, and as many other tokens are removed as the boxes have. Attention
  is shared out among all tokens before, so any shorter prefix leaves more of it to the image; this
  control is as short as ``no_boxes``.

The other tokens are drawn at random from the chain, and where it has too few, from the prompt's
text. Image tokens, the marks of the chat and ``<rethink>`` itself always stay.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import torch
from torch import Tensor

from grit.core.seeding import seed_for
from grit.grounding.traces import BOX_PATTERN
from grit.models.adapter import Adapter
from grit.models.encoded_prompt import EncodedPrompt
from grit.studies.kept_chains import RETHINK

PREFIXES = ("boxes", "no_boxes", "fewer_words")

_BOX = BOX_PATTERN.pattern
_GROUP = rf"(?:[\d,\s\[\]]*{_BOX}[\d,\s\[\]]*)"  # between tokens of boxes
_BOX_AND_BRACKETS = re.compile(
    rf" ?<box>{_GROUP}</box>| ?<\|begin_of_box\|>{_GROUP}<\|end_of_box\|>"
    rf"| ?\[\s*{_BOX}\s*\]| ?{_BOX}"
)


def can_be_cut(completion: str) -> bool:
    """Whether there is a ``<rethink>``, and a box before it."""
    chain, tag, _ = completion.partition(RETHINK)
    return bool(tag and BOX_PATTERN.search(chain))


def prefixes(
    prompt: EncodedPrompt, completion: str, adapter: Adapter, seed: int = 0
) -> dict[str, EncodedPrompt]:
    """The prefixes of a completion as written by their names in ``PREFIXES``, to go on from.

    ``fewer_words`` is left out where chain and prompt together have fewer other tokens than the
    boxes. Raises ValueError for a completion that cannot be cut.
    """
    if not can_be_cut(completion):
        raise ValueError("a completion needs <rethink> and a box before it")
    chain = completion.partition(RETHINK)[0]
    whole, bare = (_ids(text + RETHINK, adapter) for text in (chain, without_boxes(chain)))
    variants = {"boxes": extended(prompt, whole), "no_boxes": extended(prompt, bare)}
    random = Random(seed_for(seed, "figure5", prompt.id))
    removed = _control_tokens(prompt, chain, whole, len(whole) - len(bare), adapter, random)
    if removed is not None:
        variants["fewer_words"] = shortened(variants["boxes"], removed)
    return variants


def without_boxes(chain: str) -> str:
    """The chain without its boxes: "red circle [5, 6, 20, 22], blue" -> "red circle, blue"."""
    return _BOX_AND_BRACKETS.sub("", chain)


def extended(prompt: EncodedPrompt, token_ids: Sequence[int]) -> EncodedPrompt:
    """The prompt followed by what was already said."""
    places = torch.arange(prompt.next_position, prompt.next_position + len(token_ids))
    rows = places.expand(prompt.positions.shape[0], -1)
    return replace(
        prompt,
        input_ids=torch.cat([prompt.input_ids, torch.tensor(token_ids, dtype=torch.long)]),
        positions=torch.cat([prompt.positions, rows], 1),
    )


def shortened(prompt: EncodedPrompt, removed: Sequence[int]) -> EncodedPrompt:
    """The prompt without the text tokens at these places; what follows them moves up."""
    keep = torch.ones(len(prompt.input_ids), dtype=torch.bool)
    keep[list(removed)] = False
    gone = (~keep).cumsum(0)  # [P], how many places each token moves: text takes one position each
    return replace(
        prompt, input_ids=prompt.input_ids[keep], positions=(prompt.positions - gone)[:, keep]
    )


def _ids(text: str, adapter: Adapter) -> list[int]:
    return list(adapter.tokenizer(text, add_special_tokens=False)["input_ids"])


def _control_tokens(
    prompt: EncodedPrompt,
    chain: str,
    whole: Sequence[int],
    count: int,
    adapter: Adapter,
    random: Random,
) -> list[int] | None:
    """Places of ``count`` tokens that are no box, drawn at random; None where there are fewer."""
    length = len(prompt.input_ids)
    words = [length + place for place in _words_of(chain, whole, adapter)]
    text = _text_of(prompt.input_ids, adapter)
    drawn = random.sample(words, len(words)) + random.sample(text, len(text))
    return drawn[:count] if len(drawn) >= count else None


def _words_of(chain: str, whole: Sequence[int], adapter: Adapter) -> list[int]:
    """Places in the chain's tokens that are neither part of a box nor of the last tag."""
    encoded = adapter.tokenizer(
        chain + RETHINK, add_special_tokens=False, return_offsets_mapping=True
    )
    taken = [match.span() for match in _BOX_AND_BRACKETS.finditer(chain)]
    taken.append((len(chain), len(chain) + len(RETHINK)))
    assert len(encoded["offset_mapping"]) == len(whole)
    return [
        place
        for place, (start, end) in enumerate(encoded["offset_mapping"])
        if not any(start < last and first < end for first, last in taken)
    ]


def _text_of(input_ids: Tensor, adapter: Adapter) -> list[int]:
    """Places of the user's text in a prompt: after the image, up to the end of the turn."""
    ids = input_ids.tolist()
    image = max(place for place, token in enumerate(ids) if token == adapter.image_id)
    end = next((at for at in range(image, len(ids)) if ids[at] in adapter.end_ids), len(ids))
    return [at for at in range(image + 1, end) if ids[at] not in adapter.placeholder_ids]
