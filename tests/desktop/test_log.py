"""Bubbles as lines in a terminal."""

from dataclasses import replace
from datetime import datetime

import pytest

from notifier.desktop.log import LogDesktop, lines
from notifier.notification import Notification, Urgency
from tests.desktop.notifications import BUILD, plain

TIME = datetime.fromisoformat("2026-03-01T14:03:22+01:00")


@pytest.mark.parametrize(
    ("notification", "text"),
    [
        (plain("Only a title"), "14:03:22 • Only a title"),
        (plain("A title", "one\n\ntwo"), "14:03:22 • A title\n           one\n\n           two"),
        (
            BUILD,
            "14:03:22 ! Build failed: main\n"
            "           test_wire on Python 3.13\n"
            "           2 failed, 418 passed\n"
            "           https://ci.example/builds/42",
        ),
        (replace(plain("Quiet"), urgency=Urgency.LOW), "14:03:22 · Quiet"),
        (plain("[bold]no style[/bold] <b>"), "14:03:22 • [bold]no style[/bold] <b>"),
        (plain("עברית 한국어 🚀"), "14:03:22 • עברית 한국어 🚀"),
        (plain("pay\u202e001 \u2066x\u2069", "\u200fy\u2028second"), "14:03:22 • pay001 x\n           y second"),
    ],
)
def test_lines_of_a_bubble(notification: Notification, text: str) -> None:
    assert lines(notification, TIME) == text


async def test_each_bubble_is_written_once_with_its_own_time() -> None:
    written: list[str] = []
    desktop = LogDesktop(written.append, lambda: TIME)
    assert desktop.name == "this terminal"
    await desktop.show(plain("One"))
    await desktop.show(plain("Two"))
    await desktop.close()
    assert written == ["14:03:22 • One", "14:03:22 • Two"]


async def test_by_itself_it_shows_the_time_of_the_clock_on_the_wall() -> None:
    written: list[str] = []
    before = datetime.now().astimezone()
    await LogDesktop(written.append).show(plain("Now"))
    after = datetime.now().astimezone()
    assert f"{before:%H:%M:%S}" <= written[0].split()[0] or before.date() != after.date()
