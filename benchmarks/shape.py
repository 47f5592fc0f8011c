"""The models and prompts that are measured: real classes, random weights, no downloads.

A shape is plain values, so that it travels to the process of an arm as JSON.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from grit.data.samples import Sample
from grit.grounding.boxes import Space
from grit.grounding.prompts import user_text
from grit.models.adapter import Adapter
from grit.models.loading import ADAPTERS
from grit.models.tiny import shipped_folder
from grit.models.tiny_families import FAMILIES, make_processor, tokens_of
from grit.models.tiny_tokenizer import NAMED_TOKENS, Family

# (text config, vision config) of each model. The large ones are those of their config.json.
MODELS: dict[str, tuple[Family, dict[str, Any], dict[str, Any]]] = {
    "smoke": (
        "qwen",
        {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
        {"hidden_size": 64, "intermediate_size": 128, "depth": 2, "fullatt_block_indexes": [1]},
    ),
    "smoke_internvl": (
        "internvl",
        {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
        {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
    ),
    "qwen_40m": (
        "qwen",
        {"hidden_size": 192, "intermediate_size": 768, "num_hidden_layers": 12},
        {"hidden_size": 192, "intermediate_size": 512, "depth": 6, "fullatt_block_indexes": [2, 5]},
    ),
    "qwen2_5_vl_3b": (
        "qwen",
        {"hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36},
        {
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "depth": 32,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
    ),
    "internvl3_2b": (
        "internvl",
        {"hidden_size": 1536, "intermediate_size": 8960, "num_hidden_layers": 28},
        {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24},
    ),
}
VOCABULARY: dict[Family, int] = {"qwen": 151_936, "internvl": 151_674}
SMOKE_VOCABULARY = 2048


@dataclass(frozen=True)
class Shape:
    """One step: so many prompts with so many completions of so many tokens each."""

    model: str = "qwen_40m"
    prompts: int = 4
    group_size: int = 8
    completion: int = 128  # tokens, of every completion
    side: int = 448  # pixels of the square image: 256 image tokens
    extra_words: int = 0  # added to the question, to lengthen the prompt
    dtype: str = "float32"
    lora: bool = False
    checkpointing: bool = False
    beta: float = 0.0  # above 0: with a reference pass
    tokens_per_rollout_batch: int = 65536  # of ours; TRL draws all of a step at once
    tokens_per_pass: int = 2048  # of ours: a group at a time, as TRL takes them
    groups_per_pass: int = 1  # of TRL
    tokens_per_chunk: int = 256  # of ours: whose logits are alive
    steps: int = 1  # measured, after `warmup`
    warmup: int = 0
    device: str = "cpu"

    @property
    def family(self) -> Family:
        """The model's family."""
        return MODELS[self.model][0]


@dataclass(frozen=True)
class Noise:
    """A picture of noise: no two patches are alike."""

    seed: int
    side: int

    @property
    def key(self) -> str:
        """Identifies the content."""
        return f"noise-{self.seed}-{self.side}"

    def load(self) -> Image.Image:
        """The picture."""
        random = np.random.default_rng(self.seed)
        return Image.fromarray(random.integers(0, 255, (self.side, self.side, 3), dtype=np.uint8))


def samples(shape: Shape) -> list[Sample]:
    """A question about a picture of its own for each prompt of a step, the same in every step."""
    question = "Is the red circle left of the blue square?" + " Really?" * shape.extra_words
    return [
        Sample(
            id=f"bench/{i}",
            question=question,
            answer="yes",
            dataset="bench",
            picture=Noise(i, shape.side),
            space=Space("original", shape.side, shape.side),
        )
        for i in range(shape.prompts)
    ]


def prompt_tokens(shape: Shape) -> int:
    """How long the prompts are, image tokens included."""
    processor = _processor(shape)
    sample = samples(shape)[0]
    text = user_text(sample.question, suffix=True, example="")
    content = [{"type": "image"}, {"type": "text", "text": text}]
    rendered = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    return len(processor(images=[sample.picture.load()], text=[rendered])["input_ids"][0])


def model_config(shape: Shape) -> Any:
    """The model's configuration."""
    return _config(shape, _tokenizer(shape))


def reward_of(token_ids: list[int] | tuple[int, ...]) -> float:
    """A reward that costs nothing and differs within a group."""
    return sum(token_ids) % 97 / 97


def make_adapter(shape: Shape) -> Adapter:
    """The model with random weights, in its suite's adapter; vision is frozen, as in the suite."""
    processor = _processor(shape)
    tokenizer = processor.tokenizer
    config = _config(shape, tokenizer)
    torch.manual_seed(0)
    with torch.device(shape.device):
        model = AutoModelForImageTextToText.from_config(
            config, dtype=getattr(torch, shape.dtype), attn_implementation="sdpa"
        )
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return ADAPTERS[config.model_type](model, processor)


def _tokenizer(shape: Shape) -> PreTrainedTokenizerFast:
    """The tiny models' tokenizer with fillers up to the real number of tokens."""
    layout = json.loads((shipped_folder(shape.family) / "tokenizer.json").read_text("utf-8"))
    vocabulary = layout["model"]["vocab"]
    taken = {*vocabulary.values(), *(token["id"] for token in layout["added_tokens"])}
    wanted = SMOKE_VOCABULARY if "smoke" in shape.model else VOCABULARY[shape.family]
    vocabulary |= {f"filler{i}": i for i in range(wanted) if i not in taken}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(layout)),
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        padding_side="left",
        extra_special_tokens=NAMED_TOKENS[shape.family],
        clean_up_tokenization_spaces=False,
    )


def _processor(shape: Shape) -> Any:
    """The family's processor: patches of 14 pixels, merged 2 x 2, of images as they are."""
    processor: Any = make_processor(shape.family, _tokenizer(shape))
    if shape.family == "qwen":
        pixels = shape.side * shape.side
        processor.image_processor.patch_size = 14
        processor.image_processor.size = {"shortest_edge": pixels, "longest_edge": pixels}
        return processor
    processor.image_processor.size = {"height": shape.side, "width": shape.side}
    processor.image_processor.max_patches = 1
    processor.image_seq_length = (shape.side // 28) ** 2
    return processor


def _config(shape: Shape, tokenizer: PreTrainedTokenizerFast) -> Any:
    family, text, vision = MODELS[shape.model]
    head = 128 if text["hidden_size"] >= 1024 else 32
    text = text | {
        "num_attention_heads": text["hidden_size"] // head,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": family == "qwen",
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    }
    if family == "qwen":
        time, rest = head // 8, head // 16 * 3
        text["rope_parameters"] |= {"mrope_section": [time, rest, rest]}
        vision = vision | {
            "num_heads": max(2, vision["hidden_size"] // 80),
            "out_hidden_size": text["hidden_size"],
            "patch_size": 14,
            "window_size": 112,
        }
    else:
        vision = vision | {
            "num_attention_heads": vision["hidden_size"] // 64,
            "image_size": [shape.side, shape.side],
            "patch_size": [14, 14],
        }
    text = text | tokens_of(tokenizer)
    return FAMILIES[family].config(tokenizer, text, vision, (shape.side // 28) ** 2)
