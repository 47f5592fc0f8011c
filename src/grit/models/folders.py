"""Reading the JSON files and the weights of a model folder.

Code in a model folder is never run: a model that needs it is refused.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers.utils import logging as transformers_log

from grit.core.errors import GritError

CONFIG = "config.json"
ADAPTER = "adapter_config.json"  # in the folder of a PEFT adapter
PREPROCESSOR, PROCESSOR = "preprocessor_config.json", "processor_config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
OWN_CODE = "auto_map"  # the field that names classes in the folder's own files
LONGEST = 200  # characters of an error; some of transformers have 4,000
_LOAD_ERRORS = (
    *(OSError, ValueError, RuntimeError, LookupError, TypeError, ImportError, SafetensorError),
    *(AttributeError, ArithmeticError, StrictDataclassError),  # of invalid configurations
)


def settings_in(folder: Path, name: str = CONFIG) -> dict[str, Any]:
    """The object in a JSON file of the folder.

    Raises:
        GritError: the file is missing or damaged.
    """
    try:
        fields = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        is_adapter = name == CONFIG and (folder / ADAPTER).is_file()
        merged = "; an adapter of LoRA becomes one by task=export export.weights=merged"
        raise GritError(
            f"{folder}: there is no {name}: expected a model folder{merged if is_adapter else ''}"
        ) from None
    except (OSError, ValueError) as error:
        raise GritError(f"{folder / name}: cannot be read: {short(error)}") from error
    if not isinstance(fields, dict):
        raise GritError(f"{folder / name}: expected an object, found {fields!r:.60}")
    return fields


def optional_settings(folder: Path, name: str) -> dict[str, Any]:
    """The same as ``settings_in``; empty if there is no such file."""
    return settings_in(folder, name) if (folder / name).is_file() else {}


def needs_code(folder: Path, what: str) -> GritError:
    """The error for a model that only its folder's own code could load."""
    return GritError(
        f"{folder}: {what} needs code that lies in the folder, which is never run: take a copy in "
        "transformers format (of InternVL those whose names end in -hf)"
    )


def stored_weights(folder: Path) -> dict[str, Tensor]:
    """All weights of a folder by their stored names.

    Raises:
        GritError: there are no weights in safetensors format, or a file is missing or damaged.
    """
    if (folder / INDEX).is_file():
        index = settings_in(folder, INDEX).get("weight_map")
        if not isinstance(index, dict):
            raise GritError(f"{folder / INDEX}: expected a weight_map")
        files = sorted({Path(str(file)).name for file in index.values()})
    elif (folder / WEIGHTS).is_file():
        files = [WEIGHTS]
    else:
        raise GritError(f"{folder}: there is neither {WEIGHTS} nor {INDEX}")
    weights: dict[str, Tensor] = {}
    for name in files:
        try:
            weights |= load_file(folder / name)
        except (OSError, SafetensorError) as error:
            raise GritError(f"{folder / name}: cannot be read: {short(error)}") from error
    return weights


def short(error: Exception) -> str:
    """The beginning of an error's message, on one line."""
    message = " ".join(str(error).split()) or type(error).__name__
    return message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"


@contextmanager
def load_errors(folder: Path, what: str) -> Iterator[None]:
    """Raise errors of transformers, while it loads from a folder, as GritError; hide its warnings.

    Args:
        folder: of the model.
        what: is loaded, for the message.

    Raises:
        GritError: it cannot be loaded.
    """
    verbosity = transformers_log.get_verbosity()
    transformers_log.set_verbosity_error()
    try:
        yield
    except _LOAD_ERRORS as error:
        if "trust_remote_code" in str(error):
            raise needs_code(folder, what) from error
        raise GritError(f"{folder}: {what} cannot be loaded: {short(error)}") from error
    finally:
        transformers_log.set_verbosity(verbosity)
