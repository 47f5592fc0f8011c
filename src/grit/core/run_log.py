"""The file ``grit.log`` of a run."""

import errno
import logging
import sys
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)


class RunLog(logging.FileHandler):
    """A file handler that drops lines while the disk is full; the run itself reports that once.

    It drops those of after a run that has left no folder, too: launchers log the end of their jobs.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; the first one makes the file."""
        if self.stream is not None or Path(self.baseFilename).parent.is_dir():
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # logging's name
        """Report any other error as ``logging`` does."""
        error = sys.exc_info()[1]
        if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            super().handleError(record)


def note(message: str, fault: Exception | None = None) -> None:
    """Write the message that a run ends with to its log, if the run's folder still exists.

    Args:
        message: one line.
        fault: an unexpected exception, whose traceback is written too.
    """
    trace = None if fault is None else (type(fault), fault, fault.__traceback__)
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, message, (), trace)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent.is_dir():
            with suppress(OSError):  # the run may have ended because this file is not writable
                handler.handle(record)
