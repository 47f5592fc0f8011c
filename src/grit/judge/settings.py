"""Settings of the judges of answers."""

from pathlib import Path
from urllib.parse import urlsplit

from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint
from grit.core.settings import PathText, Text, setting, settings


@settings
class PriceSettings:
    """Prices in US dollars per million tokens."""

    input: float = setting("of tokens that the judge reads", ge=0)
    output: float = setting("of tokens that it writes", ge=0)


@settings
class JudgeSettings:
    """The judge that scores predicted answers."""

    name: Text = setting("rules, openai or own")

    @property
    def label(self) -> str:
        """The judge's name in results; results with different labels are not in one table."""
        return self.name


@settings
class FallibleJudgeSettings(JudgeSettings):
    """A judge that may leave answers unjudged."""

    max_failure_rate: float = setting(
        "more unjudged answers of the last ten steps, or of an evaluation, stop the run",
        0.5,
        ge=0,
        le=1,
        changes_results=False,
    )


@settings
class OwnJudgeSettings(FallibleJudgeSettings):
    """A user's function as the judge."""

    call: Text | None = setting(
        "dotted path of a function (question, truth, prediction) -> score", None
    )

    @property
    def label(self) -> str:
        """The judge's name in results, with the function's path."""
        return f"{self.name} ({self.call})"


@settings
class ServiceJudgeSettings(FallibleJudgeSettings):
    """A model behind an OpenAI-compatible service."""

    model: Text = setting("the judge's name at its service")
    base_url: Text = setting("the service's address", changes_results=False)
    azure_api_version: Text | None = setting(
        "with Azure for example 2024-10-21, and base_url its endpoint; null: not Azure's", None
    )
    temperature: float | None = setting(
        "sampling temperature; null leaves it to the service: some models take none", 0.0, ge=0
    )
    max_tokens: int | None = setting("of a reply; null leaves it to the service", 256, ge=1)
    exact_match_first: bool = setting(
        "an answer that equals the truth is right without being asked", False
    )
    ask_first: bool = setting(
        "one question before a model is loaded: does anybody answer?", True, changes_results=False
    )
    in_flight: int = setting("calls at a time, of each process", 64, ge=1, changes_results=False)
    attempts: int = setting("calls for one question at most", 5, ge=1, changes_results=False)
    timeout: float = setting("seconds of one call", 30.0, gt=0, changes_results=False)
    total_timeout: float = setting(
        "seconds of one question with all its calls and waits", 120.0, gt=0, changes_results=False
    )
    backoff: float = setting(
        "seconds before the second call, doubled before each that follows",
        1.0,
        ge=0,
        changes_results=False,
    )
    cache: Text | None = setting("folder of answers; null: none", None, changes_results=False)
    prices: dict[str, PriceSettings] | None = setting(
        "by model; null, or no entry: cost not known", None, changes_results=False
    )
    # The file's text is in `prompt` by the time that settings are compared.
    prompt_file: PathText | None = setting(
        "a text with {question}, {answer}, {predicted_answer} instead of the paper's prompt; "
        "{mark} in it becomes digits that the answer cannot know: for tags round the answer",
        None,
        changes_results=False,
    )
    prompt: Text | None = setting("the text itself; null: the paper's", None)

    @property
    def key_name(self) -> str:
        """The environment variable that holds the API key."""
        return "OPENAI_API_KEY" if self.azure_api_version is None else "AZURE_OPENAI_API_KEY"

    @property
    def answering(self) -> tuple[str, str, float | None, int | None]:
        """Who answers a question and how: what a cached answer is an answer of."""
        return self.model, self.base_url, self.temperature, self.max_tokens

    @property
    def label(self) -> str:
        """The judge's name in results, with a hash of the prompt unless it is the paper's.

        The model is recorded with its usage.
        """
        prompt = "" if self.prompt is None else f", prompt {fingerprint(self.prompt)[:8]}"
        return self.name + prompt


OWN = "own"
SERVICE = "openai"
WITH_FIELDS = {OWN: OwnJudgeSettings, SERVICE: ServiceJudgeSettings}
"""The judges whose configuration has more fields than a name."""

PLACEHOLDERS = ("question", "answer", "predicted_answer")
"""Names in braces that a judge's prompt must have; other braces, except ``MARK``'s, are text."""
MARK = "mark"
"""Optional name in braces: digits that the predicted answer cannot know, for tags round it."""


def check_address(address: str) -> None:
    """Raise GritError for an address that is not http(s), or that contains a key or user name."""
    try:
        parts = urlsplit(address)
        port = parts.port  # raises if it is not a number in range
    except ValueError as error:
        raise GritError(f"config: judge.base_url: {error}") from error
    if parts.username or parts.password or parts.query:  # not repeated here: it may be a secret
        raise GritError(
            "config: judge.base_url must be an address alone; keys come from the environment only"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise GritError(f"config: judge.base_url must be an http address, not {address}")


def read_prompt(judge: ServiceJudgeSettings) -> str | None:
    """The prompt in ``prompt_file`` or ``prompt``; None for the paper's.

    Raises:
        GritError: both are set, the file cannot be read, or the text lacks a placeholder.
    """
    if judge.prompt_file is None:
        return None if judge.prompt is None else _checked(judge.prompt, "judge.prompt")
    if judge.prompt is not None:
        raise GritError("config: judge.prompt and judge.prompt_file are both set: give one of them")
    setting = f"judge.prompt_file={judge.prompt_file}"
    try:
        text = Path(judge.prompt_file).read_text(encoding="utf-8")
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
    if "${" in prompt:  # an interpolation, in a run's config.yaml
        raise GritError(f"config: {setting}: a prompt cannot hold ${{")
    return prompt
