"""Each row of the menu, clicked in the whole program, and what comes of it."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

import pytest

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.face import IconState
from notifier.tray.menu import RECENT_LIMIT, STREAMS_LIMIT, Row, Snooze, menu
from tests.desktop.child import PATIENCE, Server
from tests.desktop.panel import has_badge, icon_places, menu_labels, shows
from tests.desktop.person import Person, acting, defaults
from tests.desktop.rig import Piece, Rig, until
from tests.needs import needs

CLICKED: dict[str, set[str]] = {}
"""By test: the kinds of rows that it says it clicks; the fixture sees to it that this is true."""
Test = Callable[..., None]


def clicking(*kinds: str) -> Callable[[Test], Test]:
    """This test clicks rows of all these kinds, and of no other."""

    def note(test: Test) -> Test:
        CLICKED[test.__name__] = set(kinds)
        return test

    return note


@pytest.fixture
def person(
    request: pytest.FixtureRequest, rig: Rig, dunst: Piece, panel: Piece, server: Server, opened: Path, tmp_path: Path
) -> Iterator[Person]:
    person = Person(rig, server, opened, tmp_path)
    shows(rig, IconState.CONNECTED, PATIENCE)
    yield person
    person.app.kill()
    until("the icon was gone", lambda: not icon_places(rig))
    assert person.clicked == CLICKED[request.node.name]


STREAM = StreamStatus(
    "ci", ReadyState.CONNECTING, "refused", is_outage=True, is_soon_back=True, last_heard=1.0, caution="mind", unread=1,
    muted=True, quiet_until=math.inf, kind="build", site="https://ci.example/",
)  # fmt: skip
PLAIN = Status((StreamStatus("ci", ReadyState.OPEN),), autostart=False)
FULL = Status(
    (STREAM, replace(STREAM, name="home", muted=False)),
    recent=tuple(Notification(stream="ci", title=f"{row}", row=row) for row in range(RECENT_LIMIT + 1, 0, -1)),
    unread=1, snoozed_until=math.inf, quiet_until=math.inf, held=1, problem="A mistake", autostart=True, told_at=1.0,
)  # fmt: skip


def test_every_row_that_acts_is_clicked_by_a_test_below() -> None:
    for told in (FULL, STREAM):
        # A field left out here might be the one that brings a row.
        assert [f.name for f in fields(told) if getattr(told, f.name) == f.default] == []
    assert set.union(*CLICKED.values()) == {
        kind for status in (FULL, PLAIN) for kind in (*acting(menu(status)), *defaults(menu(status)))
    }


@clicking("open", "open notification", "inside: open notification", "read", "history")
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
    # The first one becomes the last of several earlier ones: a menu that the panel's tooltips cannot be taken for.
    for n in range(RECENT_LIMIT + 1):
        person.is_told(server, f"More of what happened, number {n}")
    until("all were there", lambda: f"More of what happened, number {RECENT_LIMIT}" in menu_labels(rig))
    person.clicks("Earlier", -1, unread=RECENT_LIMIT + 1)
    until("the first of all was opened", lambda: person.browser()[3:] == ["https://ci.example/1"])


@clicking("left click: open", "left click: history")
def test_a_click_on_the_icon_opens_the_newest_or_the_history(rig: Rig, server: Server, person: Person) -> None:
    person.is_told(server, "One", "https://ci.example/1")
    person.clicks_the_icon(unread=1)
    until("it was opened", lambda: person.browser() == ["https://ci.example/1"])
    until("nothing was unread", lambda: not has_badge(rig))
    for left_or_middle in (1, 2):
        person.clicks_the_icon(button=left_or_middle)
        until("a page was opened", lambda n=left_or_middle: len(person.browser()) == 1 + n)  # type: ignore[misc]
        assert "One" in Path(person.browser()[-1].removeprefix("file://")).read_text()


@clicking("snooze RESUMED", "resume", "inside: mute stream", "inside: unmute stream")
def test_the_person_is_left_in_peace(rig: Rig, server: Server, person: Person) -> None:
    person.clicks("Quiet now")
    shows(rig, IconState.PAUSED)
    person.clicks("Resume notifications", snoozed_until=math.inf)
    shows(rig, IconState.CONNECTED)
    person.clicks(0, "Mute")
    person.is_told(server, "Muted", is_counted=False)
    until("it was recorded", person.history)
    assert rig.bubbles() == 0
    person.clicks(0, "Mute", muted=True)
    until("what was held came", lambda: rig.bubbles() == 1)


@clicking("resume", *(f"inside: snooze {snooze.name}" for snooze in Snooze))
def test_a_snooze_lasts_as_long_as_it_says(rig: Rig, server: Server, person: Person) -> None:
    def promised(snooze: Snooze) -> str:
        end = snooze.command(datetime.now().astimezone()).until
        (label,) = [
            row.label
            for row in menu(Status(snoozed_until=end, told_at=time.time()))
            if isinstance(row, Row) and row.command == Command(Verb.RESUME)
        ]
        return label

    for count, snooze in enumerate(Snooze, 1):
        before = promised(snooze)
        person.clicks("Snooze", snooze.value)
        shows(rig, IconState.PAUSED)
        # A minute may have begun since.
        assert {before, promised(snooze)} & set(menu_labels(rig))
        person.is_told(server, snooze.name, is_counted=False)
        until("it was recorded", lambda count=count: len(person.history()) == count)  # type: ignore[misc]
        assert rig.bubbles() == 0
        person.clicks("Resume notifications", snoozed_until=math.inf)
        shows(rig, IconState.CONNECTED)
        until("what was held came", lambda: rig.bubbles() == 1)
        rig.close_bubbles()


@clicking("edit", "autostart on", "autostart off", "about", "inside: open site stream")
def test_what_the_desktop_does_is_done(rig: Rig, server: Server, person: Person) -> None:
    person.clicks("Edit configuration")
    until("the editor was opened", lambda: person.edited.exists() and person.edited.read_text() == f"{person.config}\n")
    person.clicks("Start at login")
    until("it starts at login", person.autostart.exists)
    assert str(person.config) in person.autostart.read_text()
    person.clicks("Start at login", autostart=True)
    until("it does not", lambda: not person.autostart.exists() or "Hidden=true" in person.autostart.read_text())
    person.clicks("About sse-notifier")
    until("a bubble told about it", lambda: rig.bubbles() == 1)
    rig.screenshot("about")
    person.clicks(0, "Open its site")
    until("the site was opened", lambda: person.browser())
    assert person.browser()[0].startswith(server.base)


@clicking("edit for a problem")
def test_a_problem_leads_to_the_configuration_and_goes_when_that_is_mended(rig: Rig, person: Person) -> None:
    good = person.config.read_text()
    person.config.write_text(good + "nmae = 1\n")
    shows(rig, IconState.ATTENTION, PATIENCE)
    rig.screenshot("problem")
    person.clicks(0, problem="A mistake in the configuration")
    until("the editor was opened", lambda: person.edited.exists() and person.edited.read_text() == f"{person.config}\n")
    person.config.write_text(good)
    shows(rig, IconState.CONNECTED, PATIENCE)
    assert "A mistake in the configuration" not in menu_labels(rig)


@clicking("inside: open site stream")
def test_streams_beyond_the_first_are_in_a_menu_of_their_own(rig: Rig, server: Server, person: Person) -> None:
    stream = '[[streams]]\nurl = "http://{host}:{port}/events"\nname = "s{n}"\n'
    person.config.write_text(
        "".join(
            stream.format(host="localhost" if n == STREAMS_LIMIT + 1 else "127.0.0.1", port=server.port, n=n)
            for n in range(STREAMS_LIMIT + 2)
        )
    )
    until("all were there", lambda: f"s{STREAMS_LIMIT + 1}" in "".join(menu_labels(rig)), PATIENCE)
    person.presses(
        *["Down"] * (STREAMS_LIMIT + 1), "Right",  # onto the row of the others, and onto the first of those
        "Down", "Right",  # onto the last, and into its menu
        "Down", "Down", "Return",
        kind="inside: open site stream",
    )  # fmt: skip
    until("the site was opened", lambda: person.browser() == [f"http://localhost:{server.port}/"])


@clicking("reconnect", "inside: reconnect stream", "inside: copy error stream", "quit")
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
