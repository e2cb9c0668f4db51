"""An address in, a running server out, and a clean end.  What is answered there is the matter of `site`."""

import asyncio
import errno
import logging
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from urllib.parse import quote

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server import access, origin
from server import demo as demos
from server.crew import Crew
from server.eventlog import EventLog, LogUnavailable
from server.eventlog.memory import MemoryLog
from server.hub import Hub
from server.limit import Limits
from server.site import Site
from server.tokens import Tokens

logger = logging.getLogger(__name__)
requests = logging.getLogger(f"{__name__}.requests")
"""What goes wrong while a request is answered."""

BACKLOG = 1_024
"""Connections that the kernel holds until they are accepted."""
LIMITS = Limits()
"""Those of a server that only this machine reaches."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""Hosts that stand for every address of the machine, and where the machine itself finds them."""
ENDING = 0.3
"""Seconds that a stop gives to handlers, and then once more to cancelled ones."""


@asynccontextmanager
async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    demo: str | None = None,
    log: EventLog | None = None,
    hosts: Collection[str] = (),
    origins: Collection[str] = (),
    tokens: Tokens | None = None,
    tls: ssl.SSLContext | None = None,
    limits: Limits = LIMITS,
    unix: Path | None = None,
    unix_mode: int = 0o600,
    crew: Crew | None = None,
) -> AsyncIterator[str]:
    """Serve in the running loop while the block runs; gives the base URL, without a slash at its end.

    Args:
        host: a name or address to listen on.
        port: 0 takes a free one.
        demo: a name of `demo.PLAYS`, played from when somebody listens.
        log: a `MemoryLog` if None; it is opened and closed here.
        hosts: names, in lower case, that a proxy in front of a loopback server is known by.
        origins: whose pages may read and publish, such as ``https://status.example``, besides the server's own.
        tokens: only their bearers are answered, once there is one; None lets everybody in.
        tls: with it the server speaks https alone.
        limits: what it bears.
        unix: a socket file to listen on instead of `host` and `port`; one that a dead server left is taken over.
        unix_mode: its permissions: who may publish and read.
        crew: the processes that listen on the same port, among which the kernel deals connections out; None if this is
            the only one.

    Raises:
        OSError: the address cannot be had.
        LogUnavailable: the log cannot be had.
    """
    crew = crew or Crew()
    shared = crew.workers > 1
    sockets = [_bind_unix(unix, unix_mode)] if unix is not None else await _bind(host, port, shared=shared)
    bound = _which(unix) if unix is not None else None
    hub = Hub(log or MemoryLog(), memory=limits.memory)
    application = Site(
        hub,
        loopback=unix is not None or origin.is_loopback(host),
        hosts=hosts,
        origins=origins,
        tokens=tokens,
        limits=limits,
        crew=crew,
    ).application()
    runner = web.AppRunner(
        application,
        handler_cancellation=True,
        access_log=access.logger if access.logger.isEnabledFor(logging.INFO) else None,
        access_log_class=access.AccessLogger,
        logger=requests,
        shutdown_timeout=ENDING,
        keepalive_timeout=limits.head,
    )
    try:
        await hub.open()  # whoever connects by now waits in the backlog
        await runner.setup()
        for each in sockets:
            await web.SockSite(runner, each, backlog=BACKLOG, ssl_context=tls).start()
        async with _playing(hub, demo):
            yield (
                "http+unix://" + quote(str(unix), safe="")
                if unix is not None
                else _base_url(host, sockets[0].getsockname()[1], tls=tls is not None)
            )
    finally:
        await runner.cleanup()
        await hub.close()
        for each in sockets:
            each.close()
        if bound is not None and unix is not None:
            _remove(unix, bound)


@asynccontextmanager
async def claimed(host: str, port: int) -> AsyncIterator[None]:
    """Have an address for workers alone while the block runs.

    Whoever listens with SO_REUSEPORT shares with every process of the same user that does (socket(7)): two deployments
    that know nothing of each other would each get half of the connections.

    Raises:
        OSError: the address cannot be had.
    """
    with ExitStack() as claims:
        with ExitStack() as listeners:
            found = [listeners.enter_context(each) for each in await _bind(host, port, shared=False)]
            for listener in found:
                claims.enter_context(_claim(listener))
        yield


def _claim(listener: socket.socket) -> socket.socket:
    """What keeps the address of a listener, which only one process can have, after the listener is closed.

    It does not listen itself, so that those who share the port get every connection.
    """
    if sys.platform == "win32":
        raise OSError(errno.EOPNOTSUPP, "Windows has no ports that processes share")
    claim = socket.socket(listener.family)
    try:
        if listener.family == socket.AF_INET6:
            claim.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as the listeners are
        for each in (claim, listener):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else old connections would be in the way
        claim.bind(listener.getsockname())
        # Whoever has SO_REUSEADDR gets past a socket that has it too, unless that one listens.
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        claim.close()
        raise
    return claim


def _is_our_mistake(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are answered, not logged: they may hold a token, and anybody can send any number."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


requests.addFilter(_is_our_mistake)


def _bind_unix(path: Path, mode: int) -> socket.socket:
    """A socket file with these permissions from its first moment on."""
    if sys.platform == "win32":
        raise OSError(errno.EOPNOTSUPP, "Python has no socket files on Windows")
    listener = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket() and not _answers(path):
            path.unlink()
        # Whoever may enter the folder could connect between bind and chmod.
        before = os.umask(0o777 & ~mode)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener


def _which(path: Path) -> tuple[int, int] | None:
    """What tells this file from another one of the same name; None if there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove(path: Path, bound: tuple[int, int]) -> None:
    """Remove our socket file, but not one that another server has put in its place."""
    if _which(path) == bound:
        path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


async def _bind(host: str, port: int, *, shared: bool) -> list[socket.socket]:
    """A socket for each address of the host, all on one port."""
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except UnicodeError as error:
        raise OSError(errno.EINVAL, "that is no host name") from error
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, *_, address in dict.fromkeys(addresses):
            try:
                sockets.append(
                    socket.create_server((address[0], port), family=family, backlog=BACKLOG, reuse_port=shared)
                )
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                missing = error  # "localhost" may stand for ::1 where there is no IPv6
            else:
                port = sockets[0].getsockname()[1]
    except OSError:
        for each in sockets:
            each.close()
        raise
    if not sockets:
        raise missing or OSError(errno.EADDRNOTAVAIL, "no such address")
    return sockets


@asynccontextmanager
async def _playing(hub: Hub, name: str | None) -> AsyncIterator[None]:
    """The play goes on while the block runs.  (A TaskGroup would wrap what the block itself raises.)"""
    task = asyncio.create_task(_play(hub, name), name=f"demo {name}") if name else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _play(hub: Hub, name: str) -> None:
    for pause, step in demos.PLAYS[name](Random()):  # noqa: S311 - a demo guards nothing
        await asyncio.sleep(pause)
        if isinstance(step, bytes):
            hub.disturb(step)
        else:
            try:
                await hub.publish([step])
            except LogUnavailable as error:
                logger.warning("a message of the demo is left out: %s", error)


def _base_url(host: str, port: int, *, tls: bool) -> str:
    """Where a person on this machine finds the server."""
    name = EVERYWHERE.get(host, host).strip("[]")
    if tls and host in EVERYWHERE:
        name = "localhost"  # a certificate that is for this machine is for this name, more often than for an address
    scheme = "https" if tls else "http"
    return f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"
