"""A run in TensorBoard: event files below ``tensorboard`` in its folder."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import yaml
from PIL import Image
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from grit.config.identity import plain
from grit.config.schema import Config
from grit.evaluation.metrics import METRICS
from grit.pages.chain_picture import chain_picture
from grit.pages.chains import chain_of
from grit.runs.folder import RunFolder
from grit.runs.run_record import relative
from grit.tracking.dashboard import Findings, rollout_picture
from grit.tracking.evaluation_rows import chosen_rows
from grit.tracking.panels import PanelLogger
from grit.training.diagnostics import Rollout

FOLDER = "tensorboard"
MOST = 6  # chains of a set, which TensorBoard shows one below the other
log = logging.getLogger(__name__)


class TensorBoard:
    """Writes event files, of which each point is on disk when its step ends.

    A resumed run adds a file that takes back the steps after its checkpoint, and does them again.
    """

    def __init__(self, folder: Path, *, kept: int) -> None:
        """Open the files.

        Args:
            folder: of the event files.
            kept: training steps that a resumed run keeps; 0 for a new one.
        """
        self.kept = kept
        # The server takes the first mark of a start for the run's own beginning, and drops points
        # at later ones alone: so a new run has a mark too.
        self.writer: Any = SummaryWriter(str(folder), purge_step=kept)
        self.logger = PanelLogger("tensorboard", self.numbers)

    def configuration(self, values: dict[str, Any]) -> None:
        """Log the configuration as text, and for the tab that compares runs by their settings."""
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        self.writer.add_text("config", f"```yaml\n{text}```", 0)
        compared = [f"eval/mean/{metric}" for metric in METRICS]
        for summary in hparams(dict(_flat(values)), dict.fromkeys(compared, 0.0)):
            self.writer.file_writer.add_summary(summary, 0)
        self.writer.flush()

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers at a step."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def completions(self, rollouts: Sequence[Rollout], step: int) -> None:
        """Log completions as pictures of image, boxes and text."""
        for number, rollout in enumerate(rollouts, start=1):
            self._picture(f"completions/{number}", rollout_picture(rollout), step)
        self.writer.flush()

    def findings(self, found: Findings) -> None:
        """Log the table of before and after, and some chains of each set."""
        self.writer.add_text("results", found.table(), found.step)
        for name, rows in found.after.rows.items():
            for number, row in enumerate(chosen_rows(rows, min(found.most, MOST)), start=1):
                said = row.prediction
                image = found.picture_of(said.set, said.id)
                if image is not None:
                    heading = f"{said.question} [{said.truth}]"
                    picture = chain_picture(image, heading, chain_of(row), row.answer)
                    self._picture(f"chains_{name}/{number}", picture, found.step)

    def _picture(self, name: str, picture: Image.Image, step: int) -> None:
        self.writer.add_image(name, np.asarray(picture), step, dataformats="HWC")


@contextmanager
def tensorboard(config: Config, run: RunFolder) -> Iterator[TensorBoard]:
    """The run's event files, which are closed with the context."""
    folder = run.folder / FOLDER
    dashboard = TensorBoard(folder, kept=run.steps_done)
    log.info("TensorBoard: `tensorboard --logdir %s` shows it", quote(str(relative(folder))))
    try:
        if not dashboard.kept:
            dashboard.configuration(plain(config))
        yield dashboard
    finally:
        dashboard.writer.close()


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their dotted names; lists as text, which TensorBoard compares."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            plainly = isinstance(value, bool | int | float | str)
            yield f"{prefix}{name}", value if plainly else str(value)
