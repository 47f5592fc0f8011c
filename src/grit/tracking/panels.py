"""Names of metrics in every dashboard, and Lightning's logger that gives them."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from pytorch_lightning.loggers.logger import Logger


def panel(name: str) -> str:
    """The name of a metric in a dashboard.

    W&B, TensorBoard and trackio all name a section of panels by the part before the first slash, so
    that ``train/reward_part/judge`` would be one of about fifty panels of ``train``.

    >>> [panel(f"train/{name}") for name in ("kl", "seconds/rollout", "reward_part/vsr/bleu")]
    ['train/kl', 'seconds/rollout', 'reward_part_vsr/bleu']
    """
    *sections, last = name.removeprefix("train/").split("/")
    return f"{'_'.join(sections)}/{last}" if sections else name


class PanelLogger(Logger):
    """Passes Lightning's metrics on to ``log(values by panel, step)``."""

    def __init__(self, name: str, log: Callable[[Mapping[str, float], int], None]) -> None:
        super().__init__()
        self._name, self._log = name, log

    @property
    def name(self) -> str:
        """The dashboard's name."""
        return self._name

    @property
    def version(self) -> str:
        """Empty: a run has only one version."""
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Nothing: the dashboard has the run's whole configuration."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics under the names that ``panel`` gives."""
        assert step is not None, "the learner and the validation name their step"
        self._log({panel(name): value for name, value in metrics.items()}, step)
