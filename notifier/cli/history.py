"""`history`: past notifications."""

import json as jsons
from datetime import datetime
from typing import Annotated

import typer

from notifier import moment
from notifier.cli.options import Json
from notifier.cli.place import history_path
from notifier.cli.terminal import print_line, say
from notifier.desktop.log import lines
from notifier.history import Row, read_history
from notifier.language import _


def add(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command()(history)


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
    rows = read_history(history_path(), stream=stream, since=earliest, search=search, limit=limit)
    for row in rows:
        print_line(_row_as_json(row) if json else _row_as_text(row))
    if not rows and (stream, since, search) != (None, None, None):
        say(_("no notification is like that; sse-notifier history shows all there are"))
    elif not rows:
        say(_("there are no notifications yet; sse-notifier run gets them"))


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
    return jsons.dumps(fields)


def _row_as_text(row: Row) -> str:
    received = datetime.fromtimestamp(row.received).astimezone()
    return f"{received:%Y-%m-%d} {row.notification.stream}\n{lines(row.notification, received)}"
