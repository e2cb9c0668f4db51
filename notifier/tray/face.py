"""A Status in; the icon's state and its tooltip out: what is told at a glance.  Pure."""

from enum import Enum

from notifier.language import _, ngettext
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.label import LABEL_LIMIT, clock, safe, stream_label, stream_text

NAME = "sse-notifier"
TOOLTIP_LIMIT = 127
"""UTF-16 code units of a tooltip: what the Windows shell has room for."""


class IconState(Enum):
    """What the icon tells at a glance."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    DEGRADED = "some streams offline"
    OFFLINE = "offline"
    PAUSED = "paused"
    ATTENTION = "needs attention"


def icon_state(status: Status) -> IconState:
    """The state to show: what needs a person's eye most."""
    if status.problem:
        return IconState.ATTENTION
    if status.snoozed_until is not None or status.quiet_until is not None:
        return IconState.PAUSED
    states = {stream_state(stream) for stream in status.streams}
    if IconState.OFFLINE in states:
        return IconState.OFFLINE if len(states) == 1 else IconState.DEGRADED
    if IconState.CONNECTING in states:
        return IconState.CONNECTING
    return IconState.CONNECTED if states else IconState.CONNECTING


def stream_state(stream: StreamStatus) -> IconState:
    """The state of one stream: connected, connecting or offline."""
    match stream.ready_state:
        case ReadyState.OPEN:
            return IconState.CONNECTED
        case ReadyState.CONNECTING if stream.is_soon_back:
            return IconState.CONNECTED
        case ReadyState.CONNECTING if not stream.is_outage:
            return IconState.CONNECTING
        case _:
            return IconState.OFFLINE


def tooltip(status: Status) -> str:
    """What the icon says when pointed at: a headline, what is unread, then a line for each stream that is not well."""
    lines = [f"{NAME}: {_headline(status)}"]
    if status.unread > 0:
        lines.append(ngettext("{count} unread", "{count} unread", status.unread, count=status.unread))
    if status.held > 0:
        lines.append(ngettext("{count} held back", "{count} held back", status.held, count=status.held))
    for stream in status.streams:
        if len(status.streams) == 1 or stream_state(stream) is IconState.CONNECTED:
            continue
        line = stream_label(stream, status.told_at)
        if _utf16_length("\n".join([*lines, line])) > TOOLTIP_LIMIT:
            break
        lines.append(line)
    return _cut_utf16("\n".join(lines), TOOLTIP_LIMIT)


def _headline(status: Status) -> str:
    if status.problem:
        return safe(status.problem, LABEL_LIMIT)
    if (until := status.snoozed_until) is not None:
        if until == float("inf"):
            return _("notifications are paused")
        return _("notifications are paused until {time}", time=clock(until, status.told_at))
    if status.quiet_until is not None:
        return _("quiet hours until {time}", time=clock(status.quiet_until, status.told_at))
    if len(status.streams) == 1:
        return stream_text(status.streams[0], LABEL_LIMIT, status.told_at)
    if not status.streams:
        return _("starting…")
    well = sum(stream_state(stream) is IconState.CONNECTED for stream in status.streams)
    return ngettext(
        "{well} of {count} stream connected",
        "{well} of {count} streams connected",
        len(status.streams),
        well=well,
        count=len(status.streams),
    )


def _cut_utf16(text: str, limit: int) -> str:
    while _utf16_length(text) > limit:
        text = text[:-2].rstrip() + "…"
    return text


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
