"""The tray on Windows: pystray's backend for it, on a stand-in for the functions of Windows."""

import math
import threading
from collections.abc import Callable, Iterator

import pytest

from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.tray import Tray
from tests.desktop.rig import until
from tests.notifier.tray.windows import Windows, windows

CI, HOME = StreamStatus("ci", ReadyState.OPEN), StreamStatus("R&D", ReadyState.OPEN)

TWO = "sse-notifier: 2 of 2 streams connected"


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[Windows]:
    with windows(monkeypatch) as system:
        yield system


@pytest.fixture
def asked() -> list[Command]:
    """What the person asked for."""
    return []


@pytest.fixture
def tray(
    system: Windows, background: Callable[[Callable[[], None]], threading.Thread], asked: list[Command]
) -> Iterator[Tray]:
    tray = Tray(asked.append, platform="win32")
    thread = background(tray.run)
    yield tray
    if system.tracked is not None:
        system.choose("")
    tray.stop()
    thread.join(8)
    assert not thread.is_alive()
    assert system.menus == {}


def is_drawn(system: Windows, tray: Tray, status: Status, tip: str) -> None:
    """Show this, and wait until the icon says so: that is told after the menu."""
    tray.update(status)
    until("it was drawn", lambda: tip in system.tips[-1:])


def test_a_menu_that_is_open_outlives_a_change_and_its_rows_do_what_they_say(
    system: Windows, tray: Tray, asked: list[Command]
) -> None:
    is_drawn(system, tray, Status((CI,)), "sse-notifier: connected")
    system.right_click()
    assert system.rows()[0] == "ci — connected"
    is_drawn(system, tray, Status((HOME, CI)), TWO)
    assert not system.broken
    system.choose("Quiet now")
    until("it was asked for", lambda: asked == [Command(Verb.SNOOZE, until=math.inf)])
    assert not system.broken
    system.right_click()
    assert system.rows()[:2] == ["R&&D — connected", "ci — connected"]
    system.choose("")
    assert len(asked) == 1


def test_a_second_right_click_harms_no_menu(system: Windows, tray: Tray, asked: list[Command]) -> None:
    is_drawn(system, tray, Status((CI,)), "sse-notifier: connected")
    system.right_click()
    is_drawn(system, tray, Status((HOME, CI)), TWO)
    system.right_click_beside_the_open_menu()
    system.choose("Quiet now")
    assert not system.broken
    until("it was asked for", lambda: asked == [Command(Verb.SNOOZE, until=math.inf)])


def test_quit_ends_the_tray(system: Windows, tray: Tray, asked: list[Command]) -> None:
    is_drawn(system, tray, Status((CI,)), "sse-notifier: connected")
    system.right_click()
    system.choose("Quit")
    until("it was asked for", lambda: asked == [Command(Verb.QUIT)])


def test_it_ends_though_nobody_opened_the_menu(system: Windows, tray: Tray, caplog: pytest.LogCaptureFixture) -> None:
    is_drawn(system, tray, Status((CI,)), "sse-notifier: connected")
    tray.stop()
    assert caplog.text == ""
