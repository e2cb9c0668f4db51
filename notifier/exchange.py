"""A request and the head of its response: what is sent, what a status means, and what a person can do about it.  Pure.

They are those of a stream and of whatever else is asked of its server.  Follows RFC 9110.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from notifier import __version__
from notifier.language import N_

USER_AGENT = f"sse-notifier/{__version__}"
LONGEST_RETRY_AFTER = 3_600.0
"""Seconds that a Retry-After is obeyed for."""

TRY_AGAIN = {408, 425, 429}
REDIRECT = {301, 302, 303, 307, 308}
ENCODINGS = {"", "identity", "gzip", "deflate", "br", "zstd"}
"""What the reader can unpack, should a server compress although we ask it not to."""
OF_A_NETWORK = {401, 403, 404, 407}
"""What a captive portal or an expired login to a network answers, too."""
ADVICE = {
    401: N_(
        "it wants to know who you are; give a token with --header 'Authorization: Bearer TOKEN' or bearer = \"TOKEN\""
    ),
    403: N_("the credentials given (or their absence) do not open this stream; check the token's rights"),
    404: N_("there is nothing at this address; check the path"),
    405: N_("this address takes no GET; check the path"),
    406: N_("this address has no event stream to offer; check the path"),
    407: N_("the proxy wants credentials, or other ones; give them as proxy = { url = …, user = …, password = … }"),
    410: N_("the stream is gone for good"),
}
NO_STREAM = N_("this address serves no event stream")
RETRY_AFTER_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """What to send."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    is_home: bool = True
    """Whether it goes to the stream's own origin: only there go its credentials, its client certificate and its pin."""
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    is_stream: bool = True
    """Whether it asks for the stream itself, and not for something that belongs to a handshake."""


@dataclass(frozen=True, slots=True)
class Response:
    """What matters of the head of a response."""

    status: int
    content_type: str = ""
    """Media type without parameters, lower case."""
    content_encoding: str = ""
    """Lower case; empty where there is none."""
    location: str | None = None
    retry_after: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All of them; names in lower case."""


def phrase(status: int) -> str:
    """What a status is called; empty for one that nobody has named."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def retry_after(value: str | None, wall_clock: float) -> float:
    """Seconds that a Retry-After asks for (RFC 9110 10.2.3); 0 where it cannot be understood."""
    if value is None:
        return 0.0
    if RETRY_AFTER_SECONDS.fullmatch(value.strip()):
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    asked = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - wall_clock
    return min(max(asked, 0.0), LONGEST_RETRY_AFTER)
