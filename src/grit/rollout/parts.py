"""Prompts by parts that fit into memory, where there may be thousands of them."""

from collections.abc import Iterable, Iterator

from grit.models.encoded_prompt import EncodedPrompt

BYTES_AT_A_TIME = 2**30  # of vision tensors and decoded pictures


def parts_of(prompts: Iterable[EncodedPrompt], at_a_time: int) -> Iterator[list[EncodedPrompt]]:
    """The prompts in order, in lists of at most ``at_a_time``; completions do not depend on it.

    A list is emptied when the next one is asked for, so that there is only one at a time.
    """
    part: list[EncodedPrompt] = []
    size = 0
    for prompt in prompts:
        if part and (len(part) == at_a_time or size + prompt.nbytes > BYTES_AT_A_TIME):
            yield part
            part.clear()
            size = 0
        part.append(prompt)
        size += prompt.nbytes
    if part:
        yield part
