"""The part of the schema that says who judges answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint

MISSING: Any = "???"  # OmegaConf's mark of a value that has to be set


@dataclass
class PriceConfig:
    """US dollars for a million tokens."""

    input: float = MISSING
    output: float = MISSING


@dataclass
class JudgeConfig:
    """Who says whether an answer is right."""

    name: str = MISSING

    @property
    def label(self) -> str:
        """Who judges, as results say it: results of different labels share no table."""
        return self.name


@dataclass
class OwnJudgeConfig(JudgeConfig):
    """A function of one's own; takes the place of JudgeConfig where it is."""

    call: str | None = None  # dotted path of a function (question, truth, prediction) -> score

    @property
    def label(self) -> str:
        """Which function it is too."""
        return f"{self.name} ({self.call})"


@dataclass
class ServiceJudgeConfig(JudgeConfig):
    """A model behind an OpenAI-compatible service; takes the place of JudgeConfig where it is."""

    model: str = MISSING
    base_url: str = MISSING
    azure_api_version: str | None = None  # not null: the service is Azure's
    temperature: float | None = 0.0
    max_tokens: int | None = 256  # of a reply
    exact_match_first: bool = False  # an answer that equals the truth is right without being asked
    ask_first: bool = True  # one question before a model is loaded: does anybody answer?
    max_failure_rate: float = 0.5  # a larger share of unjudged answers stops the run
    in_flight: int = 64  # calls at a time, of each process
    attempts: int = 5
    timeout: float = 30.0  # seconds of one call
    total_timeout: float = 120.0  # seconds of one question with all its calls and waits
    backoff: float = 1.0  # seconds before the second call, doubled before each that follows
    cache: str | None = None  # folder; null: none
    prices: dict[str, PriceConfig] | None = None  # by model; null, or no entry: cost not known
    prompt_file: str | None = None  # a text that replaces the paper's prompt; becomes `prompt`
    prompt: str | None = None  # the text itself; null: the paper's

    @property
    def label(self) -> str:
        """With which prompt too, where it is not the paper's; its model stands beside its usage."""
        prompt = "" if self.prompt is None else f", prompt {fingerprint(self.prompt)[:8]}"
        return self.name + prompt


OWN = "own"
SERVICE = "openai"
WITH_FIELDS = {OWN: OwnJudgeConfig, SERVICE: ServiceJudgeConfig}
"""The judges whose configuration has more fields than a name."""

PLACEHOLDERS = ("question", "answer", "predicted_answer")
"""What stands between braces in a judge's prompt; all other braces but ``MARK``'s are text."""
MARK = "mark"
"""May stand between braces too: digits that the predicted answer cannot know, to mark its ends."""


def check_address(address: str) -> None:
    """Raise GritError where a service cannot be at this address."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  # read only here: a port that is no number raises
    except ValueError as error:
        raise GritError(f"config: judge.base_url: {error}") from error
    if parts.username or parts.password or parts.query:  # not repeated here: it may be a secret
        raise GritError(
            "config: judge.base_url must be an address alone; keys come from the environment only"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise GritError(f"config: judge.base_url must be an http address, not {address}")


def read_prompt(judge: ServiceJudgeConfig) -> str | None:
    """The prompt that ``prompt_file`` holds, or ``prompt``; None for the paper's.

    Raises:
        GritError: both are given, the file cannot be read, or the text is no prompt.
    """
    if judge.prompt_file is None:
        return None if judge.prompt is None else _checked(judge.prompt, "judge.prompt")
    if judge.prompt is not None:
        raise GritError("config: judge.prompt and judge.prompt_file are both set: give one of them")
    setting = f"judge.prompt_file={judge.prompt_file}"
    try:
        text = Path(judge.prompt_file).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise GritError(f"config: {setting}: is not UTF-8") from error
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise GritError(f"config: {setting}: cannot be read: {reason}") from error
    return _checked(text.strip(), setting)


def _checked(prompt: str, setting: str) -> str:
    for name in PLACEHOLDERS:
        if f"{{{name}}}" not in prompt:
            wanted = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise GritError(f"config: {setting}: {{{name}}} is missing: a prompt holds {wanted}")
    if "${" in prompt:  # it stands in config.yaml, where that would be a reference
        raise GritError(f"config: {setting}: a prompt cannot hold ${{")
    return prompt
