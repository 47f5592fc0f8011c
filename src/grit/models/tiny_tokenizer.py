"""The tokenizer of the tiny models: byte-level BPE trained on texts about drawn scenes.

Every digit is a token of its own, and ``", "`` is a single one, so that coordinates are read digit
by digit. The reasoning tags are added tokens, and so are the phrases between the tags of the
prompt's suffix, which then has about a dozen tokens instead of about eighty. Added tokens do not
change how other text is split, and decode to the same text.
"""

import re
from collections.abc import Iterable
from typing import Literal

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from grit.grounding.prompts import GRIT_SUFFIX
from grit.models import internvl_layout

Family = Literal["qwen", "internvl", "qwen3"]

REASONING_TAGS = ("<think>", "</think>", "<rethink>", "</rethink>", "<answer>", "</answer>")
CHAT_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
QWEN_NAMED_TOKENS = {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"}
FAMILY_TOKENS: dict[Family, tuple[str, ...]] = {
    "qwen": QWEN_TOKENS,
    "qwen3": QWEN_TOKENS,
    "internvl": (
        *("<img>", "</img>", "<IMG_CONTEXT>", "<video>"),
        *("<ref>", "</ref>", "<box>", "</box>"),
    ),
}
# Attributes that the processors read from their tokenizer.
NAMED_TOKENS: dict[Family, dict[str, str]] = {
    "qwen": QWEN_NAMED_TOKENS,
    "qwen3": QWEN_NAMED_TOKENS,
    "internvl": internvl_layout.NAMED_TOKENS,
}
# In this order: the key of a box, ", ", single digits, words with their space, other characters.
PIECES = r"bbox_2d|, |\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+"
VOCABULARY = 1024


def train_tokenizer(family: Family, corpus: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train the tokenizer on ``corpus``; the same corpus gives the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=2,
        special_tokens=[*CHAT_TOKENS, *FAMILY_TOKENS[family]],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    plain = [*REASONING_TAGS, *suffix_phrases()]
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in plain])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=NAMED_TOKENS[family],
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )


def suffix_phrases() -> list[str]:
    """The parts of GRIT's suffix between its tags that have several words."""
    parts = re.split("|".join(map(re.escape, REASONING_TAGS)), GRIT_SUFFIX)
    return [part for part in dict.fromkeys(parts) if len(part.split()) > 1]
