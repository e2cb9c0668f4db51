"""What to send, what to believe, how long to wait: the connection policy of one stream.  Pure.

A :class:`Source` is an EventSource (HTML 9.2.2 and 9.2.3) without the connection: a shell asks it what to request,
tells it what came back, and waits as long as it says.  Time and chance are arguments.

Where browsers differ from what a notifier needs, it decides so:

====================================  ==========================================================================
what happened                         what follows
====================================  ==========================================================================
200 with text/event-stream            open
200 with anything else                fail: retrying will not turn a web page into a stream
200 in an encoding nobody can unpack  fail, likewise
204                                   closed quietly, as the server asks
301 302 303 307 308                   follow, at most `REDIRECTS` times; headers stay with their origin
408 425 429 5xx, network trouble      reestablish after a capped, fully jittered backoff, for ever
401 403 407, any other status         fail, with what to do about it
the stream ended after it was useful  a planned close: reestablish soon, the backoff starts again
the stream ended and was no use       an outage like network trouble: accepting and hanging up is no success
====================================  ==========================================================================
"""

import math
import re
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlsplit

from notifier import address, exchange
from notifier.backoff import Backoff
from notifier.config import Stream
from notifier.errors import StreamFailed, StreamLost
from notifier.exchange import Request, Response
from notifier.language import _
from notifier.preset import Handshake
from notifier.resume import ID_LIMIT, Resume
from notifier.sse import Event, EventStreamParser, EventTooLarge
from notifier.stream import UNIX

REDIRECTS = 10
LONGEST_HOLD = 300.0
"""Seconds between two attempts while there is said to be no network: whoever says so may be wrong."""
UNDER_WAY = 2.0
"""Seconds; what comes sooner after a network went was on its way already, and is no sign that it is there."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ReadyState(Enum):
    """State of one stream (HTML 9.2.2)."""

    CONNECTING = 0
    OPEN = 1
    CLOSED = 2


class Source:
    """One stream: its ready state, its last event ID, its next request and its next wait."""

    def __init__(self, stream: Stream, last_event_id: str = "", *, resume: Resume | None = None) -> None:
        """Begin as CONNECTING, going on after `last_event_id`, or where `resume` says."""
        self.stream = stream
        self.resume = resume or Resume(place=last_event_id)
        """How to go on after a break; may be replaced when the kind of stream is known."""
        self.idle_timeout = stream.idle_timeout
        """Seconds; may be replaced when the kind of stream is known."""
        self.handshake: Handshake | None = None
        """What the server wants to be asked around the stream; may be replaced when the kind of stream is known."""
        self.response_headers: Mapping[str, str] = {}
        """Of the response that is open, or was; names in lower case."""
        self.last_event_id = self.resume.last_event_id
        """ID to resume after: the last one that `delivered` was told of."""
        self._backoff = Backoff(stream.longest_delay)
        self.has_been_open = False
        self.was_cut = False
        """Whether the last open connection ended in the middle of something, or in silence."""
        self.last_heard: float | None = None
        """Seconds since the epoch of the last byte that came while the stream was open; None before the first."""
        self._held_since: float | None = None
        self._reconnection_time: int | None = None
        """Milliseconds (HTML 9.2.2); None until the server sends a `retry:`."""
        self.connect()

    @property
    def failures(self) -> int:
        """Attempts of no use since the last one that was."""
        return self._backoff.failures

    @property
    def is_outage(self) -> bool:
        """Whether a person should hear that it is offline: a planned close that is soon mended is not."""
        lost = self.failures > 0 or self.is_held or self.ready_state is ReadyState.CLOSED
        return self.ready_state is not ReadyState.OPEN and lost

    @property
    def may_recover(self) -> bool:
        """Whether it failed for what the network on the way may be to blame for: worth an attempt on another one."""
        return self.ready_state is ReadyState.CLOSED and self._blames_network

    @property
    def is_soon_back(self) -> bool:
        """Whether the stream only ended as many do, and the first attempt to follow it further is under way."""
        return self.ready_state is ReadyState.CONNECTING and self.has_been_open and not self.is_outage

    @property
    def is_held(self) -> bool:
        """Whether there is no network that it could be followed over."""
        return self._held_since is not None

    def hold(self, wall_clock: float) -> None:
        """There is no network any more, at this second since the epoch.  Streams of this machine go on."""
        if self._held_since is None and not address.is_here(self.stream.url):
            self._held_since = wall_clock

    def woke(self, wall_clock: float) -> bool:
        """The machine slept until now; whether to connect anew at once.  What came before it slept proves nothing."""
        if self._held_since is not None:
            self._held_since = wall_clock
        return self._held_since is None

    def release(self) -> bool:
        """There is a network again, or another one.

        Returns:
            Whether to connect anew at once: not on this machine, nor where bytes came while there was no network.
        """
        since, self._held_since = self._held_since, None
        is_open = self.ready_state is ReadyState.OPEN
        is_alive = is_open and since is not None and (self.last_heard or 0.0) > since + UNDER_WAY
        return not is_alive and not address.is_here(self.stream.url)

    @property
    def can_resume(self) -> bool:
        """Whether the server is asked for what came while the stream was away."""
        return bool(self.resume.query or (self.resume.uses_ids and self.last_event_id))

    def connect(self, url: str | None = None, *, is_greeting: bool = False) -> Request:
        """The request for the stream, with which an attempt begins.

        Args:
            url: Where the stream is, if a handshake decides that.
            is_greeting: Whether it is of no use until `greeted`.
        """
        self.ready_state = ReadyState.CONNECTING
        self._url = url or self.stream.url
        self._is_greeting = is_greeting
        self.request = self._first_request()
        self._redirects = 0
        self._blames_network = False
        self._parser = self._new_parser()
        self._delivered_id = self.last_event_id
        self._opened = math.inf
        self._had_event = False
        self._asked_delay = 0.0
        return self.request

    def respond(self, response: Response, now: float, wall_clock: float) -> Request | None:
        """Judge the head of a response.

        Args:
            response: What came back for `request`.
            now: Seconds of a monotonic clock.
            wall_clock: Seconds since the epoch, for a Retry-After that is a date.

        Returns:
            A request to send next instead (a redirect), or None: then `ready_state` is OPEN, or CLOSED because
            the server asked for it.

        Raises:
            StreamLost: try again later.
            StreamFailed: never try again.
        """
        status = response.status
        if status == HTTPStatus.OK:
            self._check_content(response)
            self._blames_network = False
            self.ready_state = ReadyState.OPEN
            self.has_been_open = True
            self.last_heard = wall_clock
            self.response_headers = response.headers
            self.was_cut = False
            self._opened = now
            return None
        if status == HTTPStatus.NO_CONTENT:
            self._blames_network = False
            self.ready_state = ReadyState.CLOSED
            return None
        if status in exchange.REDIRECT:
            return self._redirected(response)
        answered = _("the server answered {status} {reason}", status=status, reason=exchange.phrase(status)).rstrip()
        if status in exchange.TRY_AGAIN or status >= 500:
            self.postpone(response.retry_after, wall_clock)
            raise StreamLost(answered)
        self._blames_network |= self.has_been_open and status in exchange.OF_A_NETWORK
        raise self.fail(StreamFailed(f"{answered}: {_(exchange.ADVICE.get(status, exchange.NO_STREAM))}"))

    def receive(self, chunk: bytes) -> list[Event]:
        """Bytes of the body, as they come; the events they complete.

        Raises:
            StreamFailed: one event is larger than the stream's limit.  The events before it were returned earlier;
                no bytes at all are enough to hear of it.
        """
        try:
            events = self._parser.feed(chunk)
        except EventTooLarge as error:
            limit = _("{event_limit:,} bytes", event_limit=self.stream.event_limit)
            raise self.fail(
                StreamFailed(_("one event is larger than {limit}, the event_limit of this stream", limit=limit))
            ) from error
        if events and not self._is_greeting:
            self._had_event = True
            self._backoff.succeed()
        return events

    def greeted(self) -> None:
        """The handshake is done, so that events will come."""
        self._is_greeting = False
        self._had_event = True
        self._backoff.succeed()

    def postpone(self, retry_after: str | None, wall_clock: float) -> None:
        """Something else than the stream was answered with this Retry-After."""
        self._asked_delay = exchange.retry_after(retry_after, wall_clock)

    @property
    def has_new_id(self) -> bool:
        """Whether an ID came that `delivered` was not told of."""
        return self.latest_event_id != self._delivered_id

    @property
    def latest_event_id(self) -> str:
        """The last event ID after all that was received, in safe hands or not."""
        return self._parser.last_event_id

    def delivered(self, last_event_id: str) -> None:
        """All events up to this ID are in safe hands: resume after it, unless no header could take it."""
        self._delivered_id = last_event_id
        if len(last_event_id) <= ID_LIMIT:
            self.last_event_id = last_event_id

    def lose(self, now: float, chance: float, *, cut: bool = False) -> float:
        """The connection is gone, or could not be made.

        Args:
            cut: Whether it did not end in good order, so that something may have been under way.
            now: Seconds of a monotonic clock.
            chance: A random number, at least 0 and below 1.

        Returns:
            Seconds to wait before `connect`.
        """
        self.was_cut |= cut and self.ready_state is ReadyState.OPEN
        self.ready_state = ReadyState.CONNECTING
        lived = 0.0 if self._is_greeting else now - self._opened
        if self._parser.reconnection_time is not None:
            self._reconnection_time = self._parser.reconnection_time
        return self._backoff.wait(
            now,
            chance,
            lived=lived,
            had_event=self._had_event,
            retry=self._reconnection_time,
            asked=self._asked_delay,
        )

    def hurry(self) -> None:
        """Somebody wants a new connection now: forget what made us wait."""
        self.ready_state = ReadyState.CONNECTING
        self._backoff.hurry()

    def fail(self, error: StreamFailed, *, of_network: bool = False) -> StreamFailed:
        """Fail the connection (HTML 9.2.3): CLOSED for good, because of `error`, which is given back.

        Args:
            error: Why.
            of_network: Whether the network on the way may be to blame.
        """
        self._blames_network |= of_network
        self.ready_state = ReadyState.CLOSED
        return error

    def _first_request(self) -> Request:
        return Request(address.with_query(self._url, self.resume.query), self._headers())

    def _headers(self) -> dict[str, str]:
        headers = {
            "Accept": "text/event-stream",
            # A compressor on the way would hold events back until its block is full.
            "Accept-Encoding": "identity",
            "Cache-Control": "no-store",
            "User-Agent": exchange.USER_AGENT,
        }
        if self.resume.uses_ids and self.last_event_id and not CONTROL.search(self.last_event_id):
            headers["Last-Event-ID"] = self.last_event_id
        return headers

    def _new_parser(self) -> EventStreamParser:
        return EventStreamParser(self.last_event_id, limit=self.stream.event_limit)

    def _check_content(self, response: Response) -> None:
        kind, encoding = response.content_type, response.content_encoding
        if kind != "text/event-stream":
            self._blames_network = True
            what = {"text/html": _("a web page"), "application/json": "JSON", "": _("something without a type")}
            found = f"{what.get(kind, _shown(kind))}{f' ({kind})' if kind in what and kind else ''}"
            raise self.fail(
                StreamFailed(_("the server answered with {found}, not an event stream; check the address", found=found))
            )
        if encoding not in exchange.ENCODINGS:
            raise self.fail(
                StreamFailed(
                    _("the server packs the stream in a way we cannot read ({encoding})", encoding=_shown(encoding))
                )
            )

    def _redirected(self, response: Response) -> Request:
        self._redirects += 1
        self._blames_network = True
        if self._redirects > REDIRECTS:
            raise self.fail(
                StreamFailed(_("the server redirected more than {limit} times; check the address", limit=REDIRECTS))
            )
        if not response.location:
            raise self.fail(
                StreamFailed(_("the server answered {status} without saying where to go", status=response.status))
            )
        here = self.request.url
        try:
            there = address.join(here, response.location)
            if urlsplit(there).scheme not in ("http", "https", UNIX) or not urlsplit(there).hostname:
                raise ValueError(_("not a web address"))
            there = address.without_credentials(there)
            # What was configured for one origin may be a secret.  Another origin never sees it, and a stranger who
            # was asked on the way does not get to say where it goes next.
            is_home = self.request.is_home and address.origin(here) == address.origin(there)
        except ValueError as error:
            raise self.fail(StreamFailed(_("the server redirected to something that is no web address"))) from error
        self.request = Request(there, self._headers(), is_home)
        return self.request


def _shown(value: str) -> str:
    """A header's value, for a sentence: short, and nothing that could be taken for more than text."""
    return "".join(c for c in value[:60] if c.isprintable())
