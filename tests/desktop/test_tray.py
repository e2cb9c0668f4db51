"""The tray in a real panel: seen on the screen, clicked with a real pointer."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from notifier.status import Command, Status, Verb
from notifier.tray.face import IconState
from notifier.tray.menu import menu
from tests.desktop.panel import click_row, close_menu, icon_places, menus, open_menu, place, shows
from tests.desktop.rig import Piece, Rig, until
from tests.desktop.trayapp import CONNECTED, OFFLINE, PAUSED, SOME_OFFLINE, UNREAD, TrayApp

"""Each of these waits a dozen times for a panel that may have little of the processor."""

DOWN_LABEL = "ci — offline: connection refused, retrying"
FULL = replace(SOME_OFFLINE, unread=3)


@pytest.fixture
def app(rig: Rig, panel: Piece) -> Iterator[TrayApp]:
    app = TrayApp(rig)
    yield app
    app.kill()
    until("the icon was gone", lambda: not icon_places(rig))


def asked(app: TrayApp) -> list[Command]:
    """What it was asked for, apart from the newest status."""
    return [command for command in app.asked() if command.verb is not Verb.LOOK]


def test_the_icon_shows_each_state(rig: Rig, app: TrayApp) -> None:
    shows(rig, IconState.CONNECTING)
    states = {
        IconState.CONNECTED: CONNECTED,
        IconState.DEGRADED: SOME_OFFLINE,
        IconState.OFFLINE: OFFLINE,
        IconState.PAUSED: PAUSED,
        IconState.ATTENTION: replace(UNREAD, problem="A mistake in the configuration"),
    }
    for state, status in states.items():
        app.says(status)
        shows(rig, state)
    assert app.errors() == ""


ROWS: list[tuple[Status, list[str], Command]] = [
    (FULL, ["Open the newest of 3 unread"], Command(Verb.OPEN)),
    (FULL, ["The door & the window are open — home_assistant"], Command(Verb.OPEN, row=2)),
    (FULL, ["Mark all read"], Command(Verb.READ)),
    (FULL, ["Quiet now"], Command(Verb.SNOOZE, until=math.inf)),
    (FULL, ["Snooze", "Until I resume"], Command(Verb.SNOOZE, until=math.inf)),
    (PAUSED, ["Resume notifications"], Command(Verb.RESUME)),
    (FULL, ["Reconnect now"], Command(Verb.RECONNECT)),
    (FULL, ["Show history"], Command(Verb.HISTORY)),
    (FULL, ["Edit configuration"], Command(Verb.EDIT)),
    (FULL, ["Start at login"], Command(Verb.AUTOSTART, on=False)),
    (FULL, ["About sse-notifier"], Command(Verb.ABOUT)),
    (FULL, [DOWN_LABEL, "Mute"], Command(Verb.MUTE, stream="ci")),
    (FULL, [DOWN_LABEL, "Reconnect now"], Command(Verb.RECONNECT, stream="ci")),
    (FULL, [DOWN_LABEL, "Open its site"], Command(Verb.OPEN_SITE, stream="ci")),
    (FULL, [DOWN_LABEL, "Copy the last error"], Command(Verb.COPY_ERROR, stream="ci")),
]


def test_each_row_that_is_clicked_asks_for_what_it_says(rig: Rig, app: TrayApp) -> None:
    for status, path, command in ROWS:
        app.says(status)
        at = shows(rig, IconState.PAUSED if status is PAUSED else IconState.DEGRADED)
        before = asked(app)
        click_row(rig, open_menu(rig, at, entries=menu(status)), menu(status), *path)
        until(f"{path} was asked for", lambda before=before: len(asked(app)) > len(before))  # type: ignore[misc]
        assert asked(app) == [*before, command]
        until("the menu was closed", lambda: not menus(rig))


def test_the_menu_is_reached_from_the_keyboard(rig: Rig, app: TrayApp) -> None:
    app.says(FULL)
    open_menu(rig, shows(rig, IconState.DEGRADED), entries=menu(FULL))
    # Into the first stream's menu, past its reason, and onto "Mute".
    for key in ("Down", "Right", "Return"):
        rig.run("xdotool", "key", key)
    until("it was asked for", lambda: asked(app) == [Command(Verb.MUTE, stream="ci")])


def test_a_left_click_opens_the_newest_unread_or_the_history(rig: Rig, app: TrayApp) -> None:
    app.says(UNREAD)
    at = shows(rig, IconState.CONNECTED)
    rig.click(*at)
    until("the newest was opened", lambda: asked(app) == [Command(Verb.OPEN)])
    app.says(replace(CONNECTED, snoozed_until=math.inf))
    rig.click(*shows(rig, IconState.PAUSED))
    until("the history was opened", lambda: asked(app)[1:] == [Command(Verb.HISTORY)])
    assert not menus(rig)


def test_an_open_menu_changes_in_place(rig: Rig, app: TrayApp) -> None:
    app.says(UNREAD)
    window = open_menu(rig, shows(rig, IconState.CONNECTED), entries=menu(UNREAD))
    rig.run("xdotool", "mousemove", *map(str, place(window, menu(UNREAD), "Quiet now")))
    rig.screenshot("menu")
    app.says(PAUSED)
    shows(rig, IconState.PAUSED)
    assert [menu.id for menu in menus(rig)] == [window.id], "it is still open"
    rig.screenshot("menu-changed")
    rig.click(*place(menus(rig)[0], menu(PAUSED), "Resume notifications"))
    until("the new row acted", lambda: asked(app) == [Command(Verb.RESUME)])


def test_the_icon_comes_back_with_the_panel(rig: Rig, panel: Piece, app: TrayApp) -> None:
    app.says(CONNECTED)
    shows(rig, IconState.CONNECTED)
    for state, status in {IconState.PAUSED: PAUSED, IconState.OFFLINE: OFFLINE}.items():
        panel.kill()
        app.says(status)
        panel.start()
        at = shows(rig, state)
    click_row(rig, open_menu(rig, at, entries=menu(OFFLINE)), menu(OFFLINE), "Reconnect now")
    until("the menu acted", lambda: asked(app) == [Command(Verb.RECONNECT)])


def test_quit_ends_the_program_and_the_icon_goes(rig: Rig, app: TrayApp) -> None:
    app.says(CONNECTED)
    click_row(rig, open_menu(rig, shows(rig, IconState.CONNECTED), entries=menu(CONNECTED)), menu(CONNECTED), "Quit")
    until("it ended", lambda: app.process.poll() is not None)
    assert (app.process.returncode, asked(app), app.errors()) == (0, [Command(Verb.QUIT)], "")
    until("the icon was gone", lambda: not icon_places(rig))


def test_a_menu_may_be_left_without_a_choice(rig: Rig, app: TrayApp) -> None:
    app.says(CONNECTED)
    open_menu(rig, shows(rig, IconState.CONNECTED))
    close_menu(rig)
    assert asked(app) == []
