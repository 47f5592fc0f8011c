"""What a table has to say below itself: what is not in it, and what its numbers leave out."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

from grit.paper.evidence import Evidence, Run
from grit.paper.grouping import Groups, draws_of, labels
from grit.runs.evaluated import BEFORE_TRAINING, is_released, method_label
from grit.runs.job_log import Job
from grit.runs.judging import judging_note
from grit.runs.left_out import left_out
from grit.runs.printed import METHODS, PAPER_OBJECTIVE, PAPER_REWARD
from grit.runs.results import ANSWERS_AND_BOXES

INTERVALS = (
    "± is half a 95% interval: over questions (bootstrap), in rows of several seeds over these too "
    "(Student's t), and never beyond what the number can be. Where it is not symmetric, [ ] has "
    "its ends. Bold is the best of a column, ours and the paper's apart."
)
DIFFERENCES = (
    "Differences of the same questions, with 95% t-intervals over questions and, on a side of "
    "several seeds, over seeds, within what a difference can be; one trained run stands for itself "
    "and not for its method. Draws and seeds of the two sides are taken as independent, which is "
    "wide where both trained on the same triplets. Bold: the interval excludes 0, a test at 5% for "
    "each cell, not corrected for their number."
)
DRAWS = (
    "A row of several draws has the mean of the draws' means, and its interval covers draws and "
    "the seeds within them: Student's t, with the draw as the unit."
)
ONE_DRAW = (
    "Where all seeds of a row trained on one draw of the triplets (data.seed), its interval says "
    "nothing about other triplets."
)
MINIATURE = (
    "Rows “paper” are the paper's own, of the full model on photographs. A miniature is another, "
    "far smaller model on drawn scenes: its numbers say nothing about the full model's."
)


def draw_notes(groups: Groups) -> Iterator[str]:
    """How many draws and seeds stand behind rows, and what their intervals say of the draws."""
    named = labels(groups)
    several = False
    for variant, runs in groups.items():
        drawn: dict[Hashable, int] = {}
        for draw, run in zip(draws_of(runs), runs, strict=True):
            drawn.setdefault(draw, run.results.data_seed or 0)  # several may draw the same rows
        if (draws := len(drawn)) > 1:
            several = True
            row = f"{variant.model}, {named[variant]}"
            listed = ", ".join(map(str, sorted(drawn.values())))
            yield f"{row}: {draws} draws of the triplets (data.seed {listed}), {len(runs)} runs."
    if several:
        yield DRAWS
    trained = [runs for variant, runs in groups.items() if variant.data is not None]
    if any(len(runs) > 1 and len(set(draws_of(runs))) == 1 for runs in trained):
        yield ONE_DRAW


def annotation_note(groups: Groups) -> Iterator[str]:
    """Which rows were trained on annotated boxes, where there are any."""
    named = labels(groups)
    rows = [
        f"{variant.model}, {named[variant]}"
        for variant, runs in groups.items()
        if any(run.results.annotation == ANSWERS_AND_BOXES for run in runs)
    ]
    if rows:
        yield f"Trained on annotated boxes as well as answers: {'; '.join(rows)}."


def judged(runs: Iterable[Run]) -> tuple[str, ...]:
    """That rules judged the photographs of these runs, where they did: the first note."""
    note = judging_note(run.results for run in runs)
    return (note,) if note else ()


def notes_of(runs: Sequence[Run], evidence: Evidence) -> list[str]:
    """Notes on the runs of one table, each once."""
    notes = [*evidence.notes, *_evaluated(runs), *_failures(evidence)]
    missing = (note for run in runs for note in left_out(run.results, of=f"{run.name}: "))
    return list(dict.fromkeys([*notes, *missing, *_codes(runs)]))


def _evaluated(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        if (checkpoint := run.results.checkpoint) is None:
            continue
        label = method_label(METHODS.get(run.results.method, ""), checkpoint)
        name = checkpoint if is_released(checkpoint) else "weights from elsewhere"
        if checkpoint == BEFORE_TRAINING:
            name = "the base"
        commit = run.results.checkpoint_commit
        at = f", commit {commit}" if commit else ""
        yield f"{run.results.model}, {label}: evaluated here and not trained here: {name}{at}"


def _failures(evidence: Evidence) -> Iterator[str]:
    for job in evidence.failed:
        title = METHODS.get(job.method, job.method)
        what = ", ".join([job.model, title, *parts_of_job(job)])
        failed = f"{what} failed in {job.folder}: {job.error}"
        yield failed if job.error else f"{what}: another process works at it"


def parts_of_job(job: Job) -> list[str]:
    """What a job has otherwise than GRIT's own runs, its data, draw and seed."""
    parts = [f"reward={job.reward}"] * (job.reward != PAPER_REWARD)
    parts += [f"objective={job.objective}"] * (job.objective not in ("", PAPER_OBJECTIVE))
    parts.append(f"data={job.data}")
    parts += [] if job.data_seed is None else [f"data.seed {job.data_seed}"]
    return [*parts, f"seed {job.seed}"]


def _codes(runs: Sequence[Run]) -> Iterator[str]:
    # Shipped weights count as code, so two models never have the same.
    for model in dict.fromkeys(run.results.model for run in runs):
        own = [run.results for run in runs if run.results.model == model]
        codes = dict.fromkeys(results.code or results.git or "unknown" for results in own)
        if len(codes) > 1:
            versions = f"{len(codes)} versions of the code: {', '.join(codes)}"
            yield f"The runs of {model} come from {versions}."
    if any(run.results.settings_hash is None for run in runs):
        yield "Some runs do not say their settings: repetitions are told by names alone."
