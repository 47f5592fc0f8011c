"""``task=score``: computes the reward of completions in a file."""

import errno
import logging
import os
from pathlib import Path

from grit.config.schema import Config
from grit.core.errors import GritError
from grit.core.files import check_place, write_jsonl
from grit.judge.making import make_judge
from grit.rewards.reward import reward_from
from grit.rewards.scored_file import scored

log = logging.getLogger(__name__)


def perform(config: Config, folder: Path, overrides: list[str]) -> None:
    """Score the rows of ``input`` and write them to ``output``.

    Raises:
        GritError: ``output`` cannot be written, or a row cannot be scored.
        JudgeFailed: the judge failed on too many rows; nothing is written.
    """
    assert config.input is not None
    assert config.output is not None
    _check_output(Path(config.output))
    judge = make_judge(config.judge)
    rows = scored(Path(config.input), reward_from(config.reward), judge)
    unjudged = sum(row["reward"] is None for row in rows)
    try:
        write_jsonl(Path(config.output), rows)
    except OSError as error:
        raise GritError(f"output={config.output} cannot be written: {error.strerror}") from error
    judged = f", {unjudged} of them unjudged" if unjudged else ""
    log.info(
        "%d rows scored with reward=%s%s: %s", len(rows), config.reward.name, judged, config.output
    )
    if (usage := judge.take_usage()) is not None:
        log.info("judge: %s", usage)


def _check_output(output: Path) -> None:
    """Check that ``output`` can be written, before a judge is paid for scores."""
    try:
        check_place(output)
        above = next(each for each in output.absolute().parents if each.exists())
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{above} is no folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{above} is not writable")
    except GritError as error:
        raise GritError(f"output={error}") from error
    except OSError as error:
        raise GritError(f"output={output} cannot be written: {error.strerror}") from error
