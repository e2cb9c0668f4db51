"""A stream's bytes and when they came in, lines of text out; and back.  Pure.

A recording is JSON, one object a line.  The first line says what it is, each later one what happened `at` how many
seconds since the recording began::

    {"sse-notifier": "recording", "version": 1, "url": "https://a.example/events", "started": "2026-11-25T21:00:00Z"}
    {"at": 0.081, "open": {"content-type": "text/event-stream", "server": "nginx"}}
    {"at": 0.083, "text": "data: hello\\n\\n"}
    {"at": 9.5, "base64": "ZGF0YTog4w=="}
    {"at": 30.2, "lost": "the connection was cut"}

``open`` has those headers of the response that are known to hold no secret.  Bytes are ``text`` where they are
UTF-8, and else ``base64``.  A last line that is not whole is as if it were not there: whoever wrote it was stopped.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from notifier.errors import UsageError
from notifier.language import _

VERSION = 1
LONGEST = 366 * 86_400.0
"""Seconds after the beginning at which something may have happened."""
HARMLESS = {
    "age", "cache-control", "connection", "content-encoding", "content-language", "content-length", "content-type",
    "date", "expires", "keep-alive", "last-event-id", "mercure-last-event-id", "pragma", "retry-after", "server",
    "transfer-encoding", "vary", "via", "x-accel-buffering", "x-cache", "x-powered-by",
}  # fmt: skip
"""Names of headers that are kept: none of them opens anything, and presets go by some.  No other one is."""
VALUE_LIMIT = 500
"""Characters of a header that are kept."""


@dataclass(frozen=True, slots=True)
class Head:
    """What was recorded."""

    url: str
    """Without query and credentials."""
    started: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream was opened."""

    at: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Bytes of the body came."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection was over."""

    at: float
    reason: str = ""


Step = Opened | Arrived | Lost


def head_of(url: str, started: str) -> Head:
    """What to say of a recording of `url`; its query may hold secrets."""
    parts = urlsplit(url)
    return Head(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl(), started)


def harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a response that are known to hold no secret."""
    return {name: value[:VALUE_LIMIT] for name, value in headers.items() if name.lower() in HARMLESS}


def line_of(each: Head | Step) -> str:
    """One line, with a line feed at its end."""
    return json.dumps(_fields(each), ensure_ascii=False) + "\n"


def read(lines: Iterable[str], name: str) -> tuple[Head, list[Step]]:
    """A recording.

    Args:
        lines: Of the file.
        name: Of the file, for the person.

    Raises:
        UsageError: it is none, or of a version that is not known here.
    """
    objects = _objects(lines, name)
    head = next(objects, {})
    if head.get("sse-notifier") != "recording":
        raise UsageError(_("{name} is no recording; make one: sse-notifier record URL {name}", name=name))
    if head.get("version") != VERSION:
        raise UsageError(_("{name} was made by another version of sse-notifier, and cannot be read here", name=name))
    steps: list[Step] = []
    for number, fields in enumerate(objects, 2):
        try:
            step = _step(fields)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
            raise UsageError(_("{name}:{line}: this is no line of a recording", name=name, line=number)) from None
        # A clock that was set back is no reason to go back in time.
        if step is not None and (not steps or step.at >= steps[-1].at):
            steps.append(step)
    return Head(str(head.get("url", "")), str(head.get("started", ""))), steps


def _fields(each: Head | Step) -> dict[str, object]:
    match each:
        case Head():
            return {"sse-notifier": "recording", "version": VERSION, "url": each.url, "started": each.started}
        case Opened():
            return {"at": round(each.at, 4), "open": dict(each.headers)}
        case Lost():
            return {"at": round(each.at, 4), "lost": each.reason}
    try:
        return {"at": round(each.at, 4), "text": each.data.decode()}
    except UnicodeDecodeError:
        return {"at": round(each.at, 4), "base64": base64.b64encode(each.data).decode()}


def _step(fields: dict[str, Any]) -> Step | None:
    at = float(fields["at"])
    if not 0 <= at <= LONGEST:
        raise ValueError("nobody recorded for so long")
    if "open" in fields:
        return Opened(at, {str(name): str(value) for name, value in fields["open"].items()})
    if "text" in fields:
        return Arrived(at, fields["text"].encode())
    if "base64" in fields:
        return Arrived(at, base64.b64decode(fields["base64"], validate=True))
    return Lost(at, str(fields["lost"])) if "lost" in fields else None


def _objects(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    broken = 0
    for number, line in enumerate(lines, 1):
        if broken:
            raise UsageError(_("{name}:{line}: this is no line of a recording", name=name, line=broken))
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            broken = number
            continue
        if isinstance(found, dict):
            yield found
