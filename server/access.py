"""Requests that were answered in, a log of JSON lines out: who asked for what, and what came of it.

A query is left out, as it may hold a token or a last event ID; so are all headers but the program's name.  A stream
stands there once it has ended, with the seconds that it lasted.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler

from aiohttp.abc import AbstractAccessLogger
from aiohttp.web import BaseRequest, Response, StreamResponse

PATH_LIMIT = 200
"""Characters of a path or a program's name."""

logger = logging.getLogger("server.access")
trouble = logging.getLogger("server.access_log")
"""What the log cannot say itself."""


class AccessLogger(AbstractAccessLogger):
    """One line for each request."""

    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        write(request, response, time)


def write(request: BaseRequest, response: StreamResponse, seconds: float) -> None:
    """The line of one request; nothing if nobody wants the log."""
    if logger.isEnabledFor(logging.INFO):
        fields = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "remote": request.remote or "",
            "method": request.method,
            "path": request.path[:PATH_LIMIT],
            "status": response.status,
            "seconds": round(seconds, 4),
            "agent": request.headers.get("User-Agent", "")[:PATH_LIMIT],
        }
        if isinstance(response, Response):  # of a stream nobody counts them
            fields["bytes"] = response.body_length
        logger.info("%s", json.dumps(fields))


class LogFile(WatchedFileHandler):
    """A file that is made anew once another program renamed or removed it, as logrotate does.

    A line that cannot be written is lost, which is said once.  Whoever sent the request does not suffer from it.
    """

    def __init__(self, path: str) -> None:
        """Open it, at its end.

        Raises:
            OSError: it cannot be written.
        """
        super().__init__(path, encoding="utf-8")
        self._lost = 0
        """Lines, since one was written."""

    def reopenIfNeeded(self) -> None:  # noqa: N802
        if sys.platform != "win32":  # where nobody can rename a file that is open
            super().reopenIfNeeded()

    def emit(self, record: logging.LogRecord) -> None:
        before = self._lost
        try:
            super().emit(record)
        except OSError:  # it cannot be made anew
            self.handleError(record)
        if self._lost == before:
            self._lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._lost += 1
        if self._lost == 1:
            trouble.error("the access log %s cannot be written: %s", self.baseFilename, error.strerror)
