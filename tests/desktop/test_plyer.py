"""plyer, kept where it can do no harm: on the real desktop through notify-send."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from notifier.desktop.plyer import PlyerDesktop, text_for
from notifier.errors import BubbleFailed
from notifier.notification import Notification
from tests.desktop.notifications import BUILD, plain
from tests.desktop.rig import NOTIFICATIONS, NotifyCall, Piece, Rig, eventually, notify_call
from tests.needs import needs

NOTIFY = f"type='method_call',interface='{NOTIFICATIONS}',member='Notify'"


@asynccontextmanager
async def plyer_on(rig: Rig, deadline: float = 8.0) -> AsyncIterator[PlyerDesktop]:
    needs("libnotify-bin", "notify-send")
    desktop = PlyerDesktop(rig.environ, deadline=deadline)
    try:
        yield desktop
    finally:
        await desktop.close()


async def said(rig: Rig, desktop: PlyerDesktop, notification: Notification) -> NotifyCall:
    async with rig.monitor(NOTIFY) as seen:
        await desktop.show(notification)
        await eventually("the call was seen", lambda: seen)
    return notify_call(seen[0])


@pytest.mark.parametrize(
    ("notification", "title", "body"),
    [
        (BUILD, BUILD.title, BUILD.body),
        (plain("No body"), "No body", ""),
        (plain("-u critical", "-t 1"), " -u critical", " -t 1"),
        (plain("--help", "--version"), " --help", " --version"),
        (plain(r"C:\new <b>", r"C:\new\table \\ <b>not bold</b> &amp;"), r"C:\new <b>", None),
        (plain("עברית 한국어 🚀", "e\u0301 ü"), "עברית 한국어 🚀", "e\u0301 ü"),
    ],
)
async def test_text_arrives_unharmed(
    rig: Rig, dunst: Piece, notification: Notification, title: str, body: str | None
) -> None:
    async with plyer_on(rig) as desktop:
        call = await said(rig, desktop, notification)
    assert call.title == title
    assert call.body == (r"C:\new\table \\ &lt;b&gt;not bold&lt;/b&gt; &amp;amp;" if body is None else body)
    assert call.app_name == "sse-notifier"


async def test_a_locale_of_another_encoding_does_not_lose_characters(tmp_path: Path) -> None:
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s %s" "$LC_ALL" "$1" >"{tmp_path}/said"\n')
    program.chmod(0o700)
    desktop = PlyerDesktop({"PATH": f"{tmp_path}:/usr/bin:/bin", "LC_ALL": "ko_KR.EUC-KR"}, deadline=8.0)
    await desktop.show(plain("עברית"))
    await desktop.close()
    assert (tmp_path / "said").read_text() == "C.UTF-8 עברית"


async def test_a_child_whose_lines_end_as_those_of_windows_is_understood(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(r"import sys; sys.stdout.reconfigure(newline='\r\n')")
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\necho "$1" >>"{tmp_path}/said"\n')
    program.chmod(0o700)
    desktop = PlyerDesktop({"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(tmp_path)}, deadline=8.0)
    for title in ("One", "Two"):
        await desktop.show(plain(title))
    await desktop.close()
    assert (tmp_path / "said").read_text() == "One\nTwo\n"


async def test_one_child_shows_many_bubbles_and_goes_when_the_desktop_is_closed(rig: Rig, dunst: Piece) -> None:
    before = children()
    async with plyer_on(rig) as desktop:
        await desktop.show(plain("One"))
        (child,) = children() - before
        await desktop.show(plain("Two"))
        assert children() - before == {child}
        assert rig.bubbles() == 2
    assert children() == before


def children() -> set[str]:
    """The processes that this one has started."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue  # ended while we looked
        if parent == str(os.getpid()):
            found.add(stat.parent.name)
    return found


@pytest.mark.usefixtures("no_daemon")
async def test_a_bubble_that_plyer_loses_in_silence_is_told(rig: Rig) -> None:
    async with plyer_on(rig) as desktop:
        with pytest.raises(BubbleFailed, match=r"plyer lost the bubble \(.*org\.freedesktop\.Notifications"):
            await desktop.show(BUILD)
        rig.daemon.start()
        rig.close_bubbles()
        await desktop.show(BUILD)
        assert rig.bubbles() == 1


async def test_a_daemon_that_hangs_fails_the_bubble_and_blocks_none(rig: Rig, dunst: Piece) -> None:
    async with plyer_on(rig, deadline=1.0) as desktop:
        dunst.freeze()
        for _ in range(2):
            with pytest.raises(BubbleFailed, match="plyer did not show a bubble within 1 s"):
                await desktop.show(BUILD)
        dunst.restart()
    async with plyer_on(rig) as desktop:
        await desktop.show(BUILD)
        assert rig.bubbles() == 1


async def test_where_plyer_has_no_way_the_person_learns_it(tmp_path: Path) -> None:
    desktop = PlyerDesktop({"PATH": str(tmp_path), "HOME": str(tmp_path)}, deadline=8.0)
    with pytest.raises(BubbleFailed, match=r"plyer cannot show bubbles here \(NotImplementedError: No usable"):
        await desktop.show(BUILD)
    await desktop.close()


async def test_a_bubble_that_is_cancelled_leaves_no_child(rig: Rig, dunst: Piece) -> None:
    before = children()
    dunst.freeze()
    async with plyer_on(rig) as desktop:
        showing = asyncio.create_task(desktop.show(BUILD))
        await eventually("the child was there", lambda: children() != before)
        showing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await showing
        assert children() == before


@pytest.mark.parametrize(
    ("platform", "title", "body"),
    [
        ("win32", "-" + "t" * 61 + "…", "<b>" + "b" * 251 + "…"),
        ("darwin", "-" + "t" * 99, "<b>" + "b" * 497),
        ("linux", " -" + "t" * 99, "&lt;b&gt;" + "b" * 497),
    ],
)
def test_each_platform_gets_the_text_it_can_take(platform: str, title: str, body: str) -> None:
    notification = replace(BUILD, title="-" + "t" * 99, body="<b>" + "b" * 497)
    assert text_for(platform, notification) == (title, body)
