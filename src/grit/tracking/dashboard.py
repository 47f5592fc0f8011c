"""What shows a run besides its folder, whichever library draws it: W&B, TensorBoard, trackio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from PIL import Image
from pytorch_lightning.loggers.logger import Logger

from grit.figures.markdown_format import rows_markdown
from grit.pages.chain_picture import chain_picture
from grit.pages.chains import chain_said
from grit.pages.comparison import outcome_table
from grit.pages.gallery import PictureOf
from grit.rewards.reward import Reward
from grit.runs.measured import Measured
from grit.runs.results import Results
from grit.tracking.evaluation_rows import Draw, RowTable, row_table
from grit.training.diagnostics import Rollout

LONGEST = 1024  # pixels of a picture's side


@dataclass(frozen=True)
class Findings:
    """What a run came to."""

    folder: Path  # of the run
    step: int  # training steps done
    after: Measured  # the evaluation that counts
    before: Measured | None
    picture_of: PictureOf
    reward: Reward | None  # None: the answers have no tags, of which it would make sense
    most: int  # rows of each test set that are shown

    @property
    def report(self) -> Path:
        """The run's page."""
        return self.folder / "report.html"

    def table(self) -> str:
        """Each metric before and after with its interval, in Markdown."""
        return rows_markdown(outcome_table(self.before, self.after, intervals=True))

    def rows(self, draw: Draw) -> RowTable:
        """Rows of each set with their pictures, as ``draw`` makes them."""
        was = {} if self.before is None else self.before.rows
        rows = was, self.after.rows
        return row_table(*rows, self.picture_of, draw, reward=self.reward, most=self.most)


class Dashboard(Protocol):
    """A library's view of one run. It is closed by the context that opened it."""

    @property
    def logger(self) -> Logger:
        """Lightning's logger, for the metrics of training."""

    @property
    def kept(self) -> int:
        """Training steps of a resumed run that are in its series already."""

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers by the name of their panel, after ``step`` training steps."""

    def completions(self, rollouts: Sequence[Rollout], step: int) -> None:
        """Log a group of completions of one prompt, with their boxes."""

    def findings(self, found: Findings) -> None:
        """Log what the run came to; its numbers have been logged."""


def evaluation_numbers(results: Results) -> dict[str, float]:
    """Every metric of every set as ``eval/SET/METRIC``, and its mean as ``eval/mean/METRIC``."""
    values: dict[str, list[float]] = {}
    numbers: dict[str, float] = {}
    for name, result in results.sets.items():
        for metric, estimate in result.metrics.items():
            if estimate.mean is not None:
                numbers[f"eval/{name}/{metric}"] = estimate.mean
                values.setdefault(metric, []).append(estimate.mean)
    return numbers | {f"eval/mean/{metric}": fmean(means) for metric, means in values.items()}


def rollout_heading(rollout: Rollout) -> str:
    """The question of a completion, its true answer and its reward, in a line."""
    reward = rollout.outcome.total
    earned = "unjudged" if reward is None else f"{reward:.2f}"
    return f"{rollout.sample.question} [{rollout.sample.answer}] reward {earned}"


def rollout_picture(rollout: Rollout) -> Image.Image:
    """The image of a completion with numbered boxes, beside it heading, chain and answer."""
    space = rollout.sample.space
    boxes = [box.to(space) for box in rollout.boxes]
    chain = chain_said(rollout.completion.text, boxes, space)
    answer = rollout.outcome.response.trace.answer
    image: Any = rollout.sample.picture.load()
    return chain_picture(image, rollout_heading(rollout), chain, answer)
