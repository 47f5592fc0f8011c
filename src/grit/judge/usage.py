"""The usage of a judge behind a service: calls, cached answers, tokens, seconds, cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grit.judge.settings import PriceSettings

_MILLION = 1_000_000
_COUNTS = ("calls", "cache_hits", "by_rule", "failures", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True)
class Usage:
    """Counts that can be added; the ``cost`` of a sum is None if any part's is unknown."""

    calls: int = 0  # requests sent, including retries
    cache_hits: int = 0  # answered from the cache
    by_rule: int = 0  # answered by judge.exact_match_first
    failures: int = 0  # questions that got no score, each time they were asked
    seconds: float = 0.0  # summed over calls, concurrent ones too
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0  # US dollars

    def __add__(self, other: "Usage") -> "Usage":
        mine, others = asdict(self), asdict(other)
        costs = mine.pop("cost"), others.pop("cost")
        cost = None if None in costs else sum(costs)
        return Usage(**{name: value + others[name] for name, value in mine.items()}, cost=cost)

    @property
    def latency(self) -> float:
        """Mean seconds of a call; 0 where there was none."""
        return self.seconds / self.calls if self.calls else 0.0

    def summary(self) -> dict[str, Any]:
        """The fields in ``results.json`` and, per step, in the metrics."""
        values = asdict(self)
        seconds = values.pop("seconds")
        return {"calls": values.pop("calls"), "seconds": seconds, "latency": self.latency, **values}

    @classmethod
    def from_summary(cls, values: Mapping[str, Any]) -> "Usage":
        """The inverse of ``summary``; a missing cost is unknown (None)."""
        counts = {name: int(values.get(name, 0)) for name in _COUNTS}
        return cls(**counts, seconds=values.get("seconds", 0.0), cost=values.get("cost"))

    def __str__(self) -> str:
        cost = "" if self.cost is None else f", ${self.cost:.4f}"
        return (
            f"{self.calls:,} calls, {self.cache_hits:,} answers from the cache, "
            f"{self.failures:,} without a score, {self.latency:.2f} s a call, "
            f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens{cost}"
        )


NOTHING = Usage()


def cost_of(
    price: PriceSettings | None, prompt_tokens: int, completion_tokens: int
) -> float | None:
    """US dollars; None without a price."""
    if price is None:
        return None
    return (prompt_tokens * price.input + completion_tokens * price.output) / _MILLION
