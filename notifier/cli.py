"""Command line in, exit code out: parse, build, run.  The only place that prints, reads arguments or sets up logging.

Exit codes: 0 done or ended by the person, 1 it did not work, 2 it was asked for wrongly.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from platformdirs import user_config_path, user_state_path

from notifier import __version__, config, moment, plaintext
from notifier.agent import Agent, Reload
from notifier.client import Follower
from notifier.config import Config
from notifier.configfile import ConfigFile
from notifier.desktop import Activated, Desktop, choose, session_bus
from notifier.desktop.link import open_link
from notifier.desktop.log import lines
from notifier.errors import NobodyReads, NotifierError, StreamFailed, TrayUnavailable, UsageError
from notifier.history import Row, read_history
from notifier.lookout import Lookout, system_bus
from notifier.loop import LoopThread
from notifier.source import Source
from notifier.sse import Event
from notifier.status import Command, Verb
from notifier.store import Store
from notifier.transport import Transport

TEXT_LIMIT = 10_000
"""Characters of an event that `watch` shows; --json shows all."""
TYPE_LIMIT = 60

app = typer.Typer(
    name="sse-notifier",
    help="Native desktop notifications from any Server-Sent Events stream.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

configuration = typer.Typer(name="config", help="The configuration file: write it, check it, describe it.")
app.add_typer(configuration)

Urls = Annotated[
    list[str] | None,
    typer.Argument(metavar="URL...", help="Address of an event stream.  Without one, the configuration file counts."),
]
File = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration file, in place of the usual one.")
]
Url = Annotated[str, typer.Argument(metavar="URL", help="Address of an event stream, http or https.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="'Name: value'", help="Send this header too; may be repeated."),
]
PlainCredentials = Annotated[
    bool, typer.Option("--allow-plain-credentials", help="Send headers over http:// too, where others can read them.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell each step on standard error.")]
NoTray = Annotated[bool, typer.Option("--no-tray", help="Show notifications without an icon in the tray.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def main(argv: list[str]) -> int:
    """Run a command line; its exit code.  Errors are one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A stranger's letter that the terminal cannot show is no reason to end.
            stream.reconfigure(errors="backslashreplace")
    try:
        if any(not argument.isprintable() and _has_surrogates(argument) for argument in argv):
            raise UsageError("an argument is not text in the encoding of this system; check the locale")
        code = app(args=argv, prog_name="sse-notifier", standalone_mode=False)
    except NobodyReads:
        return 0
    except UsageError as error:
        return _complain(str(error), 2)
    except typer.TyperException as error:
        return _complain(f"{error.format_message()} (sse-notifier --help tells more)", 2)
    except NotifierError as error:
        return _complain(str(error), 1)
    except (typer.Abort, KeyboardInterrupt):
        return 0
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Native desktop notifications from any Server-Sent Events stream."""
    if version:
        print(f"sse-notifier {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def run(
    urls: Urls = None,
    file: File = None,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
    no_tray: NoTray = False,
    verbose: Verbose = False,
) -> int:
    """Follow streams and show their events as notifications, with an icon in the tray.

    sse-notifier run https://ntfy.sh/mytopic/sse
    """
    _log(verbose=verbose)
    if not urls:
        if header or allow_plain_credentials:
            raise UsageError("--header and --allow-plain-credentials are for URLs; the configuration has its own")
        return _run_configured(_config_file(file), with_tray=not no_tray)
    if file is not None:
        raise UsageError("follow either URLs or a configuration; the URLs can be written into it")
    settings = config.from_arguments(urls, header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    return _run(contextlib.nullcontext(settings), _history_path(), with_tray=not no_tray)


@app.command()
def demo(no_tray: NoTray = False, verbose: Verbose = False) -> int:
    """Start the bundled server on a free port and show what it publishes."""
    _log(verbose=verbose)
    return _run(_demo_server(), None, with_tray=not no_tray)


@app.command()
def watch(
    url: Url,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a stream's events in the terminal, as they come."""
    _log(verbose=verbose)
    settings = config.from_arguments([url], header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    show = _print_json if json else _print_text
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_watch(settings, show))


@app.command()
def history(
    stream: Annotated[str | None, typer.Option("--stream", metavar="NAME", help="Of this stream only.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="30m, 2h, 3d or 2026-11-23.")] = None,
    search: Annotated[str | None, typer.Option("--search", metavar="TEXT", help="In title, text or link.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="The newest so many.")] = 100,
    json: Json = False,
) -> None:
    """Show past notifications, the newest last."""
    now = datetime.now().astimezone()
    earliest = None if since is None else moment.parse(since, now)
    for row in read_history(_history_path(), stream=stream, since=earliest, search=search, limit=limit):
        _print_line(_row_as_json(row) if json else _row_as_text(row))


@configuration.command("init")
def config_init(file: File = None) -> None:
    """Write a commented file to begin with; one that is there is left alone."""
    made = _config_file(file)
    made.create()
    there = "" if file is None else f" --config {shlex.quote(str(file))}"
    print(f"{made.path} is written; add your streams to it, then: sse-notifier run{there}")


@configuration.command("path")
def config_path(file: File = None) -> None:
    """Show where the configuration file is, or would be."""
    print(_config_file(file).path)


@configuration.command("check")
def config_check(file: File = None) -> None:
    """Look for mistakes in the configuration file, and tell all of them."""
    checked = _config_file(file)
    count = len(checked.read().streams)
    print(f"{checked.path} is in order: {count} {'stream' if count == 1 else 'streams'}")


@configuration.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    print(json.dumps(config.schema(), indent=2))


@contextlib.asynccontextmanager
async def _demo_server() -> AsyncIterator[Config]:
    from server.web import serve

    async with serve(demo="build") as base:
        _print_line(f"The demo server is at {base} - open it in a browser, or publish to it:")
        _print_line(f"  curl -d 'Hello from curl' {base}/events")
        _print_line("Ctrl-C ends the demo.")
        yield config.from_arguments([f"{base}/events"])


def _run_configured(file: ConfigFile, *, with_tray: bool) -> int:
    settings = file.read()
    if not settings.streams:
        raise UsageError(f"{file.path} names no stream yet; add one: [[streams]], and below it a url")
    with file.locked(_state_path() / "locks"):
        return _run(contextlib.nullcontext(settings), _history_path(), with_tray=with_tray, reload=file.follow)


def _run(
    settings: contextlib.AbstractAsyncContextManager[Config],
    history: Path | None,
    *,
    with_tray: bool,
    reload: Reload | None = None,
) -> int:
    """The agent on its loop in the background, the tray on the main thread."""
    from notifier.tray.tray import Tray

    agents: list[Agent] = []
    tray = Tray(
        lambda command: loop.post(_obey, agents, command),
        missing=lambda error: _say(f"No tray icon: {error}."),
    )

    async def session() -> None:
        async with settings as config:
            with contextlib.closing(Store(history, clock=time.time, tell=_say)) as store:
                lookout = Lookout(system_bus(os.environ), session_bus(os.environ))
                agents.append(
                    Agent(
                        config,
                        store,
                        _open_desktop,
                        _open_link,
                        tray.update,
                        reload=reload,
                        stay=reload is not None,
                        watch=lookout.run,
                    )
                )
                await agents[0].run()

    # Without a session bus there is neither tray nor bubble; choosing who shows bubbles says so, once.
    if sys.platform.startswith("linux") and session_bus(os.environ) is None:
        with_tray = False
    with LoopThread(session, on_exit=tray.stop) as loop:
        for number in _ending():
            signal.signal(number, lambda *_: loop.stop())
        try:
            if with_tray:
                tray.run()
            else:
                loop.wait()
        except TrayUnavailable as error:
            _say(f"No tray icon: {error}.")
            loop.wait()
    return 0


def _obey(agents: list[Agent], command: Command) -> None:
    # Quitting is the tray's to do: it lets go of the main thread, which cancels the agent.
    if agents and command.verb is not Verb.QUIT:
        agents[0].obey(command)


def _config_file(path: Path | None) -> ConfigFile:
    usual = user_config_path("sse-notifier", appauthor=False) / "config.toml"
    return ConfigFile(path or usual, os.environ)


def _state_path() -> Path:
    return user_state_path("sse-notifier", appauthor=False)


def _history_path() -> Path:
    return _state_path() / "history.db"


async def _open_desktop(activated: Activated) -> Desktop:
    choice = await choose(os.environ, activated, _print_line)
    if choice.complaint:
        _say(choice.complaint)
    return choice.desktop


async def _open_link(link: str) -> None:
    await open_link(link, os.environ)


async def _watch(settings: Config, show: Callable[[Event], None]) -> None:
    (stream,) = settings.streams
    task = asyncio.current_task()
    assert task is not None
    # Windows has no signal handlers on loops; there Ctrl-C arrives as KeyboardInterrupt.
    with contextlib.suppress(NotImplementedError):
        for number in _ending():
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)

    async def deliver(events: Sequence[Event], _: str) -> None:
        for event in events:
            show(event)

    try:
        await Follower(Source(stream), Transport(stream), deliver, lambda _: None).follow()
    except StreamFailed as error:
        raise StreamFailed(f"{stream.name}: {error}") from error


def _print_json(event: Event) -> None:
    fields = {"type": event.type, "data": event.data, "last_event_id": event.last_event_id, "id": event.id}
    # ASCII only: whatever a stranger sends, the terminal and the next program get no control characters.
    _print_line(json.dumps(fields))


def _print_text(event: Event) -> None:
    text = plaintext.lines(event.data, TEXT_LIMIT)
    kind = plaintext.line(event.type, TYPE_LIMIT)
    _print_line(f"{kind}:\n{text}" if "\n" in text else f"{kind}: {text}")


def _row_as_json(row: Row) -> str:
    told = row.notification
    fields = {
        "id": row.id,
        "time": datetime.fromtimestamp(row.received).astimezone().isoformat(timespec="milliseconds"),
        "stream": told.stream,
        "title": told.title,
        "body": told.body,
        "urgency": told.urgency.name.lower(),
        "link": told.link,
        "key": told.key,
        "type": row.event_type,
        "event_id": row.event_id,
        "state": row.state.name.lower(),
    }
    return json.dumps(fields)


def _row_as_text(row: Row) -> str:
    received = datetime.fromtimestamp(row.received).astimezone()
    return f"{received:%Y-%m-%d} {row.notification.stream}\n{lines(row.notification, received)}"


def _print_line(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # What Python flushes at exit must not meet the same trouble again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise NobodyReads("whoever read the output has enough") from error
        raise NotifierError(f"the output cannot be written: {error.strerror}") from error


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _say(sentence: str) -> None:
    print(f"sse-notifier: {sentence}", file=sys.stderr, flush=True)


def _complain(sentence: str, code: int) -> int:
    _say(sentence)
    return code


def _log(*, verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s" if verbose else "sse-notifier: %(message)s",
    )
    if not verbose:
        logging.getLogger("notifier").setLevel(logging.INFO)


def _ending() -> list[signal.Signals]:
    """The signals that end us; one that we were started to ignore, as nohup does, goes on being ignored."""
    numbers = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
