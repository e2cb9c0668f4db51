"""The command `sse-server`: arguments in, a running server out.  The only place here that prints."""

import asyncio
import errno
import gc
import json
import logging
import os
import signal
import ssl
import sys
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from server.auth import InvalidTokens
from server.demo import PLAYS
from server.eventlog import EventLog, LogUnavailable
from server.eventlog.memory import MemoryLog
from server.eventlog.sqlite import SQLiteLog
from server.limit import Limits
from server.origin import is_loopback
from server.remote import Remote, RemoteError, RemoteLost
from server.tokens import Tokens

DEFAULT_URL = "http://127.0.0.1:8080/events"
RETRY = 2.0
"""Seconds before `tail` reconnects."""


class Durability(StrEnum):
    NORMAL = "normal"
    FULL = "full"


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


token_app = typer.Typer(rich_markup_mode=None, help="Tokens that let in who has one.", no_args_is_help=True)
app.add_typer(token_app, name="token")

TokensFile = Annotated[
    Path | None, typer.Option("--tokens", help="File of tokens, instead of the usual one.", metavar="FILE")
]


def script() -> None:
    """The console entry point."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run `sse-server` with these arguments and return its exit code."""
    try:
        code = app(args=argv, prog_name="sse-server", standalone_mode=False)
    except typer.TyperException as error:
        print(f"sse-server: {error.format_message()} (sse-server --help tells more)", file=sys.stderr)
        return 2
    except SystemExit as end:
        code = end.code
    return code if isinstance(code, int) else 0


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"sse-server {version('sse-notifier')}")
        raise typer.Exit


def _known_play(name: str | None) -> str | None:
    if name is not None and name not in PLAYS:
        raise typer.BadParameter("one of " + ", ".join(PLAYS))
    return name


@app.callback(invoke_without_command=True)
def _serve(
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
            help="Where events are kept for those who come back: a file, Redis for many servers, or memory, "
            "which a restart forgets. "
            "Without this a file of its own for each port; memory with --port 0.",
        ),
    ] = None,
    durability: Annotated[
        Durability, typer.Option(help="What a 201 is safe from: a crash of the server, or a power cut too (full).")
    ] = Durability.NORMAL,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that a proxy in front is known by; localhost always is. Repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Whose pages may read and publish, as https://name. Repeatable."),
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
        typer.Option(min=0.01, help="Publish requests a second of one address; no limit on loopback, else 20."),
    ] = None,
    max_subscribers: Annotated[int, typer.Option(min=1, help="Streams at a time.")] = 20_000,
    max_subscribers_each: Annotated[
        int | None, typer.Option(min=1, help="Streams at a time of one address; no limit on loopback, else 200.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what happens, on standard error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve Server-Sent Events that anyone on this machine can publish with curl."""
    if context.invoked_subcommand is not None:
        return
    from server.web import serve  # here, since `publish` is for cron jobs and needs not wait for aiohttp

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if not verbose:
        logging.getLogger("aiohttp.server").addFilter(_is_not_a_stranger_s_fault)
    limits = Limits(subscribers=max_subscribers, subscribers_each=max_subscribers, publishes_per_second=publish_rate)
    if not is_loopback(host):
        limits = replace(
            limits, subscribers_each=max_subscribers_each or 200, publishes_per_second=publish_rate or 20.0
        )
    elif max_subscribers_each:
        limits = replace(limits, subscribers_each=max_subscribers_each)
    try:
        guarded = Tokens(tokens or _tokens_path())
        has_tokens = not without_token and bool(guarded.grants())
        if tokens is not None and not without_token and not has_tokens:
            raise InvalidTokens(f"there are no tokens in {tokens}; make one with sse-server token add")
        _refuse_an_open_door(host, token=has_tokens or without_token, tls=bool(tls_cert) or without_tls)
        serving = serve(
            host=host,
            port=port,
            demo=demo,
            log=_open_log(log, port, durability),
            hosts=frozenset(name.lower() for name in allow_host or ()),
            origins=frozenset(each.rstrip("/").lower() for each in allow_origin or ()),
            tokens=guarded if has_tokens else None,
            tls=_tls(tls_cert, tls_key),
            limits=limits,
        )
        asyncio.run(_run(serving))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
    except OSError as error:
        raise _failed(_explain(error, host, port)) from error
    except (LogUnavailable, InvalidTokens) as error:
        raise _failed(str(error)) from error


Token = Annotated[
    str | None,
    typer.Option("--token", envvar="SSE_SERVER_TOKEN", help="A token of that server; the environment hides it better."),
]
Url = Annotated[str, typer.Option("--url", envvar="SSE_SERVER_URL", help="The server's events.", metavar="URL")]


@app.command("publish")
def _publish(
    message: Annotated[str, typer.Argument(help="The text, or - for standard input.")],
    url: Url = DEFAULT_URL,
    token: Token = None,
    topic: Annotated[str | None, typer.Option(help="What subscribers choose by.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="The event type.")] = None,
    title: Annotated[str | None, typer.Option(help="The notification's first line.")] = None,
    urgency: Annotated[str | None, typer.Option(help="low, normal or critical.")] = None,
    link: Annotated[str | None, typer.Option(help="What a click opens.")] = None,
    key: Annotated[str | None, typer.Option(help="Takes the place of the last message of this key.")] = None,
) -> None:
    """Publish a message to a running server, and print its id."""
    given = {"topic": topic, "type": type_, "title": title, "urgency": urgency, "link": link, "key": key}
    try:
        text = sys.stdin.read() if message == "-" else message
        print(Remote(url, token).publish(text, {name: value for name, value in given.items() if value is not None}))
    except UnicodeError as error:
        raise _failed("standard input is not UTF-8 text") from error
    except RemoteError as error:
        raise _failed(str(error)) from error


@app.command("tail")
def _tail(
    url: Url = DEFAULT_URL,
    token: Token = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; * for any characters. Repeatable.")] = None,
    type_: Annotated[list[str] | None, typer.Option("--type", help="Only this event type. Repeatable.")] = None,
    since: Annotated[str | None, typer.Option(help="What was before, too: all, 10m, 24h, a time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Print the events of a running server as they come, until Ctrl-C; it reconnects by itself."""
    query = [("topic", name) for name in topic or ()] + [("type", name) for name in type_ or ()]
    query += [("since", since)] if since else []
    last_event_id = ""

    def show(event: dict[str, object]) -> None:
        nonlocal last_event_id
        last_event_id = str(event.get("id", ""))
        print(json.dumps(event, ensure_ascii=False) if as_json else _readable(event), flush=True)

    try:
        remote = Remote(url, token)
        while True:
            try:
                remote.follow(query, last_event_id, show)
            except RemoteLost as error:
                print(f"sse-server: {error}; trying again", file=sys.stderr)
                time.sleep(RETRY)
    except RemoteError as error:
        raise _failed(str(error)) from error
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Nobody reads on.  Python would flush what is left at exit, and complain (docs: "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@token_app.command("add")
def _token_add(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    publish: Annotated[list[str] | None, typer.Option(help="A topic to publish to; * for any characters.")] = None,
    subscribe: Annotated[list[str] | None, typer.Option(help="A topic to subscribe to; * for any characters.")] = None,
    tokens: TokensFile = None,
) -> None:
    """Make a token and print it, once.  Without --publish and --subscribe it may do both with every topic."""
    if not publish and not subscribe:
        publish = subscribe = ["*"]
    try:
        print(Tokens(tokens or _tokens_path()).add(name, tuple(publish or ()), tuple(subscribe or ())))
    except InvalidTokens as error:
        raise _failed(str(error)) from error


@token_app.command("list")
def _token_list(tokens: TokensFile = None) -> None:
    """Print the name of each token and what it may do."""
    try:
        for grant in Tokens(tokens or _tokens_path()).grants():
            rights = (("publish", grant.publish), ("subscribe", grant.subscribe))
            print(grant.name, *(f"{right} {' '.join(topics)}" for right, topics in rights if topics), sep="\t")
    except InvalidTokens as error:
        raise _failed(str(error)) from error


@token_app.command("revoke")
def _token_revoke(name: Annotated[str, typer.Argument(help="As it was added.")], tokens: TokensFile = None) -> None:
    """Let a token count no more, from the next request on."""
    try:
        Tokens(tokens or _tokens_path()).revoke(name)
    except InvalidTokens as error:
        raise _failed(str(error)) from error


def _readable(event: dict[str, object]) -> str:
    """An event on one line of a terminal, where a stranger's control characters must not act."""
    text = f"{event.get('topic', '-')} {event.get('type')}: {event.get('data')}"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _failed(sentence: str) -> typer.Exit:
    print(f"sse-server: {sentence}", file=sys.stderr)
    return typer.Exit(1)


def _open_log(name: str | None, port: int, durability: Durability) -> EventLog:
    """The log that the person named, or one that the next server on the same port finds again."""
    if name == "memory" or (name is None and port == 0):
        return MemoryLog()
    if name and name.startswith(("redis://", "rediss://", "unix://")):
        try:
            from server.eventlog.redis import RedisLog
        except ModuleNotFoundError as error:
            raise _failed("a log in Redis needs the extra: pip install 'sse-notifier[redis]'") from error
        try:
            return RedisLog(name)
        except ValueError as error:
            raise _failed(f"that is no URL of Redis: {error}") from error
    path = Path(name) if name else platformdirs.user_state_path("sse-server") / f"events-{port}.db"
    return SQLiteLog(path, durability=durability.value)


def _is_not_a_stranger_s_fault(record: logging.LogRecord) -> bool:
    """Whether a log record is of more than a request that was no HTTP; aiohttp logs those as its own errors."""
    from aiohttp.http import HttpProcessingError

    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def _refuse_an_open_door(host: str, *, token: bool, tls: bool) -> None:
    """On the network a server has tokens and TLS, or the person said by name that it has not."""
    if is_loopback(host):
        return
    if not token:
        raise _failed(
            f"{host} can be reached from the network, where anyone could publish and read; "
            "make a token with sse-server token add, or say --without-token"
        )
    if not tls:
        raise _failed(
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
        raise _failed(f"{cert} with its key cannot be used for TLS: {error.strerror or error}") from error
    return context


def _tokens_path() -> Path:
    return platformdirs.user_config_path("sse-server") / "tokens.json"


async def _run(serving: AbstractAsyncContextManager[str]) -> None:
    """Serve until the task is cancelled; SIGTERM does that, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with serving as url:
        print(_greeting(url), flush=True)
        gc.collect()
        gc.freeze()  # what is here now stays; looking through it again and again is what slows a burst of clients
        gc.set_threshold(20_000, 50, 50)
        await asyncio.get_running_loop().create_future()


def _greeting(url: str) -> str:
    """The first line is for programs too: the URL is its last word."""
    return (
        f"Serving {url}/\n  publish    curl -d 'Backup done' {url}/events\n  notify me  sse-notifier run {url}/events"
    )


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is taken; stop the program that has it, or choose another with --port"
        case errno.EACCES:
            return f"port {port} of {host} is not allowed here; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine; choose another with --host"
    return f"cannot listen on {host}: {error.strerror or error}; choose another address with --host"
