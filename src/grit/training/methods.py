"""How a method asks and how it trains."""

from typing import Any

from grit.judge.judge import Judge
from grit.models.adapter import Adapter
from grit.models.prompting import Prompting
from grit.rewards.reward import Reward
from grit.training.layouts.data_parallel import DataParallel
from grit.training.learner import Learner
from grit.training.module import GRPOGR
from grit.training.settings import MethodSettings, TrainingSettings
from grit.training.sft import FewShotSFT


def prompting_of(method: MethodSettings) -> Prompting:
    """How the method asks."""
    return Prompting(suffix=method.suffix, example=method.example)


def make_learner(
    method: MethodSettings,
    training: TrainingSettings,
    adapter: Adapter,
    reward: Reward,
    judge: Judge,
    *,
    steps: int,
    seed: int,
    layout: DataParallel,
) -> Learner:
    """The LightningModule of the method's training; SFT needs neither reward nor judge."""
    prompting = prompting_of(method)
    shared: dict[str, Any] = {"steps": steps, "seed": seed, "layout": layout}
    if method.training == "sft":
        return FewShotSFT(adapter, prompting, training, **shared)
    return GRPOGR(adapter, prompting, reward, judge, training, **shared)
