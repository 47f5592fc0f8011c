"""What libraries say on which a user cannot act."""

import logging
import warnings

# Warnings of libraries about each other.
NOISE = (
    ".*LeafSpec.* is deprecated",  # Lightning 2.6 with torch 2.15
    ".*is_gradient_checkpointing.* is deprecated",  # peft 0.21 with transformers 5.23
)


def quieten() -> None:
    """Silence libraries' warnings on which a user cannot act, and transformers' progress bars."""
    from transformers.utils.logging import disable_progress_bar  # takes seconds

    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    disable_progress_bar()  # while loading weights
    # If DeepSpeed is installed, it logs its accelerator in every run, even when it is not used.
    logging.getLogger("DeepSpeed").addFilter(lambda said: "accelerator" not in said.getMessage())
