"""Somebody in front of the whole program, who clicks rows of its menu and looks what comes of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from notifier.history import Row as History
from notifier.history import read_history
from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus, Verb
from notifier.tray.face import IconState
from notifier.tray.menu import Entry, Row, Snooze, menu
from tests.desktop.child import Child, Server
from tests.desktop.panel import click_row, has_badge, icon_places, open_menu, shows
from tests.desktop.rig import Rig, until


class Person:
    """Somebody with a program, a mouse, a browser and an editor that write down what they were asked for."""

    def __init__(self, rig: Rig, server: Server, opened: Path, home: Path) -> None:
        self._rig = rig
        self._told = 0
        self._state = home / "state"
        self.clicked: set[str] = set()
        """The kinds of rows that were clicked, as `kind_of` calls them."""
        self.opened = opened
        self.edited = home / "edited"
        self.config = home / "config.toml"
        self.config.write_text(f'[[streams]]\nurl = "{server.base}/events"\nname = "ci"\n')
        opener = home / "bin" / "xdg-open"
        opener.parent.mkdir()
        opener.write_text(f'#!/bin/sh\necho "$1" > {self.edited}\n')
        opener.chmod(0o755)
        self.autostart = home / "config" / "autostart" / "sse-notifier.desktop"
        self.app = Child(
            rig, "notifier", "run", "--config", str(self.config), BROWSER=str(opened.with_name("browser")),
            PATH=f"{opener.parent}:{rig.environ['PATH']}", XDG_STATE_HOME=str(self._state),
            XDG_CONFIG_HOME=str(home / "config"),
        )  # fmt: skip

    def is_told(self, server: Server, title: str, link: str = "", *, is_counted: bool = True) -> None:
        """Something is published, and counted by the icon."""
        server.publish(title=title, **({"link": link} if link else {}))
        self._told += 1
        if is_counted:
            until("the icon counted it", lambda: has_badge(self._rig))

    def clicks(
        self,
        *path: str | int,
        reason: str = "",
        unread: int = 0,
        muted: bool = False,
        snoozed_until: float | None = None,
        problem: str = "",
        autostart: bool = False,
    ) -> None:
        """Click a row of the menu as it should be now; rows whose labels change are numbers.

        Args:
            path: The row, after the rows whose submenus lead to it.
            reason: Why the stream is offline.
            unread, muted, snoozed_until, problem, autostart: What else the menu tells, as the status does.
        """
        state = ReadyState.CONNECTING if reason else ReadyState.OPEN
        stream = StreamStatus("ci", state, reason, is_outage=bool(reason), site="https://ci.example/", muted=muted)
        recent = tuple(Notification(stream="ci", title=f"{n}", row=n) for n in range(1, self._told + 1))
        entries = menu(
            Status((stream,), recent, unread=unread, snoozed_until=snoozed_until, problem=problem, autostart=autostart)
        )
        at = shows(self._rig, IconState.OFFLINE) if reason else middle(self._rig)
        rows: list[Row] = []
        for step in path:
            rows.append(_row(rows[-1].submenu if rows else entries, step))
        self.clicked.add(kind_of(rows[-1], is_inside=len(rows) > 1))
        window = open_menu(self._rig, at, entries=entries)
        click_row(self._rig, window, entries, *(row.label for row in rows))

    def presses(self, *keys: str, kind: str) -> None:
        """Open the menu and press keys; for a menu that is higher than the screen.

        Args:
            kind: Of the row that they lead to.
        """
        self.clicked.add(kind)
        open_menu(self._rig, middle(self._rig))
        self._rig.run("xdotool", "key", "--delay", "50", *keys)

    def clicks_the_icon(self, *, unread: int = 0, button: int = 1) -> None:
        """A left click, which does what the default row of the menu does, or one with the middle button."""
        self.clicked.add(
            defaults(menu(Status(unread=unread, recent=(Notification(stream="ci", title="…", row=1),))))[0]
        )
        self._rig.click(*middle(self._rig), button=button)

    def history(self) -> list[History]:
        """What was recorded."""
        return read_history(self._state / "sse-notifier" / "history.db")

    def browser(self) -> list[str]:
        """What the browser was asked for."""
        return self.opened.read_text().splitlines()


def kind_of(row: Row, *, is_inside: bool) -> str:
    """What a row that acts is told apart by: what it asks for, of what, and whether it is in a submenu."""
    command = row.command
    assert command is not None
    assert row.enabled
    words = ["inside:"] if is_inside else []
    if isinstance(command, Snooze):
        words += [Verb.SNOOZE, command.name]
    else:
        words.append(command.verb)
        if command.on is not None:
            words.append("on" if command.on else "off")
        words += ["stream"] if command.stream is not None else []
        words += ["notification"] if command.row is not None else []
    words += ["for a problem"] if row.sign is not None else []
    return " ".join(words)


def acting(entries: Sequence[Entry], *, is_inside: bool = False) -> Iterator[str]:
    """The kinds of all rows of a menu and its submenus that act."""
    for entry in entries:
        if isinstance(entry, Row):
            if entry.command is not None and entry.enabled:
                yield kind_of(entry, is_inside=is_inside)
            yield from acting(entry.submenu, is_inside=True)


def defaults(entries: Sequence[Entry]) -> list[str]:
    """The kinds of what a left click does."""
    return [
        f"left click: {kind_of(entry, is_inside=False)}"
        for entry in entries
        if isinstance(entry, Row) and entry.default
    ]


def middle(rig: Rig) -> tuple[int, int]:
    """Where the icon is, whatever it shows."""
    until("there was an icon", lambda: len(icon_places(rig)) > 20)
    (xs, ys) = zip(*icon_places(rig), strict=True)
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


def _row(entries: Sequence[Entry], step: str | int) -> Row:
    """The row at this place, or with this label."""
    if isinstance(step, int):
        found = entries[step]
        assert isinstance(found, Row)
        return found
    return next(entry for entry in entries if isinstance(entry, Row) and entry.label == step)
