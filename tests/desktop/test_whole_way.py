"""The whole way: curl's POST to the real server, through the real app, to a real bubble and a real tray icon."""

import json
import math
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.face import IconState
from notifier.tray.menu import menu
from tests.desktop.child import PATIENCE, Child, Server
from tests.desktop.panel import click_row, close_menu, icon_places, open_menu, shows
from tests.desktop.rig import Piece, Rig, eventually, notify_call, until

NOTIFY = "interface='org.freedesktop.Notifications',type='method_call',member='Notify'"
STREAM = StreamStatus("…", ReadyState.OPEN)
ROWS = menu(Status((STREAM,)))
TWO = tuple(Notification(stream="…", title="…", row=row) for row in (2, 1))
PAUSED = menu(Status((STREAM,), recent=TWO, snoozed_until=math.inf))


@pytest.fixture
def app(rig: Rig, dunst: Piece, panel: Piece, server: Server, opened: Path, tmp_path: Path) -> Iterator[Child]:
    environ = {"BROWSER": f"{rig.home}/browser", "XDG_STATE_HOME": str(tmp_path)}
    app = Child(rig, "notifier", "run", f"{server.base}/events", **environ)
    yield app
    app.kill()
    until("the icon was gone", lambda: not icon_places(rig))


async def test_a_post_becomes_a_bubble_and_a_click_opens_its_link(
    rig: Rig, server: Server, app: Child, opened: Path
) -> None:
    at = shows(rig, IconState.CONNECTED, PATIENCE)
    async with rig.monitor(NOTIFY) as seen:
        link = "https://ci.example/builds/412"
        server.publish(
            title="Build 412 failed", body="2 tests failed in test_checkout.py", urgency="critical", link=link
        )
        await eventually("the bubble was asked for", lambda: len(seen) == 1)
    call = notify_call(seen[0])
    assert (call.title, call.body) == ("Build 412 failed", "2 tests failed in test_checkout.py")
    assert (call.hints["urgency"].signature, call.hints["urgency"].value) == ("y", 2)
    until("the bubble was there", lambda: rig.bubbles() == 1)
    open_menu(rig, at)
    rig.screenshot("desktop")
    close_menu(rig)
    rig.click_bubble()
    until("the link was opened", lambda: opened.read_text() == f"{link}\n")
    assert not set(app.errors.lower().split()) & {"warning", "error", "traceback"}, app.errors


def test_pausing_in_the_menu_holds_bubbles_until_resume(rig: Rig, server: Server, app: Child) -> None:
    at = shows(rig, IconState.CONNECTED, PATIENCE)
    click_row(rig, open_menu(rig, at, entries=ROWS), ROWS, "Quiet now")
    shows(rig, IconState.PAUSED)
    server.publish(title="One")
    server.publish(title="Two")
    assert rig.bubbles() == 0
    click_row(rig, open_menu(rig, at, entries=PAUSED), PAUSED, "Resume notifications")
    until("both bubbles were shown", lambda: rig.bubbles() == 2)
    shows(rig, IconState.CONNECTED)


def test_a_killed_server_is_offline_and_what_was_missed_comes_when_it_is_back(
    rig: Rig, server: Server, app: Child
) -> None:
    shows(rig, IconState.CONNECTED, PATIENCE)
    server.publish(title="Before")
    until("the first bubble was there", lambda: rig.bubbles() == 1)
    server.kill()
    shows(rig, IconState.OFFLINE, PATIENCE)
    # While the app is stopped it cannot reconnect: what is published now is missed for certain.
    app.process.send_signal(signal.SIGSTOP)
    back = Server(rig, server.port)
    try:
        back.publish(title="Missed")
        app.process.send_signal(signal.SIGCONT)
        shows(rig, IconState.CONNECTED, PATIENCE)
        until("the missed event was shown", lambda: "Missed" in displayed(rig).splitlines(), PATIENCE)
    finally:
        back.kill()


def displayed(rig: Rig) -> str:
    """The titles of all bubbles so far; dunst tells them of those that it closed."""
    rig.close_bubbles()
    history = json.loads(rig.run("dunstctl", "history"))
    return "\n".join(entry["summary"]["data"] for entry in history["data"][0])


def test_quitting_from_the_menu_ends_everything_with_exit_code_0(rig: Rig, server: Server, app: Child) -> None:
    at = shows(rig, IconState.CONNECTED, PATIENCE)
    click_row(rig, open_menu(rig, at, entries=ROWS), ROWS, "Quit")
    until("the app ended", app.ended, PATIENCE)
    assert (app.process.returncode, app.left_behind()) == (0, [])
    assert "Traceback" not in app.errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_with_exit_code_0(rig: Rig, app: Child, number: signal.Signals) -> None:
    shows(rig, IconState.CONNECTED, PATIENCE)
    app.process.send_signal(number)
    until("the app ended", app.ended, PATIENCE)
    assert (app.process.returncode, app.left_behind()) == (0, [])
    assert "Traceback" not in app.errors


def test_a_frozen_daemon_stops_no_stream(rig: Rig, dunst: Piece, server: Server, app: Child) -> None:
    shows(rig, IconState.CONNECTED, PATIENCE)
    dunst.freeze()
    server.publish(title="Into the void")
    until("its loss was noticed", lambda: "a bubble was not shown" in app.errors, PATIENCE)
    dunst.thaw()
    server.publish(title="Back again")
    until("the next one was shown", lambda: "Back again" in displayed(rig), PATIENCE)
