"""What was seen of one stream while it was looked at, as values.  Pure; it judges nothing.

All times are seconds since the look began.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

CHUNKS_LIMIT = 10_000
"""Pieces of a body that are remembered."""
IDS_LIMIT = 200
"""Event IDs that are remembered."""


class Trouble(Enum):
    """What kept a stream from being read."""

    UNKNOWN_HOST = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no-answer"
    UNTRUSTED = "tls-untrusted"
    SELF_SIGNED = "tls-self-signed"
    WRONG_NAME = "tls-name"
    EXPIRED = "tls-expired"
    OTHER_PIN = "tls-pin"
    TLS = "tls"
    PROXY = "proxy"
    NOT_HTTP = "http"
    CUT = "cut"
    REFUSED_BY_SERVER = "server"
    """It answered, and the answer is no stream, or says no."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of one response."""

    at: float
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case."""
    version: str = "1.1"
    """Of HTTP."""
    host: str = ""
    """Who answered, for a person."""
    path: str = field(default="", repr=False)
    """What was asked for there, without its query."""
    wall_clock: float = 0.0
    """Seconds since 1970 when it came."""
    certificate_ends: float | None = None
    """Seconds since 1970 when the server's certificate expires; None if that was not seen."""

    @property
    def content_type(self) -> str:
        """Without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of the body that came together."""

    at: float
    size: int
    ends_line: bool = True
    """Whether a line ends with it."""
    is_comment: bool = False
    """Whether it begins with a comment, which only keeps the connection alive."""


@dataclass(slots=True)
class Observation:
    """One look at a stream."""

    scheme: str = "https"
    host: str = ""
    """Name and port of the stream's server, for a person."""
    is_here: bool = False
    """Whether this machine itself serves it."""
    has_credentials: bool = False
    secret_in_url: bool = False
    """Whether its address holds what looks like a secret."""
    verifies: bool = True
    """Whether the server's certificate is checked."""
    idle: float | None = None
    """Seconds without a byte after which a stream of this kind is dead, if that is known."""
    resume: str = "auto"
    """How a stream of this kind goes on after a break."""
    closes: bool = False
    """Whether streams of this kind end regularly."""

    lasted: float = 0.0
    resolved: float | None = None
    connected: float | None = None
    """TLS included."""
    asked: float | None = None
    """When the request was sent."""
    answers: list[Answer] = field(default_factory=list)
    """Redirects and later connections included."""
    opened: float | None = None
    """When it was first open."""
    chunks: list[Chunk] = field(default_factory=list)
    """At most `CHUNKS_LIMIT`."""
    events: int = 0
    alive: list[float] = field(default_factory=list)
    """When events came that are only signs of life; at most `CHUNKS_LIMIT`."""
    ids: list[str | None] = field(default_factory=list)
    """The IDs that events carried themselves, signs of life included; at most `IDS_LIMIT`, of the first connection."""
    first_again: str | None = None
    """The ID of the first event of a later connection; None if there was none."""
    ended: list[float] = field(default_factory=list)
    """When an open connection was over."""
    trouble: Trouble | None = None
    """Why the last attempt was no success."""
    reason: str = ""
    """The same in one sentence, with what can be done."""
    fingerprint: str = ""
    """SHA-256 of the server's certificate, where `trouble` is of TLS."""

    @property
    def answer(self) -> Answer | None:
        """The last one."""
        return self.answers[-1] if self.answers else None

    @property
    def first_answer(self) -> Answer | None:
        """The one that opened it, behind all redirects; the last one if it never was open."""
        opened = float("inf") if self.opened is None else self.opened
        return next((answer for answer in reversed(self.answers) if answer.at <= opened), None)
