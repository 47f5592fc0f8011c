"""The real vocabulary of Qwen2.5, which Qwen3's and InternVL3's language models share.

The package dashscope ships its 151,643 byte-pair tokens, in the order in which they were learnt;
the merges of a ``tokenizer.json`` follow from that order.
"""

import base64
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers.convert_slow_tokenizer import bytes_to_unicode

SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Id -> text, and whether transformers leaves it out of decoded text.
QWEN_TOKENS: dict[int, tuple[str, bool]] = {
    id_: (text, True)
    for id_, text in enumerate(
        [
            *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
            *("<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>"),
            *("<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>"),
            *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
        ],
        start=151643,
    )
} | {
    id_: (text, False)
    for id_, text in enumerate(
        [
            *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>"),
            *("<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
        ],
        start=151657,
    )
}
QWEN3_TOKENS = QWEN_TOKENS | {
    id_: (text, False)
    for id_, text in enumerate(
        ["<tool_response>", "</tool_response>", "<think>", "</think>"], start=151665
    )
}
_OF_INTERNVL = (
    *("<img>", "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>"),
    *("<ref>", "</ref>", "<box>", "</box>"),
    "<video>",  # transformers' processor asks for it; InternVL3's head has no row for it
)
INTERNVL_TOKENS = QWEN_TOKENS | {
    id_: (text, True) for id_, text in enumerate(_OF_INTERNVL, start=151665)
}
INTERNVL3_5_TOKENS = QWEN3_TOKENS | {
    id_: (text, True) for id_, text in enumerate(_OF_INTERNVL, start=151669)
}


def tokenizer_json(added: Mapping[int, tuple[str, bool]]) -> str:
    """A ``tokenizer.json`` of the real vocabulary and these added tokens."""
    ranks, letters = _ranks(), bytes_to_unicode()

    def written(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    vocabulary = {written(token): rank for token, rank in ranks.items()}
    merges = [(written(left), written(right)) for left, right in _merges()]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    for id_, (text, special) in sorted(added.items()):
        token = AddedToken(text, special=special, normalized=False)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
        assert tokenizer.token_to_id(text) == id_
    return tokenizer.to_str()


@cache
def _ranks() -> dict[bytes, int]:
    spec = importlib.util.find_spec("dashscope")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the real vocabulary is not here: pip install dashscope (extra dev)")
    file = Path(spec.submodule_search_locations[0]) / "resources" / "qwen.tiktoken"
    lines = file.read_bytes().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}


@cache
def _merges() -> list[tuple[bytes, bytes]]:
    """The pair that each token was made of, by rank: what its bytes come to without itself."""
    ranks = _ranks()
    return [
        _two_parts(token, ranks, rank)
        for token, rank in sorted(ranks.items(), key=lambda item: item[1])
        if len(token) > 1
    ]


def _two_parts(token: bytes, ranks: Mapping[bytes, int], own: int) -> tuple[bytes, bytes]:
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(parts[i] + parts[i + 1], own) for i in range(len(parts) - 1)]
        at = min(range(len(pairs)), key=pairs.__getitem__)
        assert pairs[at] < own, token
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]
