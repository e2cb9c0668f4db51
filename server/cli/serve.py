"""The server itself: arguments in, a running server out."""

import asyncio
import gc
import logging
import re
import ssl
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer

from server.auth import InvalidTokens
from server.cli.greeting import explain, explain_tls, explain_unix, greeting
from server.cli.terminal import NobodyReads, OutputFailed, TokensFile, failed, tokens_path
from server.demo import PLAYS
from server.eventlog import EventLog, LogUnavailable
from server.eventlog.memory import MemoryLog
from server.eventlog.sqlite import SQLiteLog
from server.interrupt import end_with_signals, ends_at_once
from server.limit import Limits
from server.origin import is_expected, is_loopback
from server.tokens import Tokens
from server.workers import WorkerFailed, keep, until_left_alone

if TYPE_CHECKING:
    from server.crew import Crew

REDIS = ("redis://", "rediss://", "unix://")
"""What the URL of a Redis begins with."""
ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+/?")
"""As a browser sends it (RFC 6454 6.2), but for a slash that is easily copied along."""


class Durability(StrEnum):
    NORMAL = "normal"
    FULL = "full"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sse-server {version('sse-notifier')}")
        raise typer.Exit


def _known_play(name: str | None) -> str | None:
    if name is not None and name not in PLAYS:
        raise typer.BadParameter("one of " + ", ".join(PLAYS))
    return name


def _possible_log(name: str | None) -> str | None:
    if name is not None and "://" in name and not name.startswith(REDIS):
        raise typer.BadParameter("a log is a file, memory, or redis://HOST")
    return name


def _possible_hosts(names: list[str] | None) -> list[str] | None:
    for name in names or ():
        if not is_expected(name, (name.lower(),)):
            raise typer.BadParameter(
                f"{name} is no host; write its name alone, without scheme, port and path, such as events.example"
            )
    return names


def _possible_origins(names: list[str] | None) -> list[str] | None:
    for name in names or ():
        if not ORIGIN.fullmatch(name):
            raise typer.BadParameter(
                f"{name} is no origin; write scheme and host alone, such as https://status.example"
            )
    return names


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    demo: Annotated[
        str | None,
        typer.Option(help="Publish by itself: " + ", ".join(PLAYS) + ".", metavar="NAME", callback=_known_play),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|memory|redis://HOST",
            callback=_possible_log,
            help="Where events are kept for those who come back: a file, Redis for many servers, or memory, "
            "which a restart forgets. "
            "Without this a file of its own for each port or socket file; memory with --port 0.",
        ),
    ] = None,
    durability: Annotated[
        Durability, typer.Option(help="What a 201 is safe from: a crash of the server, or a power cut too (full).")
    ] = Durability.NORMAL,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name that a proxy in front is known by; localhost always is. Repeatable.",
            callback=_possible_hosts,
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Whose pages may read and publish, as https://name. Repeatable.",
            callback=_possible_origins,
        ),
    ] = None,
    tokens: TokensFile = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate chain (PEM); with it the server speaks https.", metavar="FILE")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Its private key (PEM), if it is not in the same file.", metavar="FILE")
    ] = None,
    without_token: Annotated[
        bool, typer.Option("--without-token", help="Let in everybody who can reach the address.")
    ] = False,
    without_tls: Annotated[
        bool, typer.Option("--without-tls", help="Speak plain http on the network, such as behind a proxy.")
    ] = False,
    publish_rate: Annotated[
        float | None,
        typer.Option(min=0.01, help="Messages a second of one address; no limit on loopback, else 20."),
    ] = None,
    max_subscribers: Annotated[int, typer.Option(min=1, help="Streams at a time.")] = 20_000,
    max_subscribers_each: Annotated[
        int | None, typer.Option(min=1, help="Streams at a time of one address; no limit on loopback, else 200.")
    ] = None,
    max_memory: Annotated[
        int,
        typer.Option(min=16, metavar="MIB", help="Of events on their way to subscribers; a quarter more to publish."),
    ] = 256,
    unix: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Listen on this socket file instead of a port.")
    ] = None,
    unix_mode: Annotated[str, typer.Option(metavar="OCTAL", help="Permissions of the socket file.")] = "600",
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port; more than one need a log in Redis.")
    ] = 1,
    access_log: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Write a JSON line for each request; - is standard error.")
    ] = None,
    worker: Annotated[int | None, typer.Option(hidden=True)] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what happens, on standard error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve Server-Sent Events that anyone on this machine can publish with curl."""
    if context.invoked_subcommand is not None:
        return
    if tls_key is not None and tls_cert is None:
        raise typer.BadParameter(
            "a key alone makes no TLS; give its certificate with --tls-cert", context, param_hint="'--tls-key'"
        )
    # Here, since `publish` is for cron jobs and needs not wait for aiohttp.
    with ends_at_once():
        from server.crew import Crew
        from server.web import claimed, serve

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    _write_access_log(access_log)
    limits = Limits(
        subscribers=max_subscribers,
        subscribers_each=max_subscribers,
        publishes_per_second=publish_rate,
        memory=max_memory * 1024 * 1024,
    )
    is_local = unix is not None or is_loopback(host)
    if not is_local:
        limits = replace(
            limits, subscribers_each=max_subscribers_each or 200, publishes_per_second=publish_rate or 20.0
        )
    elif max_subscribers_each:
        limits = replace(limits, subscribers_each=max_subscribers_each)
    try:
        guarded = Tokens(tokens or tokens_path())
        needs_token = not without_token and bool(guarded.grants())
        if tokens is not None and not without_token and not needs_token:
            raise InvalidTokens(f"there are no tokens in {tokens}; make one with sse-server token add")
        if not without_token and not needs_token and guarded.are_needed:
            needs_token = True
            if worker is None:
                print(
                    f"sse-server: the last token in {guarded.path} was revoked, so nobody gets in: make one with"
                    " sse-server token add, or remove the file to let everybody in",
                    file=sys.stderr,
                )
        if not is_local:
            _refuse_an_open_door(host, token=needs_token or without_token, tls=bool(tls_cert) or without_tls)
        if workers > 1 and worker is None:
            _refuse_what_workers_cannot_share(log, demo=demo, port=port, unix=unix)
            asyncio.run(
                _keep_workers(
                    workers,
                    _open_log(log, port, unix, durability),
                    claimed(host, port),
                    needs_token=needs_token,
                    explain=lambda error: explain(error, host, port),
                )
            )
            return
        crew = Crew(worker or 1, workers)
        serving = serve(
            host=host,
            port=port,
            demo=demo,
            log=_open_log(log, port, unix, durability),
            hosts=frozenset(name.lower() for name in allow_host or ()),
            origins=frozenset(each.rstrip("/").lower() for each in allow_origin or ()),
            tokens=None if without_token else guarded,
            tls=_tls(tls_cert, tls_key),
            limits=limits,
            unix=unix,
            unix_mode=_mode(unix_mode),
            crew=crew,
        )
        asyncio.run(
            _run(
                serving,
                needs_token=needs_token,
                explain=lambda error: explain_unix(error, unix) if unix else explain(error, host, port),
                crew=crew if worker is not None else None,
            )
        )
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
    except WorkerFailed as error:
        raise typer.Exit(error.code) from error
    except (LogUnavailable, InvalidTokens) as error:
        raise failed(str(error)) from error


def _open_log(name: str | None, port: int, unix: Path | None, durability: Durability) -> EventLog:
    """The log that the person named, or one that the next server in the same place finds again."""
    if name == "memory" or (name is None and port == 0):
        return MemoryLog()
    if name and name.startswith(REDIS):
        try:
            with ends_at_once():
                from server.eventlog.redis import RedisLog
        except ModuleNotFoundError as error:
            raise failed(
                "a log in Redis needs one more package: "
                "install 'sse-notifier[redis]' the way sse-notifier was installed"
            ) from error
        try:
            return RedisLog(name)
        except ValueError as error:
            raise failed(f"that is no URL of Redis: {error}") from error
    place = _slug(unix) if unix else str(port)
    path = Path(name) if name else platformdirs.user_state_path("sse-server") / f"events-{place}.db"
    return SQLiteLog(path, durability=durability.value)


def _slug(unix: Path) -> str:
    """A short name for this socket file and no other, in whichever way its path is written."""
    path = unix.parent.resolve() / unix.name
    return f"{re.sub('[^A-Za-z0-9]+', '-', path.stem)[:32]}-{sha256(bytes(path)).hexdigest()[:8]}"


def _refuse_an_open_door(host: str, *, token: bool, tls: bool) -> None:
    """On the network a server has tokens and TLS, or the person said by name that it has not."""
    if not token:
        raise failed(
            f"{host} can be reached from the network, where anyone could publish and read; "
            "make a token with sse-server token add, or say --without-token"
        )
    if not tls:
        raise failed(
            f"{host} can be reached from the network, where tokens and events could be read on their way; "
            "give --tls-cert, or say --without-tls"
        )


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise failed(explain_tls(error, cert, key)) from error
    return context


def _refuse_what_workers_cannot_share(log: str | None, *, demo: str | None, port: int, unix: Path | None) -> None:
    if log is None or not log.startswith(REDIS):
        raise failed("several workers need one log: name a Redis with --log redis://HOST, or leave --workers away")
    if port == 0 or unix is not None:
        raise failed("several workers need a port to share: name it with --port")
    if demo is not None:
        raise failed("a demo needs one worker; leave --workers away")


async def _keep_workers(
    count: int,
    log: EventLog,
    claimed: AbstractAsyncContextManager[None],
    *,
    needs_token: bool,
    explain: Callable[[OSError], str],
) -> None:
    """Keep so many processes of this very command until a signal ends it."""
    # What is wrong with the log each of them would say, so it is tried once before.
    await log.open(lambda _: None, lambda: None)
    await log.close()
    end_with_signals()
    command = [sys.executable, "-P", "-m", "server", *sys.argv[1:], "--worker"]
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(claimed)
        except OSError as error:
            raise failed(explain(error)) from error
        try:
            await keep(
                count,
                command,
                lambda line: _say(
                    f"{greeting(line.split()[-1].rstrip('/'), needs_token=needs_token)}\n  workers    {count}"
                ),
            )
        except BaseExceptionGroup as errors:
            unsaid, _ = errors.split(OutputFailed)
            if unsaid is None:
                raise
            raise unsaid.exceptions[0] from None


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0o600 <= mode <= 0o777:
        raise failed("--unix-mode is written as chmod has it, from 600 to 777")
    return mode


def _write_access_log(name: str | None) -> None:
    if name is None:
        return
    from server.access import LogFile

    try:
        handler = logging.StreamHandler() if name == "-" else LogFile(name)
    except OSError as error:
        raise failed(f"the access log {name} cannot be written: {error.strerror}") from error
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("server.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


async def _run(
    serving: AbstractAsyncContextManager[str],
    *,
    needs_token: bool,
    explain: Callable[[OSError], str],
    crew: "Crew | None",
) -> None:
    """Serve until a signal ends it.

    Args:
        crew: whose worker this is; None if it is the only process.
    """
    end_with_signals()
    async with AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(serving)
        except OSError as error:
            raise failed(explain(error)) from error
        _say(greeting(url, needs_token=needs_token))
        gc.collect()
        gc.freeze()  # what is here now stays; looking through it again and again is what slows a burst of clients
        gc.set_threshold(20_000, 20, 10)
        if crew is None:
            await asyncio.get_running_loop().create_future()
        else:
            await until_left_alone(lambda: _say(crew.report()), crew.hear)


def _say(text: str) -> None:
    """Print it now.  A server serves on when nobody reads what it prints."""
    with suppress(NobodyReads):
        print(text, flush=True)
