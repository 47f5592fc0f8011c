"""A job of an experiment: a run that is done only once, and resumed if it was stopped."""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grit.config.identity import code_hash, config_hash, without_unused_seed
from grit.config.schema import Config
from grit.core.errors import GritError, Interrupted
from grit.core.files import write_json
from grit.core.locks import locked
from grit.core.secrets import redacted
from grit.runs.job_log import Job, JobLog, Outcome
from grit.runs.run_record import RECORD, relative

log = logging.getLogger(__name__)
DONE = "done.json"
_AGAIN = "again"  # in it: the job was done again, because answers had not been judged
ASKING = ("train", "evaluate")  # tasks that evaluate a model
ALWAYS = ("data",)  # tasks always run again: they depend on files, not only on the configuration


def run_job(
    check: Callable[[], Config],
    perform: Callable[[Config], None],
    folder: Path,
    job: Callable[..., Job],
    jobs: JobLog,
) -> None:
    """Run a job unless it is done already, and log how it ended.

    Args:
        check: returns the checked configuration, or raises.
        perform: runs the task of a configuration.
        folder: of the run.
        job: makes the line for the log of jobs, from ``outcome``, ``seconds`` and ``error``.
        jobs: the log of jobs.

    Raises:
        GritError: torchrun started several processes for the job, or the job failed. Any other
            exception is converted to this one, so that the other jobs continue; its traceback is
            in the folder's log.
        Interrupted: the job was interrupted; nothing is logged.
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
        said = redacted(f"{type(error).__name__}: {error}")  # libraries quote addresses with keys
        note(Outcome.failed, " ".join(said.split()))
        raise GritError(f"{said} ({folder}/grit.log has the traceback)") from error


def done_beside(config: Config, folder: Path) -> Path | None:
    """The folder of a finished job of the same sweep with the same results as this one, or None.

    Without training, answers do not depend on the seed. A sibling job is equivalent if it has the
    same settings and code, and if the judge scored all of its answers.
    """
    trains = config.method.learns
    # Not under torchrun, whose processes have different folders and see different siblings.
    if config.task not in ASKING or trains or _is_shared():
        return None
    wanted = {"result_hash": config_hash(without_unused_seed(config)), "code": code_hash(config)}
    for results in sorted(folder.parent.glob("*/results.json")):
        if results.parent != folder and _has_run(results, wanted):
            return results.parent
    return None


def done_before(config: Config, folder: Path) -> str | None:
    """The log line for a finished job of a resumed multirun; None if the job has to run.

    It is finished if its run ended and all answers are judged, even if by other code: its
    results stay those of that code.
    """
    results = folder / "results.json"
    # Under torchrun on several nodes, each may see another disk.
    several_nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1")) > 1
    if config.task not in ASKING or several_nodes or not results.exists():
        return None
    if not _has_run(results, {"config_hash": config_hash(config)}):
        return None
    same = _record(folder / RECORD).get("code") == code_hash(config)
    said = "done before" if same else "done before by other code, and not done again"
    return f"{said}: {relative(folder)}"


def _has_run(results: Path, wanted: Mapping[str, str]) -> bool:
    begun = _record(results.parent / RECORD)
    finished = wanted.items() <= begun.items() and "finished" in begun
    return finished and _all_judged(results)


def _record(path: Path) -> dict[str, Any]:
    """The content of ``run.json``; {} if the file is missing or damaged."""
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return begun if isinstance(begun, dict) else {}


def _all_judged(results: Path) -> bool:
    """Whether the judge scored all answers; not where the file is damaged."""
    try:
        sets = json.loads(results.read_text(encoding="utf-8"))["sets"].values()
        unjudged = ("judge_failures", "samples_unjudged")
        return not any(found.get(name) for found in sets for name in unjudged)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _is_shared() -> bool:
    """Whether torchrun started several processes for one job."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def _do_once(config: Config, perform: Callable[[Config], None], folder: Path) -> Outcome:
    config = without_unused_seed(config)
    made_by = {"config_hash": config_hash(config), "code": code_hash(config)}
    record = folder / DONE
    with locked(folder) as free:
        if not free:
            log.info("another process works at %s", folder.name)
            return Outcome.elsewhere
        there = config.task not in ALWAYS and _holds(record, made_by)
        if there and not _is_to_be_judged(config, record):
            log.info("done before: %s", folder.name)
            return Outcome.kept
        perform(replace(config, resume=(folder / RECORD).exists()))
        write_json(record, made_by | ({_AGAIN: True} if there else {}))
    return Outcome.done


def _is_to_be_judged(config: Config, record: Path) -> bool:
    """Whether the judge failed on answers of a finished job; it is done again for them once.

    A service may refuse an answer for ever, as a filter of contents does.
    """
    if config.task not in ASKING or _record(record).get(_AGAIN):
        return False
    return not _all_judged(record.parent / "results.json")


def _holds(record: Path, made_by: dict[str, str]) -> bool:
    """Whether ``done.json`` has the same hashes of configuration and code, and results exist."""
    return made_by.items() <= _record(record).items() and (record.parent / "results.json").exists()
