"""What a judge behind a service was used for, and what that cost."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grit.judge.settings import PriceSettings

_MILLION = 1_000_000
_COUNTS = ("calls", "cache_hits", "by_rule", "failures", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True)
class Usage:
    """Counts that add up; ``cost`` is None as soon as a part of it is not known."""

    calls: int = 0  # requests sent, repeated ones too
    cache_hits: int = 0  # answered from the cache
    by_rule: int = 0  # answered by judge.exact_match_first
    failures: int = 0  # questions that got no score, each time they were asked
    seconds: float = 0.0  # all calls, one after the other
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
        """As it stands in ``results.json`` and, by the step, among the metrics."""
        values = asdict(self)
        seconds = values.pop("seconds")
        return {"calls": values.pop("calls"), "seconds": seconds, "latency": self.latency, **values}

    @classmethod
    def from_summary(cls, values: Mapping[str, Any]) -> "Usage":
        """What ``summary`` gave; a cost that is not there is not known."""
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
    """US dollars; None where there is no price."""
    if price is None:
        return None
    return (prompt_tokens * price.input + completion_tokens * price.output) / _MILLION
