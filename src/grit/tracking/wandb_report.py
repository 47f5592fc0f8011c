"""A W&B report about finished runs: tables, panels, a sweep's settings, a comparison of runs.

Building it (with wandb-workspaces) needs no network; saving it does.
"""

import json
import logging
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import wandb

from grit.core.errors import GritError
from grit.pages.differences import varied_settings
from grit.runs.finished import FinishedRun
from grit.runs.judging import judging_note
from grit.runs.shown_metrics import Metric, definitions, shown_metrics
from grit.tracking.wandb_log import STEP
from grit.tracking.wandb_server import failures

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import Report

log = logging.getLogger(__name__)
_TITLE = 128  # characters, W&B's limit
_OBJECTIVE = "eval/mean/acc"
_CURVES = ("train/reward", "train/kl", "train/entropy", "train/completion_tokens", "train/boxes")


def wandb_report(
    title: str,
    runs: Sequence[FinishedRun],
    tables: Mapping[str, str],
    *,
    entity: str,
    project: str,
) -> "Report":
    """The report, not yet saved.

    Args:
        title: its heading.
        runs: that it is about.
        tables: heading -> Markdown.
        entity: W&B's user or team; "" if not known yet.
        project: of the runs.
    """
    wr = _library()
    filters = _only(runs)

    def grid(*panels: Any) -> Any:
        # Without a project it uses the report's, and needs no network request.
        runset = wr.Runset(name="Runs of this report", filters=filters)
        return wr.PanelGrid(runsets=[runset], panels=list(panels))

    varied = varied_settings(runs)
    results = [run.results for run in runs]
    metrics = shown_metrics(results)
    judging = judging_note(run.results for run in runs)
    blocks = [
        *([wr.MarkdownBlock(judging)] if judging else []),
        wr.TableOfContents(),
        *chain.from_iterable(
            (wr.H2(heading), wr.MarkdownBlock(table)) for heading, table in tables.items()
        ),
        wr.H2("Results"),
        wr.MarkdownBlock(" ".join(definitions(results))),
        grid(*_bars(wr, runs, metrics)),
        wr.H2("Training"),
        grid(*_lines(wr, runs)),
    ]
    if varied:
        blocks += [wr.H2("What was varied"), grid(*_sweep(wr, varied, metrics))]
    blocks += [
        wr.H2("Runs side by side"),
        grid(wr.RunComparer(diff_only="split", layout=wr.Layout(w=24, h=15))),
        wr.H2("Rows with their boxes"),
        grid(
            wr.WeavePanelSummaryTable(table_name="evaluation", layout=wr.Layout(w=24, h=15)),
            wr.MediaBrowser(media_keys=["completions"], layout=wr.Layout(w=24, h=10)),
        ),
    ]
    title = title[:_TITLE]
    return wr.Report(project=project, entity=entity, title=title, blocks=blocks, width="fluid")


def spec(report: "Report") -> dict[str, Any]:
    """The report as JSON values, as ``save`` sends it to W&B."""
    model = report._to_model()
    return {
        "displayName": model.display_name,
        "description": model.description,
        "entityName": model.project.entity_name,
        "projectName": model.project.name,
        "spec": json.loads(model.spec.model_dump_json(by_alias=True, exclude_none=True)),
    }


def save(report: "Report") -> str:
    """Save the report in W&B and return its URL.

    Raises:
        GritError: W&B cannot be reached or refuses.
    """
    with failures("the W&B report was not saved"), _its_own_warnings_ignored():
        wandb.Api()  # raises wandb.Error for a missing key; save would raise Exception
        report.save()
        return str(report.url)


def default_entity() -> str:
    """The user or team of the W&B API key.

    Raises:
        GritError: W&B cannot be reached or refuses, or the key has no user or team.
    """
    ways_out = "; set logger.entity, or logger.mode=offline for the files alone"
    with failures("W&B does not say whose key this is", ways_out):
        entity = wandb.Api().default_entity
    if not entity:
        raise GritError(f"W&B's key belongs to no user or team{ways_out}")
    return str(entity)


def logged_at(
    name: str, own: str | None, runs: Sequence[FinishedRun], overrides: Sequence[str]
) -> str | None:
    """W&B's entity or project of the runs, where the command names none: panels show its runs."""
    logged = [run.config.get("logger", {}).get(name) for run in runs if run.wandb_ids]
    named = any(each.lstrip("+").startswith(f"logger.{name}=") for each in overrides)
    theirs = dict.fromkeys(logged)
    if named or not theirs:
        return own
    if len(theirs) > 1:
        text = "the runs have several values of logger.%s (%s): panels show those of the first"
        log.warning(text, name, ", ".join(map(str, theirs)))
    return next(iter(theirs))


def _bars(wr: Any, runs: Sequence[FinishedRun], metrics: Sequence[Metric]) -> Iterable[Any]:
    names = dict.fromkeys(name for run in runs for name in run.results.sets)
    for metric in metrics:
        yield wr.BarPlot(title=f"{metric.title}: mean", metrics=[f"eval/mean/{metric.key}"])
        for name in names:
            sets = [run.results.sets[name] for run in runs if name in run.results.sets]
            if any(result.metrics[metric.key].mean is not None for result in sets):
                yield wr.BarPlot(
                    title=f"{metric.title}: {name}",
                    metrics=[f"eval/{name}/{metric.key}"],
                    range_x=(0, metric.unit),
                )


def _lines(wr: Any, runs: Sequence[FinishedRun]) -> Iterable[Any]:
    terms = dict.fromkeys(
        term for run in runs for term in run.config.get("reward", {}).get("terms", {})
    )
    for metric in (*_CURVES, *(f"reward_part/{term}" for term in terms)):
        yield wr.LinePlot(
            title=metric.partition("/")[2].replace("_", " "),
            x=STEP,
            y=[metric],
            smoothing_type="gaussian",
            smoothing_factor=2,
            smoothing_show_original=True,
        )


def _sweep(
    wr: Any, varied: Mapping[str, Sequence[Any]], metrics: Sequence[Metric]
) -> Iterable[Any]:
    columns = [
        wr.ParallelCoordinatesPlotColumn(wr.Config(f"grit.{name}"), display_name=name)
        for name in varied
    ]
    columns += [
        wr.ParallelCoordinatesPlotColumn(
            wr.SummaryMetric(f"eval/mean/{metric.key}"), display_name=metric.title
        )
        for metric in metrics
    ]
    wide = wr.Layout(w=24, h=9)
    yield wr.ParallelCoordinatesPlot(title="Settings and results", columns=columns, layout=wide)
    yield wr.ParameterImportancePlot(with_respect_to=_OBJECTIVE, layout=wr.Layout(w=12, h=8))
    for name, values in varied.items():
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            yield wr.ScatterPlot(
                title=f"ACC against {name}",
                x=wr.Config(f"grit.{name}"),
                y=wr.SummaryMetric(_OBJECTIVE),
                layout=wr.Layout(w=12, h=8),
            )


def _only(runs: Sequence[FinishedRun]) -> Any:
    """A filter for those of these runs that were logged, by their ids; empty if none was."""
    with _its_own_warnings_ignored():
        from wandb_workspaces import expr
    ids = [run.wandb_ids[-1] for run in runs if run.wandb_ids]
    if not ids:
        log.warning("none of these runs was logged: the report's panels show all of the project's")
        return ""
    if len(ids) < len(runs):
        text = "%d of %d runs were not logged: the report's tables have them, its panels do not"
        log.warning(text, len(runs) - len(ids), len(runs))
    return expr.And(expr.Metric("ID").isin(ids))


def _library() -> Any:
    with _its_own_warnings_ignored():
        import wandb_workspaces.reports.v2 as library
    return library


def _its_own_warnings_ignored() -> Any:
    """A context that ignores the library's deprecation warnings about pydantic."""
    return warnings.catch_warnings(action="ignore", category=DeprecationWarning)
