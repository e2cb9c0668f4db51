"""A stream in, the way to its server out: connection, TLS, proxy, and the secrets that go along.

Everything is made anew for each connection, so that rotated tokens and renewed certificates are the ones that are used
next.  It decides nothing about retrying but what it alone can see: a proxy that refuses us fails the stream, as a
server that refuses us does.
"""

import asyncio
import base64
import contextlib
import importlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from ssl import SSLContext, SSLError
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar
from aiohttp.connector import SocketFactoryType
from yarl import URL

from notifier.errors import StreamFailed, StreamLost
from notifier.exchange import Request
from notifier.language import _
from notifier.proxy import Proxy, bracketed
from notifier.secret import Secret
from notifier.stream import UNIX, Stream, Tls
from notifier.tls import UNVERIFIED, make_context, tell_handshake
from notifier.vault import reveal

logger = logging.getLogger(__name__)

_NO_TIMEOUTS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
SENDABLE = re.compile(r"(?:[!$&-;=?-Z_a-z~\[\]#]|%[0-9A-Fa-f]{2})*")
"""What RFC 3986 allows in a URL."""
_WANTS_CREDENTIALS = {401, 407}
_REFUSED_BY_PROXY = {403, 405}
"""Answers of a proxy that no further attempt would change."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The secrets that go along with requests to the stream's own origin."""

    headers: dict[str, str] = field(repr=False)
    query: dict[str, str] = field(repr=False)
    context: SSLContext | None


@dataclass(frozen=True, slots=True)
class Call:
    """A request, ready to be sent once; its secrets are in it, and in no repr."""

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    host: str
    """For a person."""
    socket: str | None = None
    """Path of a Unix socket."""
    proxy: Proxy | None = None
    proxy_password: str = field(default="", repr=False)
    context: SSLContext | None = None
    """None believes what this machine believes."""
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)
    is_stream: bool = True
    """Whether the stream itself is asked for."""
    keys: Keys | None = field(default=None, repr=False)
    """None where it goes to another origin."""


class Transport:
    """The way to one stream's server."""

    def __init__(self, stream: Stream, traces: Sequence[aiohttp.TraceConfig] = ()) -> None:
        """Nothing is opened, and no secret is fetched, before the first request."""
        self._stream = stream
        self._traces = list(traces)
        if not stream.tls.verify:
            logger.warning("%s: %s", stream.name, _(UNVERIFIED))

    async def prepare(self, request: Request, like: Call | None = None) -> Call:
        """Fetch what the request needs.

        Args:
            request: What is to be sent.
            like: A call of a moment ago; its secrets are taken again, so that nobody is asked for them twice.

        Raises:
            StreamLost: a secret or a certificate cannot be had now.
            StreamFailed: a secret cannot be had without another installation.
        """
        stream = self._stream
        parts = urlsplit(request.url)
        proxy = stream.proxy.proxy_for(request.url)
        if like is not None and like.proxy == proxy:
            password = like.proxy_password
        else:
            password = await self._secret("proxy.password", proxy.password) if proxy and proxy.password else ""
        socket = unquote(parts.netloc) if parts.scheme == UNIX else None
        url, headers, keys = request.url, dict(request.headers), None
        if request.is_home:
            keys = (like.keys if like is not None else None) or await self._keys(parts.scheme)
            url = _with_query(url, keys.query)
            headers = _with_headers(headers, keys.headers)
        if socket is not None:
            url = urlsplit(url)._replace(scheme="http", netloc="localhost").geturl()
        host = socket or f"{bracketed(parts.hostname or '')}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        return Call(
            url,
            headers,
            host,
            socket,
            proxy,
            password,
            context=keys.context if keys is not None else None,
            method=request.method,
            body=request.body,
            is_stream=request.is_stream,
            keys=keys,
        )

    @contextlib.asynccontextmanager
    async def send(
        self,
        call: Call,
        *,
        guard: SocketFactoryType | None = None,
        cookies: AbstractCookieJar | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request over a connection of its own, and hold the connection while the response is read.

        Args:
            call: What to send.
            guard: Makes the socket for each address that is tried; it raises OSError where none may be.
            cookies: What goes along beside the person's own, and what the server adds to; without it none are kept.

        Raises:
            StreamLost: the way there is cut: TLS, proxy or socket.  Other network trouble is aiohttp's to tell.
            StreamFailed: the proxy refuses us, or a package is missing.
        """
        async with aiohttp.ClientSession(
            connector=_connector(call, guard),
            cookie_jar=cookies if cookies is not None else aiohttp.DummyCookieJar(),
            trace_configs=self._traces if call.is_stream else [],
        ) as session:
            headers = call.headers
            options: dict[str, Any] = {} if call.context is None else {"ssl": call.context}
            if call.proxy is not None and not call.proxy.is_socks:
                options["proxy"] = str(call.proxy)
                # A tunnel is opened by a request of its own; without one, the proxy reads ours.
                if call.url.startswith("https:"):
                    options["proxy_headers"] = _proxy_headers(call)
                else:
                    headers = headers | _proxy_headers(call)
            try:
                request = await session.request(
                    call.method,
                    _exactly(call.url),
                    headers=headers,
                    data=call.body,
                    timeout=_NO_TIMEOUTS,
                    allow_redirects=False,
                    middlewares=(_once,),
                    **options,
                )
            except Exception as error:
                if told := _explain(error, call):
                    raise told from error
                raise
            async with request as response:
                yield response

    async def _keys(self, scheme: str) -> Keys:
        stream, context = self._stream, None
        query = {name: await self._secret(f"query.{name}", secret) for name, secret in stream.query.items()}
        headers = await self._credentials()
        if scheme == "https" and stream.tls != Tls():
            key_password = await self._secret("tls.key_password", stream.tls.key_password)
            context = await asyncio.to_thread(make_context, stream.tls, key_password)
        return Keys(headers, query, context)

    async def _credentials(self) -> dict[str, str]:
        stream = self._stream
        found = {name: await self._secret(f"headers.{name}", secret) for name, secret in stream.headers.items()}
        if stream.bearer is not None:
            found["Authorization"] = f"Bearer {await self._secret('bearer', stream.bearer)}"
        if stream.basic is not None:
            password = await self._secret("basic.password", stream.basic.password)
            found["Authorization"] = _basic(stream.basic.user, password)
        if stream.cookies:
            pairs = [f"{n}={await self._secret(f'cookies.{n}', secret)}" for n, secret in stream.cookies.items()]
            found["Cookie"] = "; ".join(pairs)
        return found

    async def _secret(self, setting: str, secret: Secret | None) -> str:
        if secret is None:
            return ""
        try:
            return await reveal(secret)
        except (StreamLost, StreamFailed) as error:
            raise type(error)(_("{setting} cannot be had: {error}", setting=setting, error=error)) from error


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request one time: aiohttp repeats a GET that was cut off, at once and behind the back of the backoff."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise StreamLost(_("the connection was cut")) from error


def _with_query(url: str, tokens: dict[str, str]) -> str:
    """The URL with these parameters; a redirect may have kept some of them already."""
    parts = urlsplit(url)
    there = {pair.partition("=")[0] for pair in parts.query.split("&")}
    added = [
        f"{quote(n, safe='')}={quote(value, safe='')}" for n, value in tokens.items() if quote(n, safe="") not in there
    ]
    return parts._replace(query="&".join([*filter(None, [parts.query]), *added])).geturl()


def _exactly(url: str) -> URL:
    """The URL as it was written, since signatures may be over its very characters; what cannot be sent is encoded."""
    try:
        return URL(url, encoded=SENDABLE.fullmatch(url) is not None)
    except ValueError as error:
        # A host that cannot be encoded, say, from a redirect: aiohttp would have said it like this.
        raise aiohttp.InvalidURL(url) from error


def _with_headers(ours: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """What the person wants sent takes the place of ours, whatever its case."""
    named = {name.lower() for name in own}
    return {name: value for name, value in ours.items() if name.lower() not in named} | own


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _proxy_headers(call: Call) -> dict[str, str]:
    assert call.proxy is not None
    if not call.proxy.user:
        return {}
    return {"Proxy-Authorization": _basic(call.proxy.user, call.proxy_password)}


def _connector(call: Call, guard: SocketFactoryType | None = None) -> aiohttp.BaseConnector:
    if call.socket is not None:
        return aiohttp.UnixConnector(call.socket, force_close=True)
    if call.proxy is None or not call.proxy.is_socks:
        return aiohttp.TCPConnector(force_close=True, socket_factory=guard)
    try:
        socks = importlib.import_module("aiohttp_socks")
    except ImportError as error:
        raise StreamFailed(
            _("SOCKS proxies need one more package: install 'sse-notifier[socks]' the way sse-notifier was installed")
        ) from error
    connector: aiohttp.BaseConnector = socks.ProxyConnector(
        host=call.proxy.host,
        port=call.proxy.port,
        proxy_type=socks.ProxyType.SOCKS4 if "socks4" in call.proxy.scheme else socks.ProxyType.SOCKS5,
        username=call.proxy.user or None,
        password=call.proxy_password or None,
        # The proxy looks names up: it knows them where we may not, and nobody here hears of them.
        rdns=True,
        force_close=True,
    )
    return connector


def _explain(error: Exception, call: Call) -> StreamLost | StreamFailed | None:
    """What cut the way to the server, for a person; None if it is no matter of TLS, proxy or socket.

    Never the error's own text, which may quote the URL and its secrets.
    """
    proxy = call.proxy
    if told := tell_handshake(_tls_error(error), call.host):
        return StreamLost(told)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused(error.status, proxy)
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    # A connection that nobody takes is refused; one that is cut before the request was cut in its handshake.
    if call.url.startswith("https:") and isinstance(cause, ConnectionResetError | ConnectionAbortedError):
        return StreamLost(tell_handshake(SSLError(), call.host))
    if call.socket is not None and isinstance(error, OSError):
        why = cause.strerror if cause is not None else "cut"
        return StreamLost(
            _("the socket {socket} cannot be reached ({why}); is the server running?", socket=call.socket, why=why)
        )
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return _unreachable(proxy, error.os_error.strerror)
    if isinstance(error, aiohttp.ClientConnectorDNSError) and proxy is not None:
        return _unreachable(proxy, _("its name is not known"))
    if type(error).__module__.startswith(("aiohttp_socks", "python_socks")):
        return _explain_socks(error, call)
    return None


def _tls_error(error: BaseException | None) -> SSLError | None:
    # aiohttp's own errors inherit from SSLError too, but do not say why.
    while error is not None and (isinstance(error, aiohttp.ClientError) or not isinstance(error, SSLError)):
        error = error.__cause__
    return error


def _refused(status: int, proxy: Proxy | None) -> StreamLost | StreamFailed:
    if status in _WANTS_CREDENTIALS and proxy is not None and not proxy.user:
        return StreamFailed(
            _(
                "the proxy {proxy} wants credentials; give them as proxy = {{ url = …, user = …, password = … }}",
                proxy=proxy,
            )
        )
    if status in _WANTS_CREDENTIALS:
        return StreamFailed(
            _("the proxy {proxy} does not take the credentials given; check its user and password", proxy=proxy)
        )
    if status in _REFUSED_BY_PROXY:
        return StreamFailed(
            _("the proxy {proxy} does not let us through ({status}); ask whoever runs it", proxy=proxy, status=status)
        )
    return StreamLost(_("the proxy {proxy} could not reach the server ({status})", proxy=proxy, status=status))


def _unreachable(proxy: Proxy | None, why: str | None) -> StreamLost:
    reason = (why or _("network trouble")).lower()
    return StreamLost(
        _(
            'the proxy {proxy} cannot be reached ({reason}); check it, or go without: proxy = "none"',
            proxy=proxy,
            reason=reason,
        )
    )


def _explain_socks(error: Exception, call: Call) -> StreamLost | StreamFailed:
    code = getattr(error, "error_code", None)
    if "Connection" in type(error).__name__:
        return _unreachable(call.proxy, _("nothing answers there"))
    if "Timeout" in type(error).__name__:
        return _unreachable(call.proxy, _("no answer"))
    if code is None and "auth" in str(error).lower():
        return _refused(407, call.proxy)
    reasons = {
        2: _("its rules forbid it"),
        3: _("network unreachable"),
        4: _("host not known or unreachable"),
        5: _("refused"),
    }
    return StreamLost(
        _(
            "the proxy {proxy} could not reach {host} ({reason})",
            proxy=call.proxy,
            host=call.host,
            reason=reasons.get(code or 0, _("no reason given")),
        )
    )
