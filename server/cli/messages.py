"""`publish` and `tail`: a message to a running server, and its events."""

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated
from uuid import uuid4

import typer

from server.cli.terminal import failed
from server.remote import Remote, RemoteError, RemoteLost

DEFAULT_URL = "http://127.0.0.1:8080/events"
RETRY = 2.0
"""Seconds before the next attempt."""

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="SSE_SERVER_TOKEN", help="A token of that server; the environment hides it better."),
]
Url = Annotated[str, typer.Option("--url", envvar="SSE_SERVER_URL", help="The server, or its events.", metavar="URL")]


def publish(
    message: Annotated[str, typer.Argument(help="The text, or - for standard input.")],
    url: Url = DEFAULT_URL,
    token: Token = None,
    topic: Annotated[str | None, typer.Option(help="What subscribers choose by.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="The event type.")] = None,
    title: Annotated[str | None, typer.Option(help="The notification's first line.")] = None,
    urgency: Annotated[str | None, typer.Option(help="low, normal or critical.")] = None,
    link: Annotated[str | None, typer.Option(help="What a click opens.")] = None,
    key: Annotated[str | None, typer.Option(help="Takes the place of the last message of this key.")] = None,
    once: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", metavar="NAME", help="Published once under this name, however often it is run."
        ),
    ] = None,
    patience: Annotated[
        float, typer.Option("--retry-for", min=0, metavar="SECONDS", help="Try again while the server is away or busy.")
    ] = 0.0,
) -> None:
    """Publish a message to a running server, and print its id."""
    given = {"topic": topic, "type": type_, "title": title, "urgency": urgency, "link": link, "key": key}
    try:
        text = sys.stdin.read() if message == "-" else message
        fields = {name: value for name, value in given.items() if value is not None}
        print(_insist(patience, lambda name: Remote(url, token).publish(text, fields, once=name), once))
    except UnicodeError as error:
        raise failed("standard input is not UTF-8 text") from error
    except RemoteError as error:
        raise failed(str(error)) from error


def _insist(patience: float, attempt: Callable[[str], str], once: str | None) -> str:
    """Attempt under one name until it succeeds or `patience` is over; a lost answer may not publish twice."""
    name = once or uuid4().hex
    until = time.monotonic() + patience
    while True:
        try:
            return attempt(name)
        except RemoteLost as error:
            if time.monotonic() + RETRY > until:
                raise
            print(f"sse-server: {error} (trying again)", file=sys.stderr)
            time.sleep(RETRY)


def tail(
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
        print(_json(event) if as_json else _readable(event), flush=True)

    def reach(place: str) -> None:
        nonlocal last_event_id
        last_event_id = place

    try:
        remote = Remote(url, token)
        while True:
            try:
                remote.follow(query, last_event_id, show, reach)
            except RemoteLost as error:
                print(f"sse-server: {error} (trying again)", file=sys.stderr)
                time.sleep(RETRY)
    except RemoteError as error:
        raise failed(str(error)) from error
    except KeyboardInterrupt:
        return


def _json(event: dict[str, object]) -> str:
    """An event as JSON on one line, in which a stranger's control characters are escapes, too."""
    text = json.dumps(event, ensure_ascii=False)
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def _readable(event: dict[str, object]) -> str:
    """An event on one line of a terminal, where a stranger's control characters must not act."""
    text = f"{event.get('topic', '-')} {event.get('type')}: {event.get('data')}"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
