"""The file ``grit.log`` of a run."""

import errno
import logging
import sys


class RunLog(logging.FileHandler):
    """A line that finds no space on the disk is lost: the run itself says that, once."""

    def handleError(self, record: logging.LogRecord) -> None:  # logging's name
        """Anything else is a fault, and said as logging does."""
        error = sys.exc_info()[1]
        if not (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            super().handleError(record)
