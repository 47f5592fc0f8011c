"""From a checked configuration to who scores answers: the judge and the reward. Without torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.judge.cache import ScoreCache
from grit.judge.judge import Judge
from grit.judge.own import OwnJudge
from grit.judge.rules import RulesJudge
from grit.judge.settings import WITH_FIELDS, OwnJudgeConfig, ServiceJudgeConfig
from grit.judge.usage import Price
from grit.rewards.reward import Reward, reward_from

if TYPE_CHECKING:
    from grit.judge.service import ServiceJudge


def make_reward(config: Config) -> Reward:
    """The reward that the configuration names."""
    terms = {name: (term.call, term.weight) for name, term in config.reward.terms.items()}
    return reward_from(terms, config.reward.counting_datasets)


def make_judge(config: Config) -> Judge:
    """The judge that the configuration names.

    Raises:
        GritError: there is no such judge or function, no key for its service, or its cache cannot
            be used.
    """
    judge = config.judge
    if isinstance(judge, ServiceJudgeConfig):
        return service_judge(judge)
    if isinstance(judge, OwnJudgeConfig):
        if judge.call is None:
            raise GritError(
                "config: judge=own needs judge.call=MODULE.FUNCTION, a function of (question, "
                "truth, prediction)"
            )
        return OwnJudge(judge.call, judge.label)
    if judge.name != "rules":
        known = ", ".join(("rules", *WITH_FIELDS))
        raise GritError(f"config: judge.name={judge.name} is no judge; there are: {known}")
    return RulesJudge()


def service_judge(judge: ServiceJudgeConfig) -> "ServiceJudge":
    """The judge behind a service; raises GritError like `make_judge`."""
    from grit.judge.service import Service, ServiceJudge  # a second that judge=rules need not pay

    service = Service(
        model=judge.model,
        base_url=judge.base_url,
        azure_api_version=judge.azure_api_version,
        temperature=judge.temperature,
        max_tokens=judge.max_tokens,
        attempts=judge.attempts,
        timeout=judge.timeout,
        total_timeout=judge.total_timeout,
        backoff=judge.backoff,
        prices={name: Price(p.input, p.output) for name, p in (judge.prices or {}).items()},
    )
    return ServiceJudge(
        service,
        in_flight=judge.in_flight,
        max_failure_rate=judge.max_failure_rate,
        cache=None if judge.cache is None else ScoreCache(Path(judge.cache).expanduser()),
        exact_match_first=judge.exact_match_first,
        ask_first=judge.ask_first,
        prompt=judge.prompt,
    )
