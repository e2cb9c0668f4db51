"""The history file in, rows out, for whoever looks back.  Records nothing and changes nothing."""

import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from notifier.database import reading
from notifier.entry import State
from notifier.language import _
from notifier.notation import fields_in
from notifier.notification import Notification, Urgency
from notifier.schema import COLUMNS

logger = logging.getLogger(__name__)

TEXT_LIMIT = 1_024
"""Characters of an event's type and ID and of a replacement key in a row; of longer ones the start and a digest."""
LATEST = 253_370_764_800.0
"""Seconds since 1970 of the year 9999, in which every calendar ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the history."""

    id: int
    """Grows with every row; never used twice."""
    notification: Notification
    event_type: str
    event_id: str | None
    received: float
    state: State
    event: int | None = None
    """The number of the event among those that are kept; None if it is not."""


def read_history(
    path: Path, *, stream: str | None = None, since: float | None = None, search: str | None = None, limit: int = 100
) -> list[Row]:
    """The newest `limit` rows that match, oldest first, read beside the process that writes.  Changes nothing.

    Args:
        path: If there is no such file, nothing was recorded.
        stream: Its name.
        since: Received at this time or later.
        search: Somewhere in title, body or link; upper and lower case are the same, and there are no wildcards.
        limit: Rows.

    Raises:
        StoreError: the file is there but cannot be read.
    """
    if not path.exists():
        return []
    with reading(path) as db:
        return find(db, stream, since, search, limit)


def find(db: sqlite3.Connection, stream: str | None, since: float | None, search: str | None, limit: int) -> list[Row]:
    """What :func:`read_history` says, of an open file."""
    where = ["TRUE"]
    if stream is not None:
        where.append("stream = :stream")
    if since is not None:
        where.append("received >= :since")
    if search:
        where.append("holds(:search, title, body, link)")
        search = search.casefold().encode(errors="replace").decode()
        db.create_function("holds", 4, _holds, deterministic=True)
    newest_first = f"{' AND '.join(where)} ORDER BY id DESC LIMIT :limit"
    values = {"stream": stream, "since": since, "search": search, "limit": max(0, limit)}
    return select(db, newest_first, values)[::-1]


def select(db: sqlite3.Connection, where: str, values: Mapping[str, object]) -> list[Row]:
    """The rows for which `where` holds, in its order.  `where` is ours; what others wrote is in `values`."""
    query = f"SELECT {COLUMNS['history']} FROM history WHERE {where}"  # noqa: S608
    rows = []
    for row_id, stream, event_type, event_id, received, title, body, urgency, link, key, state, *rest in db.execute(
        query, values
    ):
        try:
            more, event = rest
            if not is_moment(received):
                raise ValueError(f"received at {received!r}")
            notification = Notification(
                stream=stream,
                title=title,
                body=body,
                urgency=Urgency(urgency),
                link=link,
                key=key,
                row=row_id,
                **fields_in(more),
            )
            row = Row(
                id=row_id,
                notification=notification,
                event_type=event_type,
                event_id=event_id,
                received=received,
                state=State(state),
                event=event,
            )
        except (ValueError, TypeError, AttributeError) as error:  # bits that flipped on disk; the other rows are good
            logger.warning("%s", _("row {number} of the history cannot be shown: {error}", number=row_id, error=error))
            continue
        rows.append(row)
    return rows


def short(text: str | None) -> str | None:
    """`text` if it can be stored and is short; otherwise one that no other text becomes."""
    if text is None or (len(text) <= TEXT_LIMIT and is_unicode(text)):
        return text
    digest = blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"{text[: TEXT_LIMIT - 33]}…{digest}".encode(errors="replace").decode()


def is_unicode(text: str) -> bool:
    """Whether `text` can be stored."""
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can write and UTF-8 cannot
        return False
    return True


def is_moment(received: object) -> bool:
    """Whether a calendar has this second since 1970; one that bits flipped in mostly is none."""
    return isinstance(received, float) and 0 <= received < LATEST


def _holds(needle: str, *texts: str | None) -> bool:
    """LIKE knows upper and lower case of ASCII only, and `%` and `_` mean something to it."""
    return any(needle in text.casefold() for text in texts if text)
