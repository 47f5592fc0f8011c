"""What a run shows when it has been evaluated: tables in the terminal, and its ``report.html``."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import yaml

from grit.config.identity import plain
from grit.config.schema import Config
from grit.core.files import write_text
from grit.evaluation.controls import controls, print_controls
from grit.pages.all_chains import render_all_chains
from grit.pages.comparison import print_comparison
from grit.pages.gallery import PictureOf
from grit.pages.run_page import ReportData, render
from grit.pages.summary import duration
from grit.runs.folder import run_name
from grit.runs.measured import Measured
from grit.runs.metrics_log import MetricsLog
from grit.runs.run_record import RECORD, VALIDATION, read_record

ALL_CHAINS = "chains.html"
log = logging.getLogger(__name__)


def print_evaluation(measured: Measured) -> None:
    """Print the table of an evaluation and its controls."""
    print_comparison(measured)
    _print_controls(measured, None)


def show_run(
    config: Config, folder: Path, picture_of: PictureOf, after: Measured, before: Measured | None
) -> None:
    """Print the tables; write ``report.html``, and ``chains.html`` with every chain.

    Args:
        config: of the run.
        folder: of the run.
        picture_of: finds the image of a test question.
        after: the evaluation that counts.
        before: the one before training.
    """
    if before is None:
        print_evaluation(after)
    else:
        print_comparison(before, after)
        _print_controls(before, "Controls before training")
        _print_controls(after, "Controls after training")
    metrics, validated = MetricsLog(folder / "metrics.jsonl"), MetricsLog(folder / VALIDATION)
    was = {} if before is None else before.rows
    chains = render_all_chains(run_name(config), was, after.rows, picture_of)
    write_text(folder / ALL_CHAINS, chains)
    report = ReportData(
        title=run_name(config),
        after=after,
        before=before,
        picture_of=picture_of,
        all_chains=ALL_CHAINS,
        metrics=metrics.rows() if metrics.path.exists() else [],
        validation=validated.rows() if validated.path.exists() else [],
        config=yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True),
        meta=_about(config, folder),
    )
    write_text(folder / "report.html", render(report))
    log.info("%s", folder / "results.json")
    log.info("%s", folder / "report.html")


def _print_controls(measured: Measured, title: str | None) -> None:
    print_controls({name: controls(rows) for name, rows in measured.rows.items()}, title)


def _about(config: Config, folder: Path) -> dict[str, str]:
    """What the run's record says, in words."""
    begun = read_record(folder / RECORD)
    started, now = datetime.fromisoformat(begun["started"]), datetime.now(UTC)
    lasted = duration((now - started).total_seconds())
    versions = ", ".join(f"{name} {version}" for name, version in begun["versions"].items())
    return {
        "command": begun["command"],
        "commit": begun["git"] or "not in a repository",
        "started": f"{started:%Y-%m-%d %H:%M} UTC",
        # A run that was stopped lay idle until it was resumed.
        "since its first start" if config.resume else "took": lasted,
        "versions": versions,
        "folder": folder.name,
    }
