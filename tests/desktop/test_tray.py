"""The tray in a real panel: seen on the screen, clicked with a real pointer."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.tray.menu import IconState
from tests.desktop.panel import PAUSE, QUIT, RECONNECT, close_menu, icon_places, menus, open_menu, place, shows
from tests.desktop.rig import Piece, Rig, until

pytestmark = pytest.mark.timeout(60)
"""Each of these waits a dozen times for a panel that may have little of the processor."""

PROGRAM = '''
"""Statuses by name on standard input, commands on standard output."""
import math
import sys
import threading

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Status, StreamStatus
from notifier.tray.tray import Tray

OPEN, CONNECTING = ReadyState.OPEN, ReadyState.CONNECTING
LAST = Notification(stream="ci", title="Build #512 of main_branch failed", link="https://ci.example/512")
STATUSES = {
    "connecting": Status((StreamStatus("ci", CONNECTING),)),
    "connected": Status((StreamStatus("ci", OPEN), StreamStatus("home_assistant", OPEN)), recent=(LAST,)),
    "offline": Status(
        (StreamStatus("ci", CONNECTING, "connection refused", is_outage=True),), recent=(LAST,)
    ),
    "some streams offline": Status(
        (StreamStatus("ci", CONNECTING, "connection refused", is_outage=True), StreamStatus("home_assistant", OPEN)),
        recent=(LAST,),
    ),
    "paused": Status(
        (StreamStatus("ci", OPEN), StreamStatus("home_assistant", OPEN)), snoozed_until=math.inf, recent=(LAST,)
    ),
}
tray = Tray(lambda command: print(command.verb, flush=True))


def read():
    for line in sys.stdin:
        tray.update(STATUSES[line.strip()])


threading.Thread(target=read, daemon=True).start()
tray.run()
print("ended", flush=True)
'''


class App:
    """The program under test, in a process of its own."""

    def __init__(self, rig: Rig) -> None:
        self._output, self._errors = rig.home / "tray.out", rig.home / "tray.err"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", PROGRAM],
                env=rig.environ,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                text=True,
            )

    def says(self, status: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(status + "\n")
        self.process.stdin.flush()

    def commands(self) -> list[str]:
        return self._output.read_text().split()

    def errors(self) -> str:
        return self._errors.read_text()


@pytest.fixture
def app(rig: Rig, panel: Piece) -> Iterator[App]:
    app = App(rig)
    yield app
    app.process.kill()
    app.process.communicate()
    until("the icon was gone", lambda: not icon_places(rig))


def test_the_icon_shows_the_state_and_its_menu_acts(rig: Rig, app: App) -> None:
    shows(rig, IconState.CONNECTING)
    app.says("connected")
    at = shows(rig, IconState.CONNECTED)
    menu = open_menu(rig, at)
    rig.run("xdotool", "mousemove", *map(str, place(menu, PAUSE)))
    rig.screenshot("menu")
    rig.click(*place(menu, PAUSE))
    until("it was asked for", lambda: app.commands() == ["snooze"])
    app.says("paused")
    shows(rig, IconState.PAUSED)
    rig.click(*place(open_menu(rig, at), PAUSE))
    until("it was asked for", lambda: app.commands() == ["snooze", "resume"])
    app.says("offline")
    shows(rig, IconState.OFFLINE)
    rig.click(*place(open_menu(rig, at), RECONNECT))
    until("it was asked for", lambda: app.commands() == ["snooze", "resume", "reconnect"])
    assert app.errors() == ""


def test_a_left_click_opens_the_menu_or_the_last_notification(rig: Rig, app: App) -> None:
    at = shows(rig, IconState.CONNECTING)
    open_menu(rig, at, button=1)
    close_menu(rig)
    app.says("connected")
    shows(rig, IconState.CONNECTED)
    rig.click(*at)
    until("the notification was opened", lambda: app.commands() == ["open"])
    assert not menus(rig)


def test_an_open_menu_changes_in_place(rig: Rig, app: App) -> None:
    app.says("connected")
    menu = open_menu(rig, shows(rig, IconState.CONNECTED))
    rig.run("xdotool", "mousemove", *map(str, place(menu, PAUSE)))
    app.says("paused")
    shows(rig, IconState.PAUSED)
    assert menus(rig) == [menu], "it is still open"
    rig.screenshot("menu-changed")
    rig.click(*place(menu, PAUSE))
    until("the new row acted", lambda: app.commands() == ["resume"])


def test_the_icon_comes_back_with_the_panel(rig: Rig, panel: Piece, app: App) -> None:
    app.says("connected")
    shows(rig, IconState.CONNECTED)
    for state in (IconState.PAUSED, IconState.OFFLINE):
        panel.kill()
        app.says(state.value)
        panel.start()
        at = shows(rig, state)
    rig.click(*place(open_menu(rig, at), RECONNECT))
    until("the menu acted", lambda: app.commands() == ["reconnect"])


def test_quit_ends_the_program_and_the_icon_goes(rig: Rig, app: App) -> None:
    app.says("connected")
    rig.click(*place(open_menu(rig, shows(rig, IconState.CONNECTED)), QUIT))
    until("it ended", lambda: app.process.poll() is not None)
    assert (app.process.returncode, app.commands(), app.errors()) == (0, ["quit", "ended"], "")
    until("the icon was gone", lambda: not icon_places(rig))
