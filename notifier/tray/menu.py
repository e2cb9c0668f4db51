"""A Status in, menu rows out.  Pure.  It does not know who shows them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import Enum

from notifier.language import N_, _, ngettext
from notifier.notification import Notification
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.face import IconState, stream_state
from notifier.tray.label import LABEL_LIMIT, TITLE_LIMIT, clock, name_of, safe, stream_label

STREAMS_LIMIT = 15
"""Rows of streams; the others are in a submenu."""
MORE_LIMIT = 100
"""Rows of streams in that submenu; what is left is counted in one more row."""
RECENT_LIMIT = 5
"""Rows of notifications; the earlier ones are in a submenu."""
MORNING = time(8)
"""When tomorrow begins, in local time."""


class Snooze(Enum):
    """How long to hold all bubbles, counted from the click."""

    QUARTER = N_("For 15 minutes")
    HOUR = N_("For 1 hour")
    TOMORROW = N_("Until tomorrow morning")
    RESUMED = N_("Until I resume")

    def command(self, now: datetime) -> Command:
        """What is asked for by a click at `now`, local time."""
        match self:
            case Snooze.QUARTER:
                until = now.timestamp() + 15 * 60
            case Snooze.HOUR:
                until = now.timestamp() + 3_600
            case Snooze.TOMORROW:
                # Without an offset, so that the clocks may change in this night.
                until = datetime.combine(now.date() + timedelta(days=1), MORNING).timestamp()
            case Snooze.RESUMED:
                until = math.inf
        return Command(Verb.SNOOZE, until=until)


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
    command: Command | Snooze | None = None
    """What a click asks for; None for a row that only tells something."""
    enabled: bool = True
    checked: bool | None = None
    """Whether it is ticked; None for a row that cannot be."""
    default: bool = False
    """A left click on the icon does this."""
    sign: IconState | None = None
    """What a small picture before it tells, where there are any."""
    submenu: tuple["Entry", ...] = ()

    def __post_init__(self) -> None:
        if self.command is not None and self.submenu:
            raise ValueError("a row acts or opens a submenu, not both")


Entry = Row | Separator


def menu(status: Status) -> tuple[Entry, ...]:
    """The whole menu, top to bottom."""
    return (
        *_problem_rows(status),
        *_stream_rows(status),
        Separator(),
        *_notification_rows(status),
        Separator(),
        *_quiet_rows(status),
        Separator(),
        Row(label=_("Reconnect now"), command=Command(Verb.RECONNECT), enabled=bool(status.streams)),
        Row(label=_("Show history"), command=Command(Verb.HISTORY), default=not status.unread),
        Row(label=_("Edit configuration"), command=Command(Verb.EDIT)),
        *_autostart_rows(status),
        Row(label=_("About sse-notifier"), command=Command(Verb.ABOUT)),
        Separator(),
        Row(label=_("Quit"), command=Command(Verb.QUIT)),
    )


def _problem_rows(status: Status) -> tuple[Entry, ...]:
    if not status.problem:
        return ()
    problem = Row(label=safe(status.problem, LABEL_LIMIT), command=Command(Verb.EDIT), sign=IconState.ATTENTION)
    return problem, Separator()


def _stream_rows(status: Status) -> tuple[Row, ...]:
    streams = status.streams
    if not streams:
        return (Row(label=_("No streams yet"), enabled=False),)
    rows = [_stream_row(stream, status.told_at) for stream in streams[:STREAMS_LIMIT]]
    if more := streams[STREAMS_LIMIT:]:
        rows.append(_more_row(more, status.told_at))
    return tuple(rows)


def _more_row(streams: Sequence[StreamStatus], told_at: float | None) -> Row:
    rows: list[Entry] = [_stream_row(stream, told_at) for stream in streams[:MORE_LIMIT]]
    if left := len(streams) - len(rows):
        rows.append(Row(label=_("… and {count} more", count=left), enabled=False))
    unwell = sum(stream_state(stream) is not IconState.CONNECTED for stream in streams)
    if unwell:
        label = _("… and {count} more, {unwell} of them not connected", count=len(streams), unwell=unwell)
    else:
        label = _("… and {count} more", count=len(streams))
    return Row(label=label, submenu=tuple(rows))


def _stream_row(stream: StreamStatus, told_at: float | None) -> Row:
    name = stream.name
    reason = (Row(label=safe(stream.detail, 2 * LABEL_LIMIT), enabled=False),) if stream.detail else ()
    mute = Verb.UNMUTE if stream.muted else Verb.MUTE
    return Row(
        label=stream_label(stream, told_at),
        sign=IconState.PAUSED if stream.muted else stream_state(stream),
        submenu=(
            *reason,
            Row(label=_("Mute"), command=Command(mute, stream=name), checked=stream.muted),
            Row(label=_("Reconnect now"), command=Command(Verb.RECONNECT, stream=name)),
            Row(label=_("Open its site"), command=Command(Verb.OPEN_SITE, stream=name), enabled=bool(stream.site)),
            Row(
                label=_("Copy the last error"),
                command=Command(Verb.COPY_ERROR, stream=name),
                enabled=bool(stream.detail),
            ),
        ),
    )


def _notification_rows(status: Status) -> tuple[Row, ...]:
    if not status.recent:
        return (Row(label=_("No notifications yet"), enabled=False),)
    rows = [_notification_row(n, with_stream=len(status.streams) > 1) for n in status.recent]
    newest = ngettext("Open the newest of {count} unread", "Open the newest of {count} unread", status.unread,
                      count=status.unread) if status.unread else _("Nothing is unread")  # fmt: skip
    earlier = tuple(rows[RECENT_LIMIT:])
    return (
        Row(label=newest, command=Command(Verb.OPEN), enabled=status.unread > 0, default=status.unread > 0),
        *rows[:RECENT_LIMIT],
        *((Row(label=_("Earlier"), submenu=earlier),) if earlier else ()),
        Row(label=_("Mark all read"), command=Command(Verb.READ), enabled=status.unread > 0),
    )


def _notification_row(notification: Notification, *, with_stream: bool) -> Row:
    title = safe(notification.headline, TITLE_LIMIT) or _("(no title)")
    if with_stream:
        title = _("{title} — {stream}", title=title, stream=name_of(notification.stream))
    row = notification.row
    return Row(label=title, command=Command(Verb.OPEN, row=row), enabled=row is not None)


def _quiet_rows(status: Status) -> tuple[Row, ...]:
    until, hours, now = status.snoozed_until, status.quiet_until, status.told_at
    rows = []
    if hours is not None:
        rows.append(Row(label=_held(_("Quiet hours until {time}", time=clock(hours, now)), status), enabled=False))
    if until is None:
        rows.append(Row(label=_("Quiet now"), command=Snooze.RESUMED))
    else:
        resume = _("Resume notifications")
        if until < math.inf:
            resume = _("Resume notifications (paused until {time})", time=clock(until, now))
        rows.append(Row(label=_held(resume, status), command=Command(Verb.RESUME)))
    snoozes = tuple(Row(label=_(snooze.value), command=snooze) for snooze in Snooze)
    return *rows, Row(label=_("Snooze"), submenu=snoozes)


def _held(text: str, status: Status) -> str:
    """Part of a row and no row of its own: rows that come while the menu is open move the others under the pointer."""
    if not status.held:
        return text
    return ngettext("{text}, {count} held back", "{text}, {count} held back", status.held, text=text, count=status.held)


def _autostart_rows(status: Status) -> tuple[Row, ...]:
    if (on := status.autostart) is None:
        return ()
    return (Row(label=_("Start at login"), command=Command(Verb.AUTOSTART, on=not on), checked=on),)
