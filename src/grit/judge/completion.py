"""Read the text and the token counts of a chat completion, which is untrusted JSON."""

from typing import Any

from grit.judge.reply import UnreadableReply

MOST_TOKENS = 10_000_000
"""Per call; larger counts are not believed."""


def text_of(completion: Any) -> str:
    """The text of the first choice.

    Raises:
        UnreadableReply: there is none; the message says what is there instead.
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
    """Prompt tokens and completion tokens; None if the counts are missing or implausible."""
    usage = _get(completion, "usage")
    counts = _get(usage, "prompt_tokens"), _get(usage, "completion_tokens")
    asked, said = (count if _is_count(count) else None for count in counts)
    return None if asked is None or said is None else (asked, said)


def _is_count(value: Any) -> bool:
    number = isinstance(value, int) and not isinstance(value, bool)
    return number and 0 <= value <= MOST_TOKENS


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
