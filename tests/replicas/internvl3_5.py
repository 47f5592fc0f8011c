"""``OpenGVLab/InternVL3_5-2B-HF`` in small; the numbers of its files are from memory.

Its language model is Qwen3, which normalises queries and keys and has ``<think>`` as one token.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replicas.folders import REAL_INTERNVL, Sizes, write_internvl
from replicas.vocabulary import INTERNVL3_5_TOKENS

TEXT: Mapping[str, Any] = {
    "model_type": "qwen3",
    "vocab_size": 151936,
    "head_dim": 32,
    "attention_bias": False,
    "max_position_embeddings": 40960,
    "rope_scaling": None,
}


def real(hidden: int, intermediate: int, layers: int, heads: int) -> Sizes:
    """The sizes of a real model: of its language model, and of its vision tower."""
    text = {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 8,
        "head_dim": 128,
    }
    return text, REAL_INTERNVL[1]


REAL = {
    "1b": real(1024, 3072, 28, 16),
    "2b": real(2048, 6144, 28, 16),
    "4b": real(2560, 9728, 36, 32),
}


def write_internvl3_5(folder: Path, *, sizes: Sizes | None = None) -> Path:
    """A folder like the Hub's; one of real ``sizes`` is written without weights."""
    return write_internvl(
        folder, age="new", sizes=sizes, text_fields=TEXT, added=INTERNVL3_5_TOKENS
    )
