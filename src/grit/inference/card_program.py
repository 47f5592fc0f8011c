"""The program of a model card: it asks an exported model by stock transformers, and peft."""

from collections.abc import Iterator

from grit.config.schema import Config
from grit.grounding.prompts import GRIT_SUFFIX

_MODEL_LOADED = (
    "from transformers import AutoModelForImageTextToText, AutoProcessor",
    'model = AutoModelForImageTextToText.from_pretrained("NAME")',
)
_ENCODED_BY_TEMPLATE = (
    'content = [{"type": "image", "path": "photo.jpg"}, {"type": "text", "text": text}]',
    "inputs = processor.apply_chat_template(",
    '    [{"role": "user", "content": content}],',
    '    add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",',
    ")",
)


def card_program(config: Config, *, base: str | None, prompt: tuple[str, str] | None) -> str:
    """Loading, and a question; ``NAME`` stands for the exported model.

    Args:
        config: by which the suite asks the model.
        base: the Hub id of an adapter's base; None: the model is whole.
        prompt: what stands before and after the text, where it is not the chat template's.
    """
    suffix = repr(GRIT_SUFFIX) if config.method.suffix else '""'
    of_image = ("from PIL import Image",) if prompt else ()
    return "\n".join(
        [
            *of_image,
            *(_MODEL_LOADED if base is None else _adapter_loaded(config, base)),
            'processor = AutoProcessor.from_pretrained("NAME")',
            "",
            f"suffix = {suffix}",
            'text = "\\nQuestion: How many cups are there?" + suffix',
            *(_encoded_as(*prompt) if prompt else _ENCODED_BY_TEMPLATE),
            'stop = {"stop_strings": ["</answer>"], "tokenizer": processor.tokenizer}',
            "ids = model.generate(**inputs, **stop)",
            'print(processor.decode(ids[0, inputs["input_ids"].shape[1] :]))',
        ]
    )


def _adapter_loaded(config: Config, base: str) -> Iterator[str]:
    """By peft, which leaves the adapter in fp32 as in its training; transformers would round it.

    The generation settings are put in place because the base's own would count.
    """
    revision, dtype = config.model.revision, config.model.dtype
    at = "" if revision is None else f', revision="{revision}"'
    yield "from peft import PeftModel"
    yield "from transformers import AutoModelForImageTextToText, AutoProcessor, GenerationConfig"
    yield f'base = AutoModelForImageTextToText.from_pretrained("{base}"{at}, dtype="{dtype}")'
    yield 'base.generation_config = GenerationConfig.from_pretrained("NAME")'
    yield 'model = PeftModel.from_pretrained(base, "NAME")'


def _encoded_as(before: str, after: str) -> Iterator[str]:
    """The lines that ask with other words around the text than the chat template's."""
    yield f"before = {before!r}"
    yield f"after = {after!r}"
    yield 'image = Image.open("photo.jpg").convert("RGB")'
    yield "prompt = before + text + after  # as it was trained, not by the chat template"
    yield 'inputs = processor(images=[image], text=[prompt], return_tensors="pt")'
