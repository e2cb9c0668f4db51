"""Requests that were answered in, a log of JSON lines out: who asked for what, and what came of it.

A query is left out, as it may hold a token or a last event ID; so are all headers but the program's name.  A stream
stands there once it has ended, with the seconds that it lasted.
"""

import json
import logging
from datetime import UTC, datetime

from aiohttp.abc import AbstractAccessLogger
from aiohttp.web import BaseRequest, StreamResponse

PATH_LIMIT = 200
"""Characters of a path or a program's name."""

logger = logging.getLogger("server.access")


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
            "bytes": response.body_length,
            "agent": request.headers.get("User-Agent", "")[:PATH_LIMIT],
        }
        logger.info("%s", json.dumps(fields))
