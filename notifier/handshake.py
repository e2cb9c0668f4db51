"""What a preset says of a handshake and a stream's URL in, the requests to send around the stream out.  Pure.

Some servers want to be asked for more than the stream: for a cookie or a token before it, for what it shall bring once
it is open.  A :class:`Session` is one such conversation.  It says which request is next and judges the answer; a shell
sends them, keeps the cookies, and asks for the stream in between.  No request leaves the stream's own origin.

====================================  ==========================================================================
what a request was answered with      what follows
====================================  ==========================================================================
2xx                                   the next one; if what the preset expects is not true of it: reestablish
301 302 303 307 308 to the origin     followed, at most `REDIRECTS` times; a POST only where it stays one
... to another origin                 fail: what goes along is for this server only
404 where the preset calls it         the next one
optional
408 425 429 5xx                       reestablish
401 403, any other status             fail, with what to do about it
====================================  ==========================================================================

A conversation that led to an open stream goes on at the next connection: the server still knows us, and may have kept
what came in between.  If it no longer does, that is no failure yet, and a new conversation is begun.
"""

from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote, unquote, urlencode, urlsplit

from notifier import address, payload
from notifier.errors import StreamFailed, StreamLost
from notifier.exchange import ADVICE, OF_A_NETWORK, REDIRECT, TRY_AGAIN, USER_AGENT, Request, Response, phrase
from notifier.language import _
from notifier.preset import Handshake
from notifier.preset import Request as Step
from notifier.sse import Event
from notifier.template import Expression, RenderFailed, Template

ANSWER_LIMIT = 64 << 10
"""Bytes of an answer."""
HEADER_LIMIT = 4_000
"""Characters of a header's value."""
REDIRECTS = 3
STAYS_A_POST = {307, 308}


class Session:
    """One conversation with a server.

    Args:
        handshake: What is to be asked.
        url: The stream's, as the person gave it.
        name: A name that nobody else takes, for our ID where the URL has none.
    """

    def __init__(self, handshake: Handshake, url: str, name: str) -> None:
        self.handshake = handshake
        self.is_proven = False
        """Whether it led to an open stream, and the server has not been heard since."""
        root, client_id, self.url = _places(handshake, url, name)
        self._base = urlsplit(url)._replace(path="", query="", fragment="").geturl() + root
        self._values: dict[str, object] = {"client_id": client_id}
        self._pending: deque[Step] = deque()
        self._next: Request | None = None
        self._redirects = 0

    @property
    def has_more(self) -> bool:
        """Whether there is more to say once the stream is open."""
        return bool(self.handshake.after)

    def begin(self) -> None:
        """A connection is to be made."""
        self._pending = deque(() if self.is_proven else self.handshake.before)
        self._next = None

    def doubt(self) -> None:
        """The server was heard, or should have been: whether the conversation is still good is open again."""
        self.is_proven = False

    def opened(self, event: Event) -> None:
        """The stream is open, and this is its first event."""
        self._values["data"] = payload.read(event.data)
        self._pending = deque(self.handshake.after)
        self._next = None

    def next_request(self) -> Request | None:
        """What to send now; None if all has been said for the moment.

        Raises:
            StreamFailed: what the server said cannot be used in it.
        """
        if self._next is None and self._pending:
            self._redirects = 0
            self._next = self._request(self._pending[0])
        return self._next

    @property
    def wants_answer(self) -> bool:
        """Whether the answer to that is to be read, up to `ANSWER_LIMIT`."""
        return bool(self._pending) and (self._pending[0].keep is not None or self._pending[0].expect is not None)

    def answer(self, response: Response, body: bytes = b"") -> None:
        """Judge an answer; `body` is what was read of it.

        Raises:
            StreamLost: try again later.
            StreamFailed: never try again.
        """
        self.doubt()
        step, asked = self._pending[0], self._next
        assert asked is not None
        status = response.status
        if status in REDIRECT and response.location and (asked.method == "GET" or status in STAYS_A_POST):
            self._next = self._redirected(asked, response.location)
            return
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            if not (step.optional and status == HTTPStatus.NOT_FOUND):
                raise _refused(step, status)
        elif self.wants_answer:
            self._take(step, body)
        self._pending.popleft()
        self._next = None

    def _request(self, step: Step) -> Request:
        path = self._render(step.path, step)
        headers = {name: self._render(value, step).strip() for name, value in step.headers.items()}
        headers = {name: value for name, value in headers.items() if value}
        if not path.startswith("/") or not all(
            len(text) <= HEADER_LIMIT and text.isprintable() for text in (path, *headers.values())
        ):
            raise StreamFailed(_("what the server said for {path} of the handshake cannot be sent", path=_shown(step)))
        body = None
        if step.body is not None:
            body = self._render(step.body, step).encode()
            headers["Content-Type"] = "application/json"
        elif step.form:
            body = urlencode({name: self._render(value, step) for name, value in step.form.items()}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        ours = {
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "identity",
            "Cache-Control": "no-store",
            "User-Agent": USER_AGENT,
        }
        return Request(self._base + path, ours | headers, method=step.method, body=body, is_stream=False)

    def _redirected(self, asked: Request, location: str) -> Request:
        step = self._pending[0]
        self._redirects += 1
        if self._redirects > REDIRECTS:
            raise StreamFailed(
                _("the server redirected {path} of the handshake too often; check the address", path=_shown(step))
            )
        try:
            there = address.without_credentials(address.join(asked.url, location))
            is_home = address.origin(there) == address.origin(asked.url)
        except ValueError:
            is_home = False
        if not is_home:
            raise StreamFailed(
                _(
                    "the server redirected {path} of the handshake to another server, which is not followed; "
                    "use the address that it leads to",
                    path=_shown(step),
                )
            )
        return Request(there, asked.headers, method=asked.method, body=asked.body, is_stream=False)

    def _take(self, step: Step, body: bytes) -> None:
        if len(body) > ANSWER_LIMIT:
            raise StreamFailed(
                _(
                    "the server's answer to {path} of the handshake has more than {limit:,} bytes",
                    path=_shown(step),
                    limit=ANSWER_LIMIT,
                )
            )
        answer = payload.read(body.decode("utf-8", "replace"))
        if step.expect is not None and not _holds(step.expect, self._values | {"answer": answer}):
            raise StreamLost(_("the server did not accept {path} of the handshake; it is done anew", path=_shown(step)))
        if step.keep is not None:
            self._values[step.keep] = answer

    def _render(self, source: str, step: Step) -> str:
        try:
            return Template(source).render(self._values)
        except RenderFailed:
            # Its own text may quote what the server said.
            raise StreamFailed(
                _("what the server said for {path} of the handshake cannot be used", path=_shown(step))
            ) from None


def root(handshake: Handshake | None, url: str) -> str:
    """What stands in the path of `url` before all that belongs to the handshake: where such a server is at home."""
    return "" if handshake is None else _places(handshake, url, "")[0]


def _places(handshake: Handshake, url: str, name: str) -> tuple[str, str, str]:
    """The root, our ID, and the stream's own URL."""
    ours, listen, parts = f"sse-notifier-{name}", handshake.listen, urlsplit(url)
    if not listen:
        return "", ours, url
    path = parts.path + "/" if parts.path.endswith(listen[:-1]) else parts.path
    before, found, rest = path.partition(listen)
    # A session ID that stands in the path is somebody's who has left.
    given, semicolon, _old = rest.partition(";")
    if given and not semicolon:
        return before, unquote(given), url
    before = before if found else path.rstrip("/")
    client_id = unquote(given) or ours
    return before, client_id, parts._replace(path=before + listen + quote(client_id, safe="")).geturl()


def _refused(step: Step, status: int) -> StreamLost | StreamFailed:
    answered = _(
        "the server answered {status} to {path} of the handshake",
        status=f"{status} {phrase(status)}".rstrip(),
        path=_shown(step),
    )
    if status in TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StreamLost(answered)
    advice = _(ADVICE[status]) if status in OF_A_NETWORK else _("check the address")
    return StreamFailed(f"{answered}: {advice}")


def _holds(expression: str, values: Mapping[str, object]) -> bool:
    try:
        return Expression(expression).holds(values)
    except RenderFailed:
        return False


def _shown(step: Step) -> str:
    """The path as the preset has it, for a person: nothing in it is the server's or a secret."""
    return step.path.partition("?")[0]
