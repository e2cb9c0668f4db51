"""Settings in, a checked :class:`Config` out: every default, unit and range lives here.  No I/O, no environment.

What a person wrote wrong becomes one :class:`~notifier.errors.UsageError` that names the field.
"""

import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from notifier.errors import UsageError

FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name: an RFC 9110 token."""
OURS = {"accept", "accept-encoding", "cache-control", "connection", "last-event-id", "host", "transfer-encoding"}
"""Headers that the client sends itself, lower case."""
PLAIN_SEGMENTS = {"", "events", "event", "sse", "stream", "eventstream", "api", "v1", "v2", ".well-known"}
"""Path segments that say "a stream" and not which one."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Stream(_Model):
    """One stream to follow.

    All durations are seconds.
    """

    url: str
    """Absolute http or https URL of a text/event-stream."""
    name: Annotated[str, Field(min_length=1, max_length=60)]
    """What a person calls it: in the menu, in bubbles, in the log."""
    headers: dict[str, SecretStr] = {}
    """Sent with each request to the URL's own origin."""
    idle_timeout: Annotated[float, Field(ge=0.1, le=86_400)] = 120.0
    """Without one byte for so long, comments included, the connection is taken for dead."""
    connect_timeout: Annotated[float, Field(ge=0.1, le=600)] = 30.0
    """From the first packet to the end of the response's headers."""
    longest_delay: Annotated[float, Field(ge=0.1, le=3_600)] = 60.0
    """Ceiling of the backoff between two attempts."""
    event_limit: Annotated[int, Field(ge=1_024, le=1 << 30)] = 16 << 20
    """Bytes of one event; a larger one fails the stream."""

    @field_validator("url")
    @classmethod
    def _is_web_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises ValueError when it is not a number
        except ValueError as error:
            raise ValueError(f"is no URL ({error})") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no http:// or https:// URL")
        if not url.isprintable() or " " in url:
            raise ValueError("holds a space or a control character; write it as %20")
        return url

    @field_validator("headers")
    @classmethod
    def _are_sendable(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not FIELD_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no header name")
            if name.lower() in OURS:
                raise ValueError(f"{name} is set by sse-notifier itself")
            if any(c in "\r\n\0" for c in value.get_secret_value()):
                raise ValueError(f"the value of {name} holds a line break")
        return headers


class Config(_Model):
    """All that the program was told."""

    streams: tuple[Stream, ...] = ()

    @field_validator("streams")
    @classmethod
    def _have_names_of_their_own(cls, streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
        names = [stream.name for stream in streams]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two streams are called {', '.join(sorted(twice))}")
        return streams


def from_arguments(urls: Iterable[str], headers: Iterable[str] = ()) -> Config:
    """The configuration that a command line describes.

    Args:
        urls: One stream each.
        headers: ``Name: value``, sent to every stream.

    Raises:
        UsageError: with a sentence that names the argument, and never a header's value.
    """
    pairs = {}
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon:
            raise UsageError("a header is written 'Name: value', such as --header 'Authorization: Bearer TOKEN'")
        pairs[name.strip()] = SecretStr(value.strip())
    streams: list[Stream] = []
    for url in urls:
        name = name_of(url, taken={stream.name for stream in streams})
        try:
            streams.append(Stream(url=url, name=name, headers=pairs))
        except ValidationError as error:
            raise UsageError(_sentence(url, error)) from None
    return Config(streams=tuple(streams))


def name_of(url: str, taken: Iterable[str] = ()) -> str:
    """A short name for a stream that was given no name: its host, and its topic where the path tells one."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or url).removeprefix("www.")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return url[:60]
    segments = [segment for segment in parts.path.split("/") if segment.lower() not in PLAIN_SEGMENTS]
    plain = "/".join([host + port, *segments[-1:]])[:56]
    taken = set(taken)
    return next(name for name in [plain, *(f"{plain} {n}" for n in range(2, 1_000))] if name not in taken)


def _sentence(url: str, error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    problem = first["msg"].removeprefix("Value error, ")
    if first["loc"][0] != "url":
        return problem
    shown = url.split("?")[0]
    hint = "" if "://" in url else f"; did you mean http://{shown} ?"
    return f"{shown} {problem}{hint}"
