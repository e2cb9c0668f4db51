"""`record` and `replay`: a stream's bytes with their times into a file, and what would be told of them out of it."""

import asyncio
import math
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from notifier import config
from notifier.cli.desktop import follow, open_desktop
from notifier.cli.ending import run_until_ended
from notifier.cli.options import File, Headers, PlainCredentials, Url, length
from notifier.cli.paper import Paper
from notifier.cli.place import config_file
from notifier.cli.probe import show_sample
from notifier.cli.terminal import log, print_line, say
from notifier.config import Config
from notifier.errors import UsageError
from notifier.language import _, ngettext
from notifier.line import Line
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.recognition import Recognition
from notifier.recorder import SIZE_LIMIT, Recorder, load
from notifier.recording import Step, head_of
from notifier.replay import paced, play, serve
from notifier.stage import Stage
from notifier.stream import Stream

FASTEST = "max"

Recording = Annotated[Path, typer.Argument(metavar="FILE", help="The recording.")]


def add(app: typer.Typer) -> None:
    """Give `app` these commands."""
    app.command()(record)
    app.command()(replay)


def record(
    url: Url,
    path: Recording,
    lasting: Annotated[str, typer.Option("--for", metavar="TIME", help="At most so long: 30s, 10m, 2h.")] = "1d",
    megabytes: Annotated[int, typer.Option("--max-size", metavar="MIB", help="At most so many MiB, 1 to 4096.")] = (
        SIZE_LIMIT >> 20
    ),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
) -> None:
    """Write a stream's bytes and when they came into a file, until Ctrl-C; only you can read it.

    sse-notifier record https://ntfy.sh/mytopic/sse morning.jsonl --for 10m
    """
    log(verbose=False)
    settings = config.from_arguments([url], header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    lasts = length(lasting)
    if not 1 <= megabytes <= 4_096:
        raise UsageError(_("--max-size is between 1 and 4096"))
    (stream,) = settings.streams
    kind = Recognition(stream.url, list(known().values())).preset
    with Recorder(path, url, size_limit=megabytes << 20, force=force) as recorder:
        run_until_ended(lambda: recorder.follow(stream, lasts, lambda _: None, handshake=kind.handshake))
        count = ngettext("{count} event", "{count} events", recorder.events, count=recorder.events)
        print_line(_("{path}: {count}, {size:,} bytes", path=path, count=count, size=recorder.size))
        say(_("look at it: sse-notifier replay {path}", path=shlex.quote(str(path))))


def replay(
    path: Recording,
    speed: Annotated[
        str | None,
        typer.Option("--speed", metavar="N|max", help="So many times as fast.  [default: max; with --desktop 1]"),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--stream", metavar="NAME", help="By the rules of this stream of the configuration.")
    ] = None,
    preset: Annotated[str, typer.Option("--preset", metavar="NAME", help="As this kind of stream.")] = "auto",
    file: File = None,
    as_stream: Annotated[
        bool, typer.Option("--serve", help="Be a server that sends it, for whoever follows; until Ctrl-C.")
    ] = False,
    on_desktop: Annotated[
        bool, typer.Option("--desktop", help="Show the bubbles for real, as many at once as the stream may.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Of that server; 0 takes a free one.")] = 0,
) -> None:
    """Show what would be told of a recording: here, or with --desktop in bubbles; nothing is recorded or run.

    sse-notifier replay morning.jsonl --stream ntfy

    sse-notifier replay morning.jsonl --desktop --speed 10

    sse-notifier replay morning.jsonl --serve --speed 10
    """
    log(verbose=False)
    if as_stream and on_desktop:
        raise UsageError(_("--serve and --desktop do not go together; keep one of them"))
    pace = _pace(speed or ("1" if on_desktop else FASTEST))
    head, steps = load(path)
    if as_stream:
        run_until_ended(lambda: _serve(steps, pace, port))
        return
    stream, settings = _stream(head.url, name, preset, file)
    line = Line(stream, {GENERIC.name: GENERIC} | known(settings.presets), None)
    run_until_ended(lambda: (_perform if on_desktop else _show)(steps, line, pace))


async def _show(steps: list[Step], line: Line, pace: float) -> None:
    paper, told, silent = Paper(), 0, 0
    async for _at, sample in paced(play(steps, line), pace):
        told += len(sample.outcomes)
        silent += not sample.outcomes
        if not sample.is_alive:
            show_sample(paper, sample, is_first=False)
    paper.line()
    paper.line(_("told: {told}; not told: {silent}; kind: {kind}", told=told, silent=silent, kind=line.preset.title))


async def _perform(steps: list[Step], line: Line, pace: float) -> None:
    stage = Stage(line.stream, follow, say)
    await stage.perform(paced(play(steps, line), pace), open_desktop)
    print_line(ngettext("{count} notification", "{count} notifications", stage.shown, count=stage.shown))


async def _serve(steps: list[Step], pace: float, port: int) -> None:
    async with serve(steps, speed=pace, port=port) as url:
        print_line(_("The recording is at {url}; Ctrl-C ends it.", url=url))
        await asyncio.Event().wait()


def _stream(url: str, name: str | None, preset: str, file: Path | None) -> tuple[Stream, Config]:
    """The stream by whose rules it is told: the one named, or that of the recorded address, or one without rules."""
    configuration = config_file(file)
    is_there = file is not None or name is not None or os.path.lexists(configuration.path)
    settings = configuration.read() if is_there else Config()
    if name is not None:
        found = [stream for stream in settings.streams if stream.name == name]
        if not found:
            raise UsageError(_("{path} has no stream {name}", path=configuration.path, name=name))
    elif preset == "auto":
        found = [stream for stream in settings.streams if head_of(stream.url, "").url == url]
    else:
        if preset not in (GENERIC.name, *known(settings.presets)):
            names = ", ".join(known(settings.presets))
            raise UsageError(_("there is no preset {name!r}; there are {names}", name=preset, names=names))
        found = []
    if len(found) != 1:
        found = list(config.from_arguments([url or "http://127.0.0.1/"], (), os.environ).streams)
        return found[0].model_copy(update={"preset": preset}), settings
    return found[0], settings


def _pace(text: str) -> float:
    if text == FASTEST:
        return math.inf
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0.001 <= pace <= 1_000_000:
        raise UsageError(_("--speed is a number above 0, such as 10, or max"))
    return pace
