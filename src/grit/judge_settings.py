"""The part of the schema that says who judges answers."""

from dataclasses import dataclass
from typing import Any

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


SERVICE = "openai"  # the judge whose configuration has more fields than a name


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
