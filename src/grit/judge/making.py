"""Make a judge from its settings; the service's library is imported only if it is used."""

from grit.core.errors import GritError
from grit.judge.judge import Judge
from grit.judge.own import OwnJudge
from grit.judge.rules import RulesJudge
from grit.judge.settings import (
    WITH_FIELDS,
    JudgeSettings,
    OwnJudgeSettings,
    ServiceJudgeSettings,
)


def make_judge(settings: JudgeSettings) -> Judge:
    """The judge that the settings name.

    Raises:
        GritError: there is no such judge or function, no key for its service, or its cache cannot
            be used.
    """
    if isinstance(settings, ServiceJudgeSettings):
        from grit.judge.service import ServiceJudge  # takes a second to import

        return ServiceJudge(settings)
    if isinstance(settings, OwnJudgeSettings):
        if settings.call is None:
            raise GritError(
                "config: judge=own needs judge.call=MODULE.FUNCTION, a function of (question, "
                "truth, prediction)"
            )
        return OwnJudge(settings.call, settings.label, settings.max_failure_rate)
    if settings.name != "rules":
        known = ", ".join(("rules", *WITH_FIELDS))
        raise GritError(f"config: judge.name={settings.name} is no judge; there are: {known}")
    return RulesJudge()
