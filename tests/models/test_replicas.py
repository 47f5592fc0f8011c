"""The replicas themselves: are they what the Hub's folders are?"""

import json

import pytest
from replicas import MAKERS
from safetensors import safe_open
from transformers import AutoConfig, AutoTokenizer


@pytest.mark.parametrize("name", MAKERS)
def test_the_tokenizer_is_the_real_one(replica, name):
    tokenizer = AutoTokenizer.from_pretrained(replica(name))
    assert tokenizer.encode("Hello world") == [9707, 1879]
    assert tokenizer.encode("<|im_start|>assistant\n") == [151644, 77091, 198]
    assert tokenizer.convert_tokens_to_ids("<|endoftext|>") == 151643
    text = "<think> [12, 345]\n</think> naïve 你好 Ω\t🙂</answer>"
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    ("name", "rows", "tied"),
    [
        ("qwen", 151936, True),
        ("qwen_new", 151936, False),
        ("qwen3", 151936, True),
        ("internvl", 151674, False),
        ("internvl3_5", 151936, False),
        ("internvl_new", 151674, False),
    ],
)
def test_the_head_is_as_on_the_hub(replica, name, rows, tied):
    folder = replica(name)
    config = AutoConfig.from_pretrained(folder)
    assert config.get_text_config().vocab_size == rows
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    head = [weight for weight in index if weight.endswith("lm_head.weight")]
    assert (head == []) is tied
    for weight in head:
        with safe_open(folder / index[weight], "pt") as file:
            assert file.get_slice(weight).get_shape() == [rows, 64]
            assert file.get_slice(weight).get_dtype() == "BF16"


def test_old_and_new_names_of_weights(replica):
    def starts(name):
        index = json.loads((replica(name) / "model.safetensors.index.json").read_text())
        return {weight.split(".")[0] for weight in index["weight_map"]}

    assert starts("qwen") == {"model", "visual"}
    assert starts("qwen_new") == {"lm_head", "model"}
    assert starts("qwen3") == {"model"}
    assert starts("internvl") == {"language_model", "multi_modal_projector", "vision_tower"}
    assert starts("internvl_new") == {"lm_head", "model"}


def test_what_internvl_asks_for_and_has_no_row_for(replica):
    tokenizer = AutoTokenizer.from_pretrained(replica("internvl"))
    assert tokenizer.convert_tokens_to_ids("<video>") == 151674
    assert AutoConfig.from_pretrained(replica("internvl")).image_token_id == 151667
