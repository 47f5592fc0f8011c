"""Which finished runs, and which of their rows, a figure is made of, and what it calls them."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path

from grit.config.identity import config_hash, plain, settings_hash, without_unused_seed
from grit.core.errors import GritError
from grit.core.fingerprints import fingerprint
from grit.core.seeding import seed_for
from grit.evaluation.predictions import Prediction
from grit.runs.evaluated import method_label
from grit.runs.finished import FinishedRun
from grit.runs.job_log import Job, has_results
from grit.runs.twins import distinctions
from grit.studies.figure_runs import RunName, Unfinished


def name_of(run: FinishedRun, sets: Sequence[str] | None = None) -> RunName:
    """What a run was made of; where ``sets`` are given, only their questions play a part."""
    config, results = run.settings, run.results
    scored = config.predictions is not None  # its configuration says how, and not what made them
    # Of a checkpoint it knows the weights, which are no part of the configuration.
    settings = results.settings_hash if scored or config.checkpoint is not None else None
    asked = {name: result.questions for name, result in results.sets.items()}
    questions = {name: asked.get(name) for name in (asked if sets is None else sets)}
    trained = config.method.learns and config.checkpoint is None and not scored
    return RunName(
        folder=str(run.folder),
        model=results.model,
        data=results.data,
        method=method_label(config.method.name, config.checkpoint or results.checkpoint),
        seed=results.seed,
        config_hash=results.config_hash,
        reward=results.reward if config.method.training == "grpo_gr" else "",
        suite=results.suite or config.suite.name,
        settings=settings or settings_hash(config),
        code=" ".join(filter(None, (results.code or results.git, results.checkpoint_commit))),
        questions=fingerprint(questions) if asked else "",
        differs=run.differs,
        data_seed=config.data.seed if trained else results.data_seed,
        triplets=results.triplets_hash or "",
    )


def distinct(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs without duplicates: of the same settings, seed and code the first is kept.

    An untrained method has the same results for every seed: several runs would have an
    interval of zero width. Runs of the same names get ``differs``.
    """
    kept: dict[tuple[Hashable, ...], FinishedRun] = {}
    for run in runs:
        name, settings = name_of(run), without_unused_seed(run.settings)
        group = tuple(name.of_group().values())
        if settings.predictions is None and not (
            settings.method.learns and not settings.checkpoint
        ):
            kept.setdefault(group, run)  # nothing was trained: seed and reward are not used
            continue
        seed = name.seed if settings.method.learns else None
        made = *group, seed, name.data_seed  # of predictions that were scored
        kept.setdefault((config_hash(settings), *made), run)
    distinct_runs = list(kept.values())
    return [replace(run, differs=_differences(run, distinct_runs)) for run in distinct_runs]


def check_model(run: FinishedRun, figure: str) -> None:
    """Raise GritError for a run of predictions that were made elsewhere: it has no model."""
    if run.settings.predictions is not None:
        raise GritError(
            f"{figure}: {run.folder} has predictions made elsewhere, and no model to ask again"
        )


def _differences(run: FinishedRun, runs: Sequence[FinishedRun]) -> str:
    """The settings in which a run differs from those of ``runs`` that have its names."""
    name = name_of(run)
    twins = [other for other in runs if name_of(other).of_names() == name.of_names()]
    names = [name_of(twin) for twin in twins]
    said = distinctions(
        [plain(twin.settings) for twin in twins], [(twin.reward, twin.suite) for twin in names]
    )
    return ", ".join(said[twins.index(run)])


def runs_of_jobs(sweep: Path, jobs: Sequence[Job]) -> tuple[list[FinishedRun], list[Unfinished]]:
    """The distinct runs that an experiment's jobs have left below ``sweep``, and what has none."""
    ended = {job.folder: job for job in jobs if has_results(sweep, job)}
    # A method without training has one run for all seeds: it counts if one attempt ended well.
    unfinished = [_without_run(job, job.error) for job in jobs if job.folder not in ended]
    runs = []
    for name, job in ended.items():
        try:
            runs.append(FinishedRun.with_predictions(sweep / name))
        except GritError as error:
            unfinished.append(_without_run(job, str(error)))
    return distinct(runs), unfinished


def _without_run(job: Job, reason: str | None) -> Unfinished:
    reason = reason or "another process works at it"
    return Unfinished(job.folder, reason, job.model, job.data, job.method, job.seed)


def subsample(rows: Sequence[Prediction], most: int, seed: int = 0) -> list[Prediction]:
    """At most so many rows of each set, random ones and the same for every model."""
    by_set: dict[str, list[Prediction]] = {}
    for row in sorted(rows, key=lambda row: seed_for(seed, "lottery", row.set, row.id)):
        by_set.setdefault(row.set, []).append(row)
    names = dict.fromkeys(row.set for row in rows)
    return [row for name in names for row in by_set[name][:most]]
