"""Settings of a judge behind a service."""

from typing import Any

from grit.judge.settings import ServiceJudgeSettings


def service(address: str, **changes: Any) -> ServiceJudgeSettings:
    fields = {"name": "openai", "model": "m", "base_url": address}
    return ServiceJudgeSettings(**(fields | changes))
