"""The settings of the reward."""

from grit.core.settings import Text, setting, settings


@settings
class TermSettings:
    """One term of the reward."""

    call: Text = setting("dotted path of a function from a Response to a number")
    weight: float = setting("what the term's value is multiplied by; 0: logged, not rewarded")


@settings
class RewardSettings:
    """The reward: a weighted sum of terms."""

    name: Text = setting("what results and tables call it")
    counting_datasets: list[Text] = setting("the rows' `dataset` values that have a true count")
    terms: dict[Text, TermSettings] = setting("by the names that logs and task=score have")
