"""The URL of a server in, a message published or events followed out.  It prints nothing and serves nothing.

It speaks to any `sse-server` with the standard library alone, so that a cron job starts fast.
"""

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit, urlunsplit

from server.intake import joined
from server.origin import is_loopback

SILENCE = 60.0
"""Seconds without a byte after which a stream counts as lost; the server sends one every 15."""
NOT_NOW = frozenset({408, 425, 429})
"""Statuses after which the same may be asked again, beside those of an error of the server (5xx)."""
ANSWER_LIMIT = 65_536
"""Bytes of an answer that are read."""
EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of an event that are read."""
UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's verification codes (X509_V_ERR_*) of a certificate that nobody signed who is known here."""


_LINE_END = re.compile(rb"\r\n|\n|\r")
"""WHATWG HTML 9.2.5, "end-of-line"."""


class RemoteError(Exception):
    """The server said no, or nothing; one sentence for a person."""


class RemoteLost(RemoteError):
    """There was no answer, none to its end, or "not now": the same may be tried again."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A server that is somewhere else."""

    url: str
    """Where its events are, such as ``http://127.0.0.1:8080/events``; the server's own address will do."""
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            _ = parts.port  # it is looked at when it is asked for
        except ValueError as error:
            raise RemoteError(f"the URL of a server cannot be read: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RemoteError("the URL of a server begins with http:// or https://")
        token = (self.token or "").strip()
        if not (token.isascii() and token.isprintable()):
            raise RemoteError("the token is none of those that sse-server token add prints: ASCII, in one line")

    def publish(self, text: str, fields: dict[str, str], *, once: str) -> str:
        """Publish a text, with such fields as a title; returns its id.

        Args:
            once: a name of this publishing; under the same name it is published once, however often this is called.

        Raises:
            RemoteLost: nobody knows whether it was published, or it was not and may be later.
            RemoteError: it was not published.
        """
        if not (once.isascii() and once.isprintable()):
            raise RemoteError("an idempotency key is printable ASCII")
        # All of it goes into the body: a query has no room for a long title.
        body, media_type = text.encode(), "text/plain; charset=utf-8"
        if fields:
            body, media_type = json.dumps(joined(text, fields), ensure_ascii=False).encode(), "application/json"
        request = urllib.request.Request(self._events(), body, method="POST")  # noqa: S310
        request.add_header("Content-Type", media_type)
        request.add_header("Idempotency-Key", once)
        with self._answer(request, timeout=30) as answer:
            try:
                return str(json.loads(answer.read(ANSWER_LIMIT))["id"])
            except (OSError, http.client.HTTPException) as error:
                raise RemoteLost(f"the connection to {self._name} is lost") from error
            except (ValueError, KeyError, TypeError) as error:
                raise RemoteError(f"{self._name} did not answer as an sse-server does") from error

    def follow(
        self,
        query: list[tuple[str, str]],
        last_event_id: str,
        deliver: Callable[[dict[str, object]], None],
        reached: Callable[[str], None],
    ) -> None:
        """Give each event, as the envelope it came in, to `deliver`.

        What an sse-server sends without one, as its demo of bad bytes does, is given as a text.

        Args:
            query: What to ask for.
            last_event_id: Where to go on; empty for what is new.
            deliver: Takes an event; its errors are its caller's.
            reached: Told each ID from which a later call goes on, after all before it was delivered.

        Raises:
            RemoteLost: the connection ended; it always does at some time.
            RemoteError: the server refused, or is no sse-server.
        """
        request = urllib.request.Request(self._events([*query, ("envelope", "json")]))  # noqa: S310
        request.add_header("Accept", "text/event-stream")
        if last_event_id:
            request.add_header("Last-Event-ID", last_event_id)
        with self._answer(request, timeout=SILENCE) as answer:
            if answer.headers.get_content_type() != "text/event-stream":
                raise RemoteError(f"{self._name} sends no events there; is it an sse-server?")
            is_ours = answer.headers.get("Server") == "sse-server"
            place, data, size = "", list[bytes](), 0
            for line in self._lines(answer):
                size += len(line) + 1
                if size > EVENT_LIMIT:
                    raise RemoteError(self._too_large)
                name, _, value = line.partition(b":")
                value = value.removeprefix(b" ")
                if name == b"data":
                    data.append(value)
                elif name == b"id" and value.isascii() and value.decode().isprintable():  # else no header could have it
                    place = value.decode()
                elif not line:
                    if data:
                        deliver(self._event(b"\n".join(data), is_ours=is_ours))
                    if place:
                        reached(place)
                    place, data, size = "", [], 0

    def _lines(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        """Every whole line, without its end.

        Raises:
            RemoteLost: there are no more.
            RemoteError: one is larger than `EVENT_LIMIT`.
        """
        while True:
            try:
                piece = answer.readline(EVENT_LIMIT + 1)
            except (OSError, http.client.HTTPException) as error:
                raise RemoteLost(f"the connection to {self._name} is lost") from error
            if not piece:
                raise RemoteLost(f"{self._name} ended the stream")
            if len(piece) > EVENT_LIMIT:
                raise RemoteError(self._too_large)
            if not piece.endswith(b"\n"):  # http.client is silent about what was cut
                raise RemoteLost(f"the connection to {self._name} is lost")
            yield from _LINE_END.split(piece)[:-1]

    @property
    def _too_large(self) -> str:
        return f"{self._name} sent an event of more than {EVENT_LIMIT // 1024 // 1024} MiB; is it an sse-server?"

    def _event(self, data: bytes, *, is_ours: bool) -> dict[str, object]:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict) and isinstance(event.get("type"), str) and isinstance(event.get("data"), str):
            return event
        if not is_ours:
            raise RemoteError(f"{self._name} did not answer as an sse-server does")
        return {"type": "message", "data": data.decode(errors="replace")}

    def _events(self, query: Sequence[tuple[str, str]] = ()) -> str:
        """The URL with this added to its query.  What a server prints at its start is the address of its page."""
        parts = urlsplit(self.url)
        path = "/events" if parts.path in ("", "/") else parts.path
        return urlunsplit(
            (parts.scheme, parts.netloc, path, "&".join(filter(None, (parts.query, urlencode(query)))), "")
        )

    @property
    def _name(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def _is_here(self) -> bool:
        return is_loopback(urlsplit(self.url).hostname or "")

    def _answer(self, request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token.strip()}")
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if self._is_here:
            handlers.append(urllib.request.ProxyHandler({}))  # a proxy's loopback is not ours
        try:
            answer = urllib.request.build_opener(*handlers).open(request, timeout=timeout)
            assert isinstance(answer, http.client.HTTPResponse)
            return answer
        except urllib.error.HTTPError as error:
            kind = RemoteLost if error.code in NOT_NOW or error.code >= 500 else RemoteError
            raise kind(f"{self._name} refused: {_reason(error)}") from error
        except urllib.error.URLError as error:
            # Errors of ssl are known by what they carry: whoever speaks http waits for no import of it.
            if hasattr(error.reason, "verify_code"):
                raise RemoteError(
                    f"the certificate of {self._name} is not trusted: {_verdict(error.reason)}"
                ) from error
            raise RemoteLost(f"{self._name} cannot be reached: {self._why(error.reason)}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RemoteLost(f"{self._name} cannot be reached: {self._why(error)}") from error

    def _why(self, error: BaseException | str) -> str:
        if isinstance(error, ConnectionRefusedError) and self._is_here:
            return f"{error.strerror}; is it running? start one with: sse-server"
        if getattr(error, "library", None) == "SSL":
            words = str(getattr(error, "reason", None) or "without a reason").replace("_", " ").lower()
            return f"TLS failed, {words}; does it speak http:// only?"
        return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes where the person said and nowhere else; urllib would take it along."""

    def redirect_request(self, *_: object) -> None:
        return None


def _verdict(error: object) -> str:
    """Why OpenSSL does not trust a certificate, and what to do where it does not know who signed it."""
    verdict = str(getattr(error, "verify_message", "")).rstrip(".")
    if getattr(error, "verify_code", 0) in UNKNOWN_ISSUER:
        verdict += "; if an authority of your own signed it, name its file in the environment variable SSL_CERT_FILE"
    return verdict


def _reason(error: urllib.error.HTTPError) -> str:
    """The server's own sentence, or the status."""
    with error:
        try:
            return str(json.loads(error.read(ANSWER_LIMIT))["error"])
        except (ValueError, KeyError, TypeError, OSError):
            return f"{error.code} {error.reason}"
