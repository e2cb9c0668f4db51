"""`watch`: the events of a stream themselves, in the terminal."""

import json as jsons
import os
from collections.abc import Callable, Sequence

import typer

from notifier import config, plaintext
from notifier.cli.ending import run_until_ended
from notifier.cli.options import Headers, Json, PlainCredentials, Url, Verbose
from notifier.cli.terminal import log, print_line
from notifier.client import Follower
from notifier.config import Config
from notifier.errors import StreamFailed
from notifier.presets import known
from notifier.recognition import Recognition
from notifier.source import Source
from notifier.sse import Event
from notifier.transport import Transport

TEXT_LIMIT = 10_000
"""Characters of an event that `watch` shows; --json shows all."""
TYPE_LIMIT = 60


def add(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command()(watch)


def watch(
    url: Url,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show a stream's events in the terminal, as they come."""
    log(verbose=verbose)
    settings = config.from_arguments([url], header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    show = _print_json if json else _print_text
    run_until_ended(lambda: _watch(settings, show))


async def _watch(settings: Config, show: Callable[[Event], None]) -> None:
    (stream,) = settings.streams

    async def deliver(events: Sequence[Event], _: str) -> None:
        for event in events:
            show(event)

    source = Source(stream)
    source.handshake = Recognition(stream.url, list(known().values())).preset.handshake
    try:
        await Follower(source, Transport(stream), deliver, lambda _: None).follow()
    except StreamFailed as error:
        raise StreamFailed(f"{stream.name}: {error}") from error


def _print_json(event: Event) -> None:
    fields = {"type": event.type, "data": event.data, "last_event_id": event.last_event_id, "id": event.id}
    # ASCII only: whatever a stranger sends, the terminal and the next program get no control characters.
    print_line(jsons.dumps(fields))


def _print_text(event: Event) -> None:
    text = plaintext.lines(event.data, TEXT_LIMIT)
    kind = plaintext.line(event.type, TYPE_LIMIT)
    print_line(f"{kind}:\n{text}" if "\n" in text else f"{kind}: {text}")
