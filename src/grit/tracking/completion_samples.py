"""A callback that shows completions of the training with their boxes, every few steps."""

from typing import Any

import pytorch_lightning as pl

from grit.tracking.dashboard import Dashboard
from grit.training.module import GRPOGR


class CompletionSamples(pl.Callback):
    """Logs the completions of one prompt every ``every`` steps."""

    def __init__(self, dashboard: Dashboard, every: int) -> None:
        self.dashboard, self.every = dashboard, every

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log the completions of the step's first prompt."""
        if batch_idx % self.every:  # global_step counts updates, not steps
            return
        if isinstance(pl_module, GRPOGR):
            first = pl_module.last_rollouts[: pl_module.settings.group_size]
            self.dashboard.completions(first, batch_idx)
