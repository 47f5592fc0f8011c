"""A job of an experiment: a run that is done once, and gone on with where it was stopped."""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from grit.config.identity import code_hash, config_hash, without_unused_seed
from grit.config.schema import Config
from grit.core.errors import GritError, Interrupted
from grit.core.files import write_json
from grit.core.locks import locked
from grit.runs.job_log import Job, JobLog, Outcome
from grit.runs.run_record import RECORD

log = logging.getLogger(__name__)
DONE = "done.json"
ASKING = ("train", "evaluate")  # tasks that put a model to the test
ALWAYS = ("data",)  # tasks whose result hangs on files that a configuration only names


def run_job(
    check: Callable[[], Config],
    perform: Callable[[Config], None],
    folder: Path,
    job: Callable[..., Job],
    jobs: JobLog,
) -> None:
    """Do a run unless it is done, and write down what became of it.

    Args:
        check: gives the checked configuration, or raises.
        perform: does the task of a configuration.
        folder: of the run.
        job: makes the run's line in the log of jobs, from how it ended.
        jobs: that log.

    Raises:
        GritError: several processes were started to share the job, or it failed. Whatever else it
            fails with becomes one too, because the other jobs go on; its traceback is in the
            folder's log.
    """
    if _is_shared():
        raise GritError(
            "experiment=: torchrun's processes would each take jobs of their own; start "
            "the command once per device instead, each with its own CUDA_VISIBLE_DEVICES: they "
            "share the jobs"
        )
    begun = time.monotonic()

    def note(outcome: Outcome, error: str | None = None) -> None:
        seconds = round(time.monotonic() - begun, 1)
        jobs.append(job(outcome=outcome, seconds=seconds, error=error))

    try:
        note(_do_once(check(), perform, folder))
    except Interrupted:
        raise
    except GritError as error:
        note(Outcome.failed, str(error))
        raise
    except Exception as error:
        log.exception("the run in %s failed", folder)
        said = f"{type(error).__name__}: {error}"
        note(Outcome.failed, " ".join(said.split()))
        raise GritError(f"{said} ({folder}/grit.log has the traceback)") from error


def done_beside(config: Config, folder: Path) -> Path | None:
    """The folder of a finished job of the same sweep that says all this one could say.

    What a method without training answers does not hang on the seed. A sibling counts with the same
    settings and code, and where the judge could score all of its answers.

    Args:
        config: of this job.
        folder: of this job, beside those of the others.
    """
    trains = config.method.learns
    # Each of torchrun's processes would see other siblings: each has folders of its own.
    if config.task not in ASKING or trains or _is_shared():
        return None
    wanted = {"result_hash": config_hash(without_unused_seed(config)), "code": code_hash(config)}
    for results in sorted(folder.parent.glob("*/results.json")):
        begun = _record(results.parent / RECORD)
        is_same = wanted.items() <= begun.items() and "finished" in begun
        if is_same and results.parent != folder and _all_judged(results):
            return results.parent
    return None


def _record(path: Path) -> dict[str, Any]:
    """What a run began with; nothing where it is not known, which goes for a damaged file too."""
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return begun if isinstance(begun, dict) else {}


def _all_judged(results: Path) -> bool:
    sets = json.loads(results.read_text(encoding="utf-8"))["sets"]
    return not any(found["judge_failures"] for found in sets.values())


def _is_shared() -> bool:
    """Whether several processes were started to do a job together."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def _do_once(config: Config, perform: Callable[[Config], None], folder: Path) -> Outcome:
    config = without_unused_seed(config)
    made_by = {"config_hash": config_hash(config), "code": code_hash(config)}
    record = folder / DONE
    with locked(folder) as free:
        if not free:
            log.info("another process works at %s", folder.name)
            return Outcome.elsewhere
        if config.task not in ALWAYS and _holds(record, made_by):
            log.info("done before: %s", folder.name)
            return Outcome.kept
        perform(replace(config, resume=(folder / RECORD).exists()))
        write_json(record, made_by)
    return Outcome.done


def _holds(record: Path, made_by: dict[str, str]) -> bool:
    """Whether the folder's record says that it was made by the same, and the results are there."""
    if not (record.exists() and (record.parent / "results.json").exists()):
        return False
    return bool(json.loads(record.read_text(encoding="utf-8")) == made_by)
