"""The command `sse-server`: arguments in, a running server out.  The only place here that prints."""

import asyncio
import errno
import gc
import json
import logging
import os
import signal
import sys
import time
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from server.demo import PLAYS
from server.eventlog import EventLog, LogUnavailable
from server.eventlog.memory import MemoryLog
from server.eventlog.sqlite import SQLiteLog
from server.remote import Remote, RemoteError, RemoteLost
from server.web import serve

DEFAULT_URL = "http://127.0.0.1:8080/events"
RETRY = 2.0
"""Seconds before `tail` reconnects."""


class Durability(StrEnum):
    NORMAL = "normal"
    FULL = "full"


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def script() -> None:
    """The console entry point."""
    sys.exit(main(sys.argv[1:]))


def main(argv: list[str]) -> int:
    """Run `sse-server` with these arguments and return its exit code."""
    try:
        app(argv, prog_name="sse-server")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


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
            metavar="FILE|memory",
            help="Where events are kept for those who come back: a file, or memory, which a restart forgets. "
            "Without this a file of its own for each port; memory with --port 0.",
        ),
    ] = None,
    durability: Annotated[
        Durability, typer.Option(help="What a 201 is safe from: a crash of the server, or a power cut too (full).")
    ] = Durability.NORMAL,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what happens, on standard error.")] = False,
    _: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Serve Server-Sent Events that anyone on this machine can publish with curl."""
    if context.invoked_subcommand is not None:
        return
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(_run(host, port, demo, _open_log(log, port, durability)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return
    except OSError as error:
        raise _failed(_explain(error, host, port)) from error
    except LogUnavailable as error:
        raise _failed(str(error)) from error


Url = Annotated[str, typer.Option("--url", envvar="SSE_SERVER_URL", help="The server's events.", metavar="URL")]


@app.command("publish")
def _publish(
    message: Annotated[str, typer.Argument(help="The text, or - for standard input.")],
    url: Url = DEFAULT_URL,
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
        print(Remote(url).publish(text, {name: value for name, value in given.items() if value is not None}))
    except UnicodeError as error:
        raise _failed("standard input is not UTF-8 text") from error
    except RemoteError as error:
        raise _failed(str(error)) from error


@app.command("tail")
def _tail(
    url: Url = DEFAULT_URL,
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
        remote = Remote(url)
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
    path = Path(name) if name else platformdirs.user_state_path("sse-server") / f"events-{port}.db"
    return SQLiteLog(path, durability=durability.value)


async def _run(host: str, port: int, demo: str | None, log: EventLog) -> None:
    """Serve until the task is cancelled; SIGTERM does that, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    if sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with serve(host=host, port=port, demo=demo, log=log) as url:
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
