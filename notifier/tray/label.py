"""Text of strangers and times in, short harmless lines out.  Pure.

Names, titles and reasons come from strangers: each is cut, and what could reorder or hide its neighbours is taken out.
A label's own special characters (`_`, `&`) are the business of whoever shows it.
"""

import math
import unicodedata
from datetime import datetime, timedelta

from notifier.language import _, ngettext
from notifier.source import ReadyState
from notifier.status import StreamStatus

NAME_LIMIT = 32
"""Characters of a stream's name."""
LABEL_LIMIT = 72
"""Characters of a row that we cut ourselves."""
TITLE_LIMIT = 48
"""Characters of a notification's title."""

ZERO_WIDTH_NON_JOINER, ZERO_WIDTH_JOINER = "\u200c", "\u200d"
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


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
    line = shortened(" ".join("".join(kept).split()), limit)
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in line):
        return f"{FIRST_STRONG_ISOLATE}{line}{POP_ISOLATE}"
    return line


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of it."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def name_of(stream: str) -> str:
    """A stream's name, for a row."""
    return safe(stream, NAME_LIMIT) or "?"


def stream_label(stream: StreamStatus, told_at: float | None) -> str:
    """How a stream is doing, in a row: name, state, sign of life, what is unread."""
    state = stream_text(stream, LABEL_LIMIT - NAME_LIMIT, told_at)
    if stream.muted:
        state = _("muted, {state}", state=state)
    if stream.unread > 0:
        state = ngettext("{state} ({count} unread)", "{state} ({count} unread)", stream.unread, state=state,
                         count=stream.unread)  # fmt: skip
    return _("{name} — {state}", name=name_of(stream.name), state=state)


def stream_text(stream: StreamStatus, limit: int, told_at: float | None) -> str:
    """How a stream is doing; at most about `limit` characters of the reason."""
    detail = safe(stream.detail, limit)
    match stream.ready_state:
        case ReadyState.OPEN:
            text = _connected(stream.last_heard, told_at)
            return f"{text}; {safe(stream.caution, limit)}" if stream.caution else text
        case ReadyState.CONNECTING:
            if stream.is_outage:
                return _("offline: {reason}, retrying", reason=detail or _("no connection"))
            return _("reconnecting…") if stream.is_soon_back else _("connecting…")
        case ReadyState.CLOSED:
            return _("stopped: {reason}", reason=detail) if detail else _("ended")


def clock(when: float, now: float | None) -> str:
    """A time of day, in local time; with the day where it is not the same."""
    if math.isinf(when):
        return _("for ever")
    local = datetime.fromtimestamp(when).astimezone()
    today = local if now is None else datetime.fromtimestamp(now).astimezone()
    time = f"{local:%H:%M}"
    if local.date() == today.date():
        return time
    if local.date() == today.date() + timedelta(days=1):
        return _("tomorrow, {time}", time=time)
    return f"{local:%Y-%m-%d %H:%M}"


def _connected(last_heard: float | None, told_at: float | None) -> str:
    """How long ago the last sign of life was; so coarse that a stream with keep-alives never changes its row."""
    if last_heard is None or told_at is None:
        return _("connected")
    minutes = int(max(0.0, told_at - last_heard) // 60)
    if minutes < 1:
        return _("connected, heard just now")
    if minutes < 120:
        return _("connected, heard {minutes} min ago", minutes=minutes)
    return _("connected, heard {hours} h ago", hours=minutes // 60)
