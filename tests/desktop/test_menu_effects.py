"""Each row of the menu, clicked in the whole program, and what comes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.history import Row as History
from notifier.history import read_history
from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.face import IconState
from notifier.tray.menu import Row, menu
from tests.desktop.child import PATIENCE, Child, Server
from tests.desktop.panel import click_row, has_badge, icon_places, open_menu, shows
from tests.desktop.rig import Piece, Rig, until
from tests.needs import needs

pytestmark = pytest.mark.timeout(120)


class Person:
    """Somebody with a program, a mouse, a browser and an editor that write down what they were asked for."""

    def __init__(self, rig: Rig, server: Server, opened: Path, home: Path) -> None:
        self._rig = rig
        self._told = 0
        self._state = home / "state"
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

    def clicks(self, *path: str | int, reason: str = "", unread: int = 0) -> None:
        """Click a row of the menu as it should be now; rows whose labels change are numbers."""
        state = ReadyState.CONNECTING if reason else ReadyState.OPEN
        stream = StreamStatus("ci", state, reason, is_outage=bool(reason), site="https://ci.example/")
        recent = tuple(Notification(stream="ci", title=f"{n}", row=n) for n in range(1, self._told + 1))
        entries = menu(Status((stream,), recent=recent, unread=unread, autostart=False))
        at = shows(self._rig, IconState.OFFLINE) if reason else _middle(self._rig)
        labels = []
        inner = entries
        for step in path:
            entry = inner[step] if isinstance(step, int) else next(
                each for each in inner if isinstance(each, Row) and each.label == step
            )  # fmt: skip
            assert isinstance(entry, Row)
            labels.append(entry.label)
            inner = entry.submenu
        click_row(self._rig, open_menu(self._rig, at, entries=entries), entries, *labels)

    def history(self) -> list[History]:
        """What was recorded."""
        return read_history(self._state / "sse-notifier" / "history.db")

    def browser(self) -> list[str]:
        """What the browser was asked for."""
        return self.opened.read_text().splitlines()


def _middle(rig: Rig) -> tuple[int, int]:
    until("there was an icon", lambda: len(icon_places(rig)) > 20)
    (xs, ys) = zip(*icon_places(rig), strict=True)
    return (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2


@pytest.fixture
def person(rig: Rig, dunst: Piece, panel: Piece, server: Server, opened: Path, tmp_path: Path) -> Iterator[Person]:
    person = Person(rig, server, opened, tmp_path)
    shows(rig, IconState.CONNECTED, PATIENCE)
    yield person
    person.app.kill()
    until("the icon was gone", lambda: not icon_places(rig))


def test_notifications_are_opened_and_read(rig: Rig, server: Server, person: Person) -> None:
    person.is_told(server, "One", "https://ci.example/1")
    person.clicks("Open the newest of 1 unread", unread=1)
    until("it was opened", lambda: person.browser() == ["https://ci.example/1"])
    until("nothing was unread", lambda: not has_badge(rig))
    person.is_told(server, "Two", "https://ci.example/2")
    rig.screenshot("unread")
    person.clicks(3, unread=1)  # the newest of the recent ones
    until("it was opened", lambda: person.browser()[1:] == ["https://ci.example/2"])
    until("nothing was unread", lambda: not has_badge(rig))
    person.is_told(server, "Three")
    person.clicks("Mark all read", unread=1)
    until("nothing was unread", lambda: not has_badge(rig))
    person.clicks("Show history")
    until("a page was opened", lambda: len(person.browser()) == 3)
    page = Path(person.browser()[2].removeprefix("file://")).read_text()
    assert all(title in page for title in ("One", "Two", "Three"))
    assert "https://ci.example/2" in page


def test_the_person_is_left_in_peace(rig: Rig, server: Server, person: Person) -> None:
    person.clicks("Snooze", "For 1 hour")
    shows(rig, IconState.PAUSED)
    person.clicks("Quiet now")  # which now resumes
    shows(rig, IconState.CONNECTED)
    person.clicks(0, "Mute")
    person.is_told(server, "Muted", is_counted=False)
    until("it was recorded", person.history)
    assert rig.bubbles() == 0
    person.clicks(0, "Mute")
    until("what was held came", lambda: rig.bubbles() == 1)


def test_what_the_desktop_does_is_done(rig: Rig, server: Server, person: Person) -> None:
    person.clicks("Edit configuration")
    until("the editor was opened", lambda: person.edited.exists() and person.edited.read_text() == f"{person.config}\n")
    person.clicks("Start at login")
    until("it starts at login", person.autostart.exists)
    assert str(person.config) in person.autostart.read_text()
    person.clicks("Start at login")
    until("it does not", lambda: not person.autostart.exists() or "Hidden=true" in person.autostart.read_text())
    person.clicks("About sse-notifier")
    until("a bubble told about it", lambda: rig.bubbles() == 1)
    rig.screenshot("about")
    person.clicks(0, "Open its site")
    until("the site was opened", lambda: person.browser())
    assert person.browser()[0].startswith(server.base)


def test_connections_are_made_anew_and_errors_copied(rig: Rig, server: Server, person: Person) -> None:
    for path in (["Reconnect now"], [0, "Reconnect now"]):
        before = connections(server.port)
        assert len(before) == 1
        person.clicks(*path)
        until("it connected anew", lambda b=before: len(connections(server.port) - b) == 1, PATIENCE)  # type: ignore[misc]
        until("the old one was closed", lambda: len(connections(server.port)) == 1)
    server.kill()
    shows(rig, IconState.OFFLINE, PATIENCE)
    needs("xclip")
    person.clicks(0, "Copy the last error", reason="refused")
    # Nobody has a selection before, which xclip calls an error; what it says depends on how far the outage has come.
    until("it was copied", lambda: rig.run("sh", "-c", "xclip -o -selection clipboard || true").startswith("ci: "))
    person.clicks("Quit", reason="refused")
    until("it ended", person.app.ended, PATIENCE)
    assert person.app.process.returncode == 0
    assert "Traceback" not in person.app.errors


def connections(port: int) -> set[str]:
    """The near ends of what is connected to this port here (proc(5), /proc/net/tcp; state 01 is established)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {near for _, near, far, state, *_ in lines if far.endswith(f":{port:04X}") and state == "01"}
