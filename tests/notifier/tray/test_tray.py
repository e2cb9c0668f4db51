"""The tray as the program uses it: statuses in, commands out, on a private bus with a host of our own."""

import asyncio
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from notifier.appearance import Appearance
from notifier.errors import TrayUnavailable
from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from notifier.tray.face import IconState
from notifier.tray.icon import COLOURS, LIGHT
from notifier.tray.menu import Snooze, menu
from notifier.tray.tray import REDRAW_INTERVAL, Tray
from tests.desktop.rig import Rig, eventually, until
from tests.notifier.tray.host import ITEM, MENU, Host, host, walk
from tests.notifier.tray.test_menu import walk as walk_menu

Background = Callable[[Callable[[], None]], threading.Thread]
MakeTray = Callable[..., Tray]
CI = StreamStatus("ci", ReadyState.OPEN)
BUILD = Notification(stream="ci", title="_x_", link="https://a.example/", row=1)


@pytest.fixture
def asked() -> list[Command]:
    """What the person asked for."""
    return []


@pytest.fixture
def tray(bus: Rig, background: Background, asked: list[Command]) -> Iterator[Tray]:
    tray = Tray(asked.append)
    background(tray.run)
    yield tray
    tray.stop()


def address(bus: Rig) -> str:
    return bus.environ["DBUS_SESSION_BUS_ADDRESS"]


async def is_titled(panel: Host, title: str) -> None:
    """Wait for the item's title, which is drawn after the menu."""
    while (await panel.properties())["Title"] != title:
        await asyncio.sleep(0.01)


async def is_drawn(panel: Host, tray: Tray, status: Status) -> None:
    """Have another icon shown, and wait for it: it is drawn last, after menu and title."""
    panel.signals.clear()
    tray.update(status)
    await eventually("the icon was told", lambda: "NewIcon" in panel.signals)
    panel.signals.clear()


async def test_a_status_is_shown_and_a_click_is_a_command(bus: Rig, tray: Tray, asked: list[Command]) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        tray.update(Status((CI,)))
        await panel.sees("the stream was there", lambda: panel.labels()[:1] == ["ci — connected"])
        await is_titled(panel, "sse-notifier: connected")
        await panel.click("Quiet now")
        await eventually("it was asked for", lambda: asked == [Command(Verb.SNOOZE, until=math.inf)])
        tray.update(Status((CI,), snoozed_until=math.inf))
        await panel.sees("it could be resumed", lambda: "Resume notifications" in panel.labels())
        await is_titled(panel, "sse-notifier: notifications are paused")
        await panel.check()


async def test_every_row_that_can_be_clicked_asks_for_what_it_says(bus: Rig, tray: Tray, asked: list[Command]) -> None:
    streams = (CI, StreamStatus("home", ReadyState.CLOSED, "401", site="https://home.example/"))
    status = Status(streams, recent=(BUILD,), unread=1, autostart=False, problem="A mistake", told_at=time.time())
    before = time.time()
    async with host(address(bus)) as panel:
        await panel.take_item()
        tray.update(status)
        await panel.sees("the menu was there", lambda: "ci — connected" in panel.labels())
        await panel.check()
        rows = [row for row in walk(panel.root) if "enabled" not in row.properties and not row.children]
        for row in rows:
            if row.label not in ("----", "Quit"):
                count = len(asked)
                await panel.event(row.id)
                await eventually("it was asked for", lambda count=count: len(asked) > count)  # type: ignore[misc]
    expected = [each for each in walk_menu(menu(status)) if each.command and each.enabled and each.label != "Quit"]
    for command, entry in zip(asked, expected, strict=True):
        if isinstance(entry.command, Snooze):
            assert command.verb is Verb.SNOOZE
            assert command.until is not None
            assert command.until >= before + 15 * 60
        else:
            assert command == entry.command
    assert {command.verb for command in asked} == set(Verb) - {Verb.QUIT, Verb.RESUME, Verb.UNMUTE, Verb.LOOK}


async def test_a_host_that_is_about_to_show_the_menu_has_the_status_told_anew(
    bus: Rig, tray: Tray, asked: list[Command]
) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        await panel.call(MENU, "AboutToShow", "i", [0])
        await eventually("it was asked for", lambda: asked == [Command(Verb.LOOK)])


async def test_a_left_click_opens_the_newest_unread_or_else_the_history(
    bus: Rig, tray: Tray, asked: list[Command]
) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        tray.update(Status((CI,), recent=(BUILD,), unread=1))
        await panel.sees("its row was there", lambda: "__x__" in panel.labels())
        await panel.call(ITEM, "Activate", "ii", [0, 0])
        await eventually("it was asked for", lambda: asked == [Command(Verb.OPEN)])
        tray.update(Status((CI,), recent=(BUILD,)))
        await panel.sees("nothing was unread", lambda: "Nothing is unread" in panel.labels())
        await panel.call(ITEM, "Activate", "ii", [0, 0])
        await panel.call(ITEM, "SecondaryActivate", "ii", [0, 0])
        await eventually("it was asked for", lambda: asked[1:] == [Command(Verb.HISTORY)] * 2)


async def test_what_a_click_opens_may_come_to_the_front(bus: Rig, tray: Tray, asked: list[Command]) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        await panel.sees("the menu was there", lambda: "Show history" in panel.labels())
        await panel.call(ITEM, "ProvideXdgActivationToken", "s", ["click 7"])
        await panel.call(ITEM, "Activate", "ii", [0, 0])
        await eventually("it was asked for", lambda: len(asked) == 1)
        await panel.click("Show history")
        await eventually("it was asked for again", lambda: len(asked) == 2)
    assert asked == [Command(Verb.HISTORY, token="click 7"), Command(Verb.HISTORY)]


async def test_what_needs_attention_asks_for_it_and_what_is_unread_is_counted(bus: Rig, tray: Tray) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        await is_drawn(panel, tray, Status((CI,)))
        plain = (await panel.properties())["IconPixmap"]
        tray.update(Status((CI,), unread=3))
        await eventually("it was counted", lambda: "NewIcon" in panel.signals)
        assert (await panel.properties())["IconPixmap"] != plain
        tray.update(Status((CI,), problem="A mistake"))
        await eventually("it was told", lambda: "NewStatus" in panel.signals)
        assert (await panel.properties())["Status"] == "NeedsAttention"


async def test_a_status_that_looks_the_same_is_not_told(bus: Rig, tray: Tray) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        await is_drawn(panel, tray, Status((CI,), told_at=1.0))
        tray.update(Status((CI,), told_at=2.0))
        tray.update(Status((CI,), told_at=3.0))
        await asyncio.to_thread(time.sleep, 3 * REDRAW_INTERVAL)  # an absence can only be waited for
        tray.update(Status((CI,), told_at=4.0, unread=1))
        await eventually("the icon was told", lambda: "NewIcon" in panel.signals)
        assert panel.signals.count("NewIcon") == 1
        assert "LayoutUpdated" not in panel.signals


async def test_it_wears_what_it_is_told_and_the_bell_where_there_is_no_picture(
    bus: Rig, tray: Tray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def inks() -> set[bytes]:
        """The colours of the icon's full pixels."""
        pixmaps = (await panel.properties())["IconPixmap"]
        return {data[i : i + 4] for _, _, data in pixmaps for i in range(0, len(data), 4) if data[i] == 255}

    picture = tmp_path / "own.png"
    Image.new("RGB", (40, 40), "#336699").save(picture)
    bell = {bytes.fromhex("ff" + colour[1:]) for colour in (LIGHT, COLOURS[IconState.CONNECTED])}
    async with host(address(bus)) as panel:
        await panel.take_item()
        await is_drawn(panel, tray, Status((CI,)))
        for appearance, colour in (
            (Appearance(style="mono-light"), LIGHT),
            (Appearance(), COLOURS[IconState.CONNECTED]),
            (Appearance(icon=str(picture)), "#336699"),
            (Appearance(icon=str(tmp_path / "missing.png")), COLOURS[IconState.CONNECTED]),
        ):
            panel.signals.clear()
            tray.dress(appearance)
            await eventually("it was told", lambda: "NewIcon" in panel.signals)
            worn = await inks()
            assert bytes.fromhex("ff" + colour[1:]) in worn
            assert worn & bell if colour != "#336699" else not worn & bell
    assert "missing.png cannot be read" in caplog.text


async def test_a_burst_of_statuses_is_drawn_a_few_times(bus: Rig, tray: Tray) -> None:
    async with host(address(bus)) as panel:
        await panel.take_item()
        await panel.sees("the first menu was there", lambda: panel.root.children)
        panel.signals.clear()
        start = time.monotonic()
        for n in range(1_000):
            tray.update(Status((StreamStatus(f"ci {n}", ReadyState.OPEN),)))
            if n % 5 == 0:
                await asyncio.sleep(0)  # the panel takes part
        tray.update(Status((StreamStatus("last", ReadyState.OPEN),)))
        await panel.sees("the last was shown", lambda: panel.root.children[0].label == "last — connected")
        assert panel.signals.count("ItemsPropertiesUpdated") <= (time.monotonic() - start) / REDRAW_INTERVAL + 2
        await panel.check()


async def test_quit_is_asked_for_and_ends_the_tray(bus: Rig, background: Background, asked: list[Command]) -> None:
    tray = Tray(asked.append)
    thread = background(tray.run)
    async with host(address(bus)) as panel:
        await panel.take_item()
        await panel.sees("the menu was there", lambda: panel.root.children)
        await panel.click("Quit")
        await eventually("the tray ended", lambda: not thread.is_alive())
    assert asked == [Command(Verb.QUIT)]


async def test_quit_ends_the_tray_even_if_nobody_obeys_any_more(
    bus: Rig, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    def obey(command: Command) -> None:
        raise RuntimeError(command.verb)

    tray = Tray(obey)
    thread = background(tray.run)
    async with host(address(bus)) as panel:
        await panel.take_item()
        await panel.sees("the menu was there", lambda: panel.root.children)
        await panel.click("Quit")
        await eventually("the tray ended", lambda: not thread.is_alive())
    assert "a menu callback failed" in caplog.text


async def test_without_a_host_it_says_so_once_and_appears_when_one_comes(bus: Rig, background: Background) -> None:
    missing: list[TrayUnavailable] = []
    tray = Tray(print, missing=missing.append)
    background(tray.run)
    try:
        await eventually("it was told", lambda: missing)
        assert "AppIndicator" in str(missing[0])
        for _ in range(2):
            async with host(address(bus)) as panel:
                await panel.take_item()
                await panel.sees("the menu was there", lambda: panel.root.children)
        assert len(missing) == 1
    finally:
        await asyncio.to_thread(tray.stop)


async def test_a_bus_that_comes_later_gets_the_icon(bus: Rig, background: Background) -> None:
    await asyncio.to_thread(bus.bus.kill)
    missing: list[TrayUnavailable] = []
    tray = Tray(print, missing=missing.append)
    background(tray.run)
    try:
        tray.update(Status((CI,)))
        await eventually("it was told", lambda: missing)
        assert "dbus-run-session" in str(missing[0])
        await asyncio.to_thread(bus.bus.start)
        async with host(address(bus)) as panel:
            await panel.take_item()
            await panel.sees("the stream was there", lambda: panel.labels()[:1] == ["ci — connected"])
        # The icon may have been on the bus before the host was, which is told too.
        assert sum("dbus-run-session" in str(each) for each in missing) == 1
    finally:
        await asyncio.to_thread(tray.stop)


@pytest.mark.parametrize("name", ["unix:path=/nowhere/bus", "nonsense"])
def test_without_a_bus_it_ends_when_it_is_told_to(
    name: str, monkeypatch: pytest.MonkeyPatch, background: Background
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", name)
    missing: list[TrayUnavailable] = []
    tray = Tray(print, missing=missing.append)
    thread = background(tray.run)
    until("it was told", lambda: missing)
    tray.update(Status((CI,)))
    tray.stop()
    thread.join(8)
    assert not thread.is_alive()
    assert len(missing) == 1


async def test_a_panel_that_goes_is_told_of_in_the_log(
    bus: Rig, background: Background, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "notifier.tray")
    tray = Tray(print)
    background(tray.run)
    try:
        async with host(address(bus)) as panel:
            await panel.take_item()
        await eventually("it was told", lambda: "nothing shows the tray icon any more" in caplog.text)
    finally:
        await asyncio.to_thread(tray.stop)


def test_a_tray_that_was_stopped_first_does_not_run(bus: Rig) -> None:
    tray = Tray(print)
    tray.stop()
    tray.run()


def test_it_may_be_stopped_at_any_moment_of_its_start(bus: Rig, background: Background) -> None:
    for _ in range(20):
        tray = Tray(print, missing=lambda _: None)
        thread = background(tray.run)
        threading.Thread(target=tray.stop).start()
        thread.join(8)
        assert not thread.is_alive()


def test_it_ends_on_its_first_host_news(bus: Rig) -> None:
    trays: list[Tray] = []
    trays.append(Tray(print, missing=lambda _: trays[0].stop()))
    trays[0].run()


PROGRAM = """
import signal, sys
from notifier.tray.tray import REDRAW_INTERVAL, Tray

tray = Tray(print, missing=lambda _: print("ready", flush=True))
signal.signal(signal.SIGTERM, lambda *_: tray.stop())
try:
    tray.run()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_the_program_at_once(bus: Rig, number: signal.Signals, code: int) -> None:
    program = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"},  # it reports slowness
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(number)
        _, errors = program.communicate(timeout=8)
    assert (program.returncode, errors) == (code, "")
