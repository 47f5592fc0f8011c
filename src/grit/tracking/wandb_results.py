"""What a run came to in Weights & Biases: a table of rows with their boxes, and the page."""

from pathlib import Path
from typing import Any

import wandb
from PIL import Image

from grit.evaluation.predictions import ScoredPrediction
from grit.grounding.boxes import Space
from grit.tracking.dashboard import Findings
from grit.tracking.wandb_images import ANNOTATED, SAID, boxed_image

STEP = "trainer/global_step"  # the x axis that Lightning gives every metric


def log_rows(run: Any, found: Findings) -> None:
    """Log ``evaluation``, a table of rows whose pictures have layers of boxes."""
    table = found.rows(_picture)
    run.log({"evaluation": wandb.Table(columns=table.columns, data=table.rows)})


def log_report(run: Any, report: Path) -> None:
    """Log ``report.html``."""
    run.log({"report": wandb.Html(report.read_text(encoding="utf-8"), inject=False)})


def _picture(image: Image.Image, space: Space, row: ScoredPrediction) -> wandb.Image:
    layers = {ANNOTATED: row.prediction.true_boxes or (), SAID: row.boxes or ()}
    return boxed_image(image, space, layers)
