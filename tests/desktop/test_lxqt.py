"""The tray in another real panel: Qt's code for the same protocols, which KDE's desktop has too."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from notifier.status import Command, Status, Verb
from notifier.tray.face import IconState
from notifier.tray.menu import menu
from tests.desktop.panel import LXQT, click_row, icon_places, menus, open_menu, place, shows
from tests.desktop.rig import Piece, Rig, until
from tests.desktop.trayapp import CONNECTED, OFFLINE, PAUSED, RECENT, SOME_OFFLINE, UNREAD, TrayApp

DOWN_LABEL = "ci — offline: connection refused, retrying"


@pytest.fixture
def app(rig: Rig, lxqt: Piece) -> Iterator[TrayApp]:
    app = TrayApp(rig)
    yield app
    app.kill()
    until("the icon was gone", lambda: not icon_places(rig))


def asked(app: TrayApp) -> list[Command]:
    return [command for command in app.asked() if command.verb is not Verb.LOOK]


def test_rows_of_menu_and_submenu_act(rig: Rig, app: TrayApp) -> None:
    wanted: list[tuple[Status, IconState, list[str], Command]] = [
        (SOME_OFFLINE, IconState.DEGRADED, ["Show history"], Command(Verb.HISTORY)),
        (SOME_OFFLINE, IconState.DEGRADED, ["Start at login"], Command(Verb.AUTOSTART, on=False)),
        (SOME_OFFLINE, IconState.DEGRADED, [DOWN_LABEL, "Mute"], Command(Verb.MUTE, stream="ci")),
        (PAUSED, IconState.PAUSED, ["Resume notifications"], Command(Verb.RESUME)),
    ]
    for status, state, path, command in wanted:
        app.says(status)
        at = shows(rig, state)
        before = asked(app)
        click_row(rig, open_menu(rig, at, panel=LXQT, entries=menu(status)), menu(status), *path, panel=LXQT)
        until(f"{path} was asked for", lambda before=before: len(asked(app)) > len(before))  # type: ignore[misc]
        assert asked(app) == [*before, command]
        until("the menu was closed", lambda: not menus(rig, LXQT))
    assert app.errors() == ""


def test_a_left_click_does_the_most_useful_thing(rig: Rig, app: TrayApp) -> None:
    app.says(UNREAD)
    rig.click(*shows(rig, IconState.CONNECTED))
    until("the newest was opened", lambda: asked(app) == [Command(Verb.OPEN)])


def test_an_open_menu_changes_in_place(rig: Rig, app: TrayApp) -> None:
    app.says(UNREAD)
    window = open_menu(rig, shows(rig, IconState.CONNECTED), panel=LXQT, entries=menu(UNREAD))
    rig.screenshot("menu-lxqt")
    app.says(replace(PAUSED, recent=(replace(RECENT[0], title="Another one"), *RECENT[:2])))
    shows(rig, IconState.PAUSED)
    assert [found.id for found in menus(rig, LXQT)] == [window.id], "it is still open"
    rig.click(*place(menus(rig, LXQT)[0], menu(PAUSED), "Resume notifications", LXQT))
    until("the new row acted", lambda: asked(app) == [Command(Verb.RESUME)])


def test_the_icon_comes_back_with_the_panel_and_goes_with_quit(rig: Rig, lxqt: Piece, app: TrayApp) -> None:
    app.says(CONNECTED)
    shows(rig, IconState.CONNECTED)
    for state, status in {IconState.PAUSED: PAUSED, IconState.OFFLINE: OFFLINE}.items():
        lxqt.kill()
        app.says(status)
        lxqt.start()
        at = shows(rig, state)
    click_row(rig, open_menu(rig, at, panel=LXQT, entries=menu(OFFLINE)), menu(OFFLINE), "Quit", panel=LXQT)
    until("it ended", lambda: app.process.poll() is not None)
    assert (app.process.returncode, asked(app), app.errors()) == (0, [Command(Verb.QUIT)], "")
