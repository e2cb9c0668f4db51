"""A Status in; menu rows, a tooltip and the icon's state out.  Pure.

It does not know who shows them, nor how a label's own special characters (`_`, `&`) are written there.
Names and titles are text from strangers: each is cut, and what could reorder or hide its neighbours is taken out.
"""

import math
import unicodedata
from dataclasses import dataclass
from enum import Enum

from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb

NAME = "sse-notifier"

STREAMS_LIMIT = 15
"""Rows of streams; the rest is counted in one more row."""
NAME_LIMIT = 32
"""Characters of a stream's name."""
LABEL_LIMIT = 72
"""Characters of a row that we cut ourselves."""
TITLE_LIMIT = 60
"""Characters of a notification's title."""
TOOLTIP_LIMIT = 127
"""UTF-16 code units of a tooltip: what the Windows shell has room for."""

ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER = "\u200c", "\u200d"
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


class IconState(Enum):
    """What the icon tells at a glance."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    DEGRADED = "some streams offline"
    OFFLINE = "offline"
    PAUSED = "paused"
    ATTENTION = "needs attention"


@dataclass(frozen=True, slots=True)
class Separator:
    """A line between groups of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a menu.

    Raises:
        ValueError: it would both act and open a submenu.
    """

    label: str
    command: Command | None = None
    """What a click asks for; None for a row that only tells something."""
    enabled: bool = True
    checked: bool | None = None
    """Whether it is ticked; None for a row that cannot be."""
    default: bool = False
    """A left click on the icon does this."""
    submenu: tuple["Entry", ...] = ()

    def __post_init__(self) -> None:
        if self.command is not None and self.submenu:
            raise ValueError("a row acts or opens a submenu, not both")


Entry = Row | Separator


def menu(status: Status) -> tuple[Entry, ...]:
    """The whole menu, top to bottom."""
    return (
        *_stream_rows(status),
        Separator(),
        _last_notification_row(status),
        Separator(),
        Row(label="Resume notifications", command=Command(Verb.RESUME))
        if status.snoozed_until is not None
        else Row(label="Pause notifications", command=Command(Verb.SNOOZE, until=math.inf)),
        Row(label="Reconnect now", command=Command(Verb.RECONNECT), enabled=bool(status.streams)),
        Separator(),
        Row(label="Quit", command=Command(Verb.QUIT)),
    )


def icon_state(status: Status) -> IconState:
    """The state to show: what needs a person's eye most."""
    if status.snoozed_until is not None:
        return IconState.PAUSED
    states = {_stream_state(stream) for stream in status.streams}
    if IconState.OFFLINE in states:
        return IconState.OFFLINE if len(states) == 1 else IconState.DEGRADED
    if IconState.CONNECTING in states:
        return IconState.CONNECTING
    return IconState.CONNECTED if states else IconState.CONNECTING


def tooltip(status: Status) -> str:
    """What the icon says when pointed at: a headline, then a line for each stream that is not well."""
    lines = [f"{NAME}: {_headline(status)}"]
    for stream in status.streams:
        if len(status.streams) == 1 or _stream_state(stream) is IconState.CONNECTED:
            continue
        line = _stream_label(stream, status.told_at)
        if _utf16_length("\n".join([*lines, line])) > TOOLTIP_LIMIT:
            break
        lines.append(line)
    return _cut_utf16("\n".join(lines), TOOLTIP_LIMIT)


def safe(text: str, limit: int) -> str:
    """`text` of a stranger as one line of at most `limit` characters that leaves its neighbours alone.

    Control and format characters go, all but the joiners that Persian or an emoji is written with; text that runs
    from right to left is isolated, which adds two characters that cannot be seen (Unicode UAX #9, 2.4).
    """
    kept = (
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in text[: 8 * limit]
        if unicodedata.category(c) not in ("Cf", "Cs") or c in (ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER)
    )
    line = _shortened(" ".join("".join(kept).split()), limit)
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in line):
        return f"{FIRST_STRONG_ISOLATE}{line}{POP_ISOLATE}"
    return line


def _stream_rows(status: Status) -> tuple[Row, ...]:
    shown = status.streams[:STREAMS_LIMIT]
    rows = [Row(label=_stream_label(stream, status.told_at), enabled=False) for stream in shown]
    if more := len(status.streams) - len(rows):
        rows.append(Row(label=f"… and {more} more", enabled=False))
    return tuple(rows) or (Row(label="No streams yet", enabled=False),)


def _stream_label(stream: StreamStatus, told_at: float | None) -> str:
    return f"{safe(stream.name, NAME_LIMIT) or '?'} — {_stream_text(stream, LABEL_LIMIT - NAME_LIMIT, told_at)}"


def _age(last_heard: float | None, told_at: float | None) -> str:
    """How long ago the last sign of life was; so coarse that a stream with keep-alives never changes its row."""
    if last_heard is None or told_at is None:
        return ""
    minutes = int(max(0.0, told_at - last_heard) // 60)
    if minutes < 1:
        return ", heard just now"
    return f", heard {minutes} min ago" if minutes < 120 else f", heard {minutes // 60} h ago"


def _stream_text(stream: StreamStatus, limit: int, told_at: float | None) -> str:
    detail = safe(stream.detail, limit)
    match stream.ready_state:
        case ReadyState.OPEN:
            caution = f"; {safe(stream.caution, limit)}" if stream.caution else ""
            return f"connected{_age(stream.last_heard, told_at)}{caution}"
        case ReadyState.CONNECTING:
            if stream.is_outage:
                return f"offline: {detail or 'no connection'}, retrying"
            return "reconnecting…" if stream.is_soon_back else "connecting…"
        case ReadyState.CLOSED:
            return f"stopped: {detail}" if detail else "ended"


def _stream_state(stream: StreamStatus) -> IconState:
    match stream.ready_state:
        case ReadyState.OPEN:
            return IconState.CONNECTED
        case ReadyState.CONNECTING if stream.is_soon_back:
            return IconState.CONNECTED
        case ReadyState.CONNECTING if not stream.is_outage:
            return IconState.CONNECTING
        case _:
            return IconState.OFFLINE


def _last_notification_row(status: Status) -> Row:
    if not status.recent:
        return Row(label="No notifications yet", enabled=False)
    last = status.recent[0]
    opens = last.link is not None
    return Row(
        label=safe(last.title, TITLE_LIMIT) or "(no title)",
        command=Command(Verb.OPEN),
        enabled=opens,
        default=opens,
    )


def _headline(status: Status) -> str:
    if status.snoozed_until is not None:
        return "notifications are paused"
    if len(status.streams) == 1:
        return _stream_text(status.streams[0], LABEL_LIMIT, status.told_at)
    if not status.streams:
        return "starting…"
    well = sum(_stream_state(stream) is IconState.CONNECTED for stream in status.streams)
    return f"{well} of {len(status.streams)} streams connected"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _cut_utf16(text: str, limit: int) -> str:
    while _utf16_length(text) > limit:
        text = text[:-2].rstrip() + "…"
    return text


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
