"""A run in trackio: a database and pictures below ``trackio`` in its folder, or in TRACKIO_DIR."""

import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from shlex import quote
from typing import Any

from PIL import Image

from grit.config.identity import plain
from grit.config.schema import Config
from grit.core.fingerprints import fingerprint
from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Space
from grit.grounding.drawing import draw_boxes
from grit.runs.folder import RunFolder, run_name
from grit.runs.run_record import RECORD, read_record, relative
from grit.tracking.dashboard import LONGEST, Findings, rollout_heading, rollout_picture
from grit.tracking.naming import group
from grit.tracking.panels import PanelLogger
from grit.tracking.trackio_client import PLACE, library_in, local_run, rewind
from grit.training.diagnostics import Rollout

FOLDER = "trackio"
log = logging.getLogger(__name__)


class Trackio:
    """A run of trackio, whose own thread writes each point within half a second.

    A resumed run goes on with the former one, from which the steps after its checkpoint are
    deleted.
    """

    def __init__(self, library: Any, run: Any, *, kept: int) -> None:
        self.library, self.run, self.kept = library, run, kept
        self.logger = PanelLogger("trackio", self.numbers)

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers at a step."""
        self.run.log(dict(values), step)

    def completions(self, rollouts: Sequence[Rollout], step: int) -> None:
        """Log completions as pictures of image, boxes and text."""
        pictures = {
            f"completions/{number}": self.library.Image(
                rollout_picture(rollout), caption=rollout_heading(rollout)
            )
            for number, rollout in enumerate(rollouts, start=1)
        }
        self.run.log(pictures, step)

    def findings(self, found: Findings) -> None:
        """Log the table of before and after, rows with their boxes, and ``report.html``."""
        table = found.rows(self._picture)
        page = found.report.read_text(encoding="utf-8")
        self.run.log(
            {
                "results": self.library.Markdown(found.table()),
                "evaluation": self.library.Table(columns=table.columns, data=table.rows),
                "report": self.library.Html(page, inject=False),
            },
            found.step,
        )

    def _picture(self, image: Image.Image, space: Space, row: ScoredPrediction) -> Any:
        drawn = draw_boxes(image, row.boxes or ())
        drawn.thumbnail((LONGEST, LONGEST))  # it is in memory until the table is logged
        return self.library.Image(drawn)


@contextmanager
def trackio(config: Config, run: RunFolder) -> Iterator[Trackio]:
    """The run in trackio, which ends with the context: all is on disk then."""
    place = Path(os.environ.get(PLACE) or run.folder / FOLDER).absolute()
    library, project, name = library_in(place), config.logger.project, run_name(config)
    run_id = _identity(run.folder)
    if run.resumed:
        rewind(library, project, run_id, run.steps_done)
    inside = local_run(
        library,
        project=project,
        name=name,
        run_id=run_id,
        group=group(config, run.overrides),
        config=plain(config),
    )
    log.info(
        "trackio: `%s=%s trackio show --project %s` shows it",
        *(PLACE, quote(str(relative(place))), quote(project)),
    )
    try:
        yield Trackio(library, inside, kept=run.steps_done)
    finally:
        with redirect_stdout(io.StringIO()):  # it announces an upload, which there is none of
            inside.finish()


def _identity(folder: Path) -> str:
    """An id that a run has again when it is resumed, and no other run has."""
    record = read_record(folder / RECORD)
    return fingerprint([record[name] for name in ("started", "config_hash", "command")])
