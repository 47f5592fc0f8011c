"""What a chat completion says, and what it says it used: JSON that anybody may have written."""

from typing import Any

from grit.judge.reply import UnreadableReply

MOST_TOKENS = 10_000_000
"""Of one call; more than any model reads or writes."""


def text_of(completion: Any) -> str:
    """The text of the first choice.

    Raises:
        UnreadableReply: there is none; says what is there instead.
    """
    choices = _get(completion, "choices")
    message = _get(choices[0], "message") if isinstance(choices, list) and choices else None
    if not isinstance(message, dict):
        raise UnreadableReply("a response that is no chat completion")
    text, refusal = message.get("content"), message.get("refusal")
    if isinstance(text, str):
        return text
    said = f"a refusal ({refusal})" if isinstance(refusal, str) and refusal else None
    raise UnreadableReply(said or "a reply without text")


def tokens_of(completion: Any) -> tuple[int, int] | None:
    """The tokens read and written; None where they are not counted, or not believable."""
    usage = _get(completion, "usage")
    counts = _get(usage, "prompt_tokens"), _get(usage, "completion_tokens")
    asked, said = (count if _is_count(count) else None for count in counts)
    return None if asked is None or said is None else (asked, said)


def _is_count(value: Any) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return number and 0 <= value <= MOST_TOKENS


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
