"""The way to a stream's server, and a record of what happens on it: times, heads of responses, and what went wrong.

It changes nothing and judges nothing: what it saw is in an :class:`~notifier.observation.Observation`.
"""

import asyncio
import contextlib
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from socket import gaierror
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar
from aiohttp.connector import SocketFactoryType

from notifier.errors import StreamFailed, StreamLost
from notifier.observation import Answer, Observation, Trouble
from notifier.proxy import bracketed
from notifier.stream import Stream
from notifier.tls import PinMismatch
from notifier.transport import Call, Transport

FINGERPRINT_TIMEOUT = 5.0
"""Seconds to fetch a certificate that is not believed."""
SELF_SIGNED = {18, 19}
EXPIRED = {9, 10}
WRONG_NAME = {62, 64}
"""OpenSSL's verification codes (X509_V_ERR_*)."""
OF_TLS = {Trouble.SELF_SIGNED, Trouble.UNTRUSTED, Trouble.WRONG_NAME, Trouble.EXPIRED}


class Witness(Transport):
    """A transport that notes what it sees.

    Args:
        stream: As for the transport.
        seen: Where it is noted.
        clock: Seconds since the look began.
    """

    def __init__(self, stream: Stream, seen: Observation, clock: Callable[[], float]) -> None:
        self._seen, self._clock = seen, clock
        super().__init__(stream, [self._trace()])

    @contextlib.asynccontextmanager
    async def send(
        self,
        call: Call,
        *,
        guard: SocketFactoryType | None = None,
        cookies: AbstractCookieJar | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """As :meth:`Transport.send`."""
        seen = self._seen
        seen.trouble = None
        answered = False
        try:
            async with super().send(call, guard=guard, cookies=cookies) as response:
                answered = True
                if call.is_stream:
                    seen.answers.append(self._answer(call, response))
                yield response
        except asyncio.CancelledError:
            if not answered and (call.is_stream or seen.opened is None):
                seen.trouble = Trouble.NO_ANSWER
            raise
        except Exception as error:
            seen.trouble = _trouble(error, call, answered=answered)
            raise

    async def fingerprint(self, url: str) -> str:
        """SHA-256 of the certificate that the server of `url` shows; empty if it shows none."""
        parts = urlsplit(url)
        place = (parts.hostname or "", parts.port or 443)
        try:
            pem = await asyncio.to_thread(ssl.get_server_certificate, place, timeout=FINGERPRINT_TIMEOUT)
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        except (OSError, ValueError):
            return ""

    def _answer(self, call: Call, response: aiohttp.ClientResponse) -> Answer:
        version = response.version
        transport = response.connection.transport if response.connection is not None else None
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        ends = certificate.get("notAfter") if certificate else None
        return Answer(
            at=self._clock(),
            status=response.status,
            # A server may send one several times: WWW-Authenticate, for each way to log in (RFC 9110 5.3).
            headers={name.lower(): ", ".join(response.headers.getall(name)) for name in response.headers},
            version=f"{version.major}.{version.minor}" if version is not None else "",
            host=call.host,
            path=urlsplit(call.url).path or "/",
            wall_clock=time.time(),
            certificate_ends=ssl.cert_time_to_seconds(ends) if ends else None,
        )

    def _trace(self) -> aiohttp.TraceConfig:
        config = aiohttp.TraceConfig()
        seen = self._seen

        async def resolved(*_: object) -> None:
            seen.resolved = seen.resolved if seen.resolved is not None else self._clock()

        async def connected(*_: object) -> None:
            seen.connected = seen.connected if seen.connected is not None else self._clock()

        async def asked(*_: object) -> None:
            seen.asked = seen.asked if seen.asked is not None else self._clock()

        config.on_dns_resolvehost_end.append(resolved)
        config.on_connection_create_end.append(connected)
        config.on_request_headers_sent.append(asked)
        return config


def look_at(stream: Stream) -> Observation:
    """An observation in which nothing was seen yet."""
    parts = urlsplit(stream.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Observation(
        scheme=parts.scheme, host=f"{bracketed(parts.hostname or '')}:{port}", verifies=stream.tls.verify
    )


def _trouble(error: BaseException, call: Call, *, answered: bool) -> Trouble:
    chain = list(_causes(error))
    # aiohttp's own errors inherit from those of TLS too, but do not say why.
    for cause in (each for each in chain if not isinstance(each, aiohttp.ClientError)):
        match cause:
            case PinMismatch():
                return Trouble.OTHER_PIN
            case ssl.SSLCertVerificationError():
                return _of_certificate(cause.verify_code)
            case ssl.SSLError():
                return Trouble.TLS
    if call.proxy is not None and not answered:
        return Trouble.PROXY
    if any(isinstance(cause, gaierror | aiohttp.ClientConnectorDNSError) for cause in chain):
        return Trouble.UNKNOWN_HOST
    if any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        return Trouble.REFUSED
    if isinstance(error, StreamFailed) or (answered and isinstance(error, StreamLost) and error.__cause__ is None):
        return Trouble.REFUSED_BY_SERVER
    if any(isinstance(cause, aiohttp.ClientConnectorError) for cause in chain):
        return Trouble.TLS if call.url.startswith("https:") and _was_cut(chain) else Trouble.UNREACHABLE
    if not answered and any(isinstance(cause, aiohttp.ClientResponseError) for cause in chain):
        return Trouble.NOT_HTTP
    return Trouble.CUT


def _of_certificate(code: int) -> Trouble:
    if code in SELF_SIGNED:
        return Trouble.SELF_SIGNED
    if code in EXPIRED:
        return Trouble.EXPIRED
    return Trouble.WRONG_NAME if code in WRONG_NAME else Trouble.UNTRUSTED


def _was_cut(chain: list[BaseException]) -> bool:
    return any(isinstance(cause, ConnectionResetError | ConnectionAbortedError) for cause in chain)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and what that carries of the system's own."""
    while error is not None:
        yield error
        for name in ("os_error", "certificate_error"):
            if isinstance(carried := getattr(error, name, None), BaseException):
                yield carried
        error = error.__cause__ or error.__context__
