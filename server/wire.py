"""A message in, the bytes of an event out.  No I/O, no clock; where an event goes is the hub's matter.

A message is built by strangers, and each field of it ends up on a line of its own.  So a message that could
forge a field cannot be constructed, and text with line ends becomes one ``data:`` line for each line.

Follows WHATWG HTML 9.2.5 (the grammar of the stream) and 9.2.6 (what a client makes of it).
"""

import json
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

DEFAULT_TOPIC = "default"
DEFAULT_TYPE = "message"
"""The type of an event without an ``event:`` line; what `EventSource.onmessage` hears."""
RESET_TYPE = "reset"
"""The type of the server's own event that says: events may be missing before this one."""
URGENCIES = ("low", "normal", "critical")
"""Levels of the freedesktop Desktop Notifications Specification."""

NAME_LIMIT = 128
"""Characters in a topic, a type or a key."""
TITLE_LIMIT = 1_000
"""Characters in a title."""
LINK_LIMIT = 2_048
"""Characters in a link."""

_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~/:@+-]*", re.ASCII)
_HALF = "holds half of a surrogate pair, which UTF-8 cannot carry"


class InvalidField(ValueError):
    """A field of a message cannot be as it was given.

    Attributes:
        field: its name, as the publisher wrote it.
        reason: what it may be instead, or why not.
    """

    def __init__(self, field: str, reason: str, *, line: int | None = None) -> None:
        super().__init__(f"{field}: {reason}" if line is None else f"line {line}: {field}: {reason}")
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a publisher gives the server.

    Raises:
        InvalidField: a field is empty, too long, or holds what would forge another field.
    """

    topic: str = DEFAULT_TOPIC
    """What subscribers choose by: 1 to `NAME_LIMIT` of letters, digits and ``._~/:@+-``."""
    type: str = DEFAULT_TYPE
    """The event type: one line of 1 to `NAME_LIMIT` printable characters."""
    title: str | None = None
    """One line, at most `TITLE_LIMIT` characters."""
    body: str | None = None
    urgency: str | None = None
    """One of `URGENCIES`."""
    link: str | None = None
    """An absolute http or https URL."""
    key: str | None = None
    """A later message of the same key takes the place of this one on a desktop."""
    data: Json = None
    """Text, or any other JSON value, for programs."""

    def __post_init__(self) -> None:
        if not _TOPIC.fullmatch(self.topic) or len(self.topic) > NAME_LIMIT:
            raise InvalidField(
                "topic", f"1 to {NAME_LIMIT} letters, digits and . _ ~ / : @ + -, a letter or digit first"
            )
        _one_line("type", self.type, NAME_LIMIT)
        if self.type == RESET_TYPE:
            raise InvalidField("type", f'"{RESET_TYPE}" is the server\'s own; choose another')
        if self.title is not None:
            _one_line("title", self.title, TITLE_LIMIT)
        if self.key is not None:
            _one_line("key", self.key, NAME_LIMIT)
        if self.urgency is not None and self.urgency not in URGENCIES:
            raise InvalidField("urgency", "one of " + ", ".join(URGENCIES))
        if self.link is not None and not _is_web_link(self.link):
            raise InvalidField("link", f"an absolute http or https URL of at most {LINK_LIMIT} characters")
        if not (self.title or self.body or self.data is not None):
            raise InvalidField("body", "the message is empty; give a body, a title or data")
        if self.body is not None and not _is_unicode(self.body):
            raise InvalidField("body", _HALF)
        if not _is_unicode(self.text):
            raise InvalidField("data", _HALF)

    @property
    def text(self) -> str:
        """The data of the event: `data` alone as it is, else a JSON object of every field that was given."""
        fields: dict[str, Json] = {
            name: value
            for name, value in (
                ("title", self.title),
                ("body", self.body),
                ("urgency", self.urgency),
                ("link", self.link),
                ("key", self.key),
            )
            if value is not None
        }
        if not fields:
            return self.data if isinstance(self.data, str) else _compact(self.data)
        if self.topic != DEFAULT_TOPIC:
            fields["topic"] = self.topic
        if self.data is not None:
            fields["data"] = self.data
        return _compact(fields)


def event(data: str, *, type: str = DEFAULT_TYPE, id: str = "") -> bytes:  # noqa: A002
    """The bytes of one event.

    Line ends in `data` arrive as LF, whatever they were: the format has no other.

    Raises:
        InvalidField: the type or the id would forge a field, or is one that clients ignore.
    """
    lines = []
    if id:
        lines.append(f"id: {_one_line('id', id, NAME_LIMIT)}\n")
    if type != DEFAULT_TYPE:
        lines.append(f"event: {_one_line('type', type, NAME_LIMIT)}\n")
    # Not line by line: a stranger's text may be nothing but line ends.
    text = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
    lines.append(f"data: {text}\n\n")
    return "".join(lines).encode()


def mark(id: str) -> bytes:  # noqa: A002
    """The bytes that move a client's last event ID and dispatch nothing (9.2.6: the data buffer is empty).

    Raises:
        InvalidField: the id would forge a field.
    """
    return f"id: {_one_line('id', id, NAME_LIMIT)}\n\n".encode()


def comment() -> bytes:
    """The bytes of a comment, which every client ignores; it ends no event."""
    return b":\n"


def retry(milliseconds: int) -> bytes:
    """The bytes that set a client's reconnection time."""
    assert milliseconds >= 0
    return b"retry: %d\n" % milliseconds


def _one_line(field: str, text: str, limit: int) -> str:
    """`text`, if it is one line of printable characters (CR, LF and NUL are what could forge a field)."""
    if not 1 <= len(text) <= limit or not text.isprintable():
        raise InvalidField(field, f"one line of 1 to {limit} printable characters")
    return text


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_web_link(text: str) -> bool:
    if len(text) > LINK_LIMIT or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _compact(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidField("data", "a number that JSON does not have") from error
    except RecursionError as error:
        raise InvalidField("data", "nested too deep") from error
