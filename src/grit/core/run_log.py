"""The file ``grit.log`` of a run."""

import errno
import logging
import sys
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)


class RunLog(logging.FileHandler):
    """A line that finds no space on the disk is lost: the run itself says that, once."""

    def handleError(self, record: logging.LogRecord) -> None:  # logging's name
        """Anything else is a fault, and said as logging does."""
        error = sys.exc_info()[1]
        if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            super().handleError(record)


def note(message: str, fault: Exception | None = None) -> None:
    """Put what a run ends with into its log too, where its folder is kept.

    Args:
        message: the line.
        fault: a fault of the program, whose traceback is written too.
    """
    trace = None if fault is None else (type(fault), fault, fault.__traceback__)
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, message, (), trace)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent.is_dir():
            with suppress(OSError):  # a log that takes no line may be what the run ended with
                handler.handle(record)
