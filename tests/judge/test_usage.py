import json

import pytest

from grit.judge.settings import PriceSettings
from grit.judge.usage import NOTHING, Usage, cost_of

SOME = Usage(3, 4, 5, 1, 1.5, 300, 30, 0.02)


def test_usage_adds_up() -> None:
    assert Usage(6, 8, 10, 2, 3.0, 600, 60, 0.04) == SOME + SOME
    assert SOME + NOTHING == SOME


def test_a_cost_that_is_not_known_makes_the_sum_unknown() -> None:
    assert (SOME + Usage(cost=None)).cost is None


def test_a_summary_can_be_read_again() -> None:
    summary = json.loads(json.dumps(SOME.summary()))
    assert summary["latency"] == 0.5
    assert Usage.from_summary(summary) == SOME
    assert Usage.from_summary({k: v for k, v in summary.items() if k != "cost"}).cost is None
    assert NOTHING.latency == 0


def test_the_price_is_by_the_million() -> None:
    assert cost_of(PriceSettings(input=2.5, output=10.0), 1_000_000, 100_000) == pytest.approx(3.5)
    assert cost_of(None, 1, 1) is None


def test_usage_in_words() -> None:
    assert str(SOME) == (
        "3 calls, 4 answers from the cache, 1 without a score, 0.50 s a call, "
        "300 + 30 tokens, $0.0200"
    )
    assert "$" not in str(Usage(cost=None))
