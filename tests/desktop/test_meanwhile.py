"""The terminal, until a desktop comes."""

from dataclasses import dataclass, field

import pytest

from notifier.desktop.meanwhile import Meanwhile
from notifier.errors import BubbleFailed
from notifier.notification import Notification, Withdrawal
from tests.desktop.notifications import plain


@dataclass
class Recorder:
    """A desktop that is there or not."""

    hears = True

    name: str
    there: bool = True
    shown: list[str] = field(default_factory=list)
    withdrawn: list[Withdrawal] = field(default_factory=list)
    closed: bool = False

    async def show(self, notification: Notification) -> None:
        if not self.there:
            raise BubbleFailed("nobody is there")
        self.shown.append(notification.title)

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        self.withdrawn.append(withdrawal)

    async def close(self) -> None:
        self.closed = True


async def test_the_terminal_shows_bubbles_until_the_desktop_comes() -> None:
    desktop, terminal = Recorder("daemon", there=False), Recorder("terminal")
    meanwhile = Meanwhile(desktop, terminal)
    await meanwhile.show(plain("One"))
    assert meanwhile.name == "terminal"
    desktop.there = True
    await meanwhile.show(plain("Two"))
    assert meanwhile.name == "daemon"
    assert (terminal.shown, desktop.shown) == (["One"], ["Two"])


async def test_what_was_shown_instead_is_taken_back_there() -> None:
    desktop, daemon = Recorder("portal", there=False), Recorder("daemon")
    meanwhile = Meanwhile(desktop, daemon)
    await meanwhile.show(plain("One"))
    await meanwhile.withdraw(gone := Withdrawal(stream="ci", key="a"))
    assert (daemon.withdrawn, desktop.withdrawn) == ([gone], [])


async def test_once_it_came_a_lost_bubble_is_told_and_not_hidden_in_the_terminal() -> None:
    desktop, terminal = Recorder("daemon"), Recorder("terminal")
    meanwhile = Meanwhile(desktop, terminal)
    await meanwhile.show(plain("One"))
    desktop.there = False
    with pytest.raises(BubbleFailed):
        await meanwhile.show(plain("Two"))
    assert terminal.shown == []


async def test_both_are_let_go() -> None:
    desktop, terminal = Recorder("daemon"), Recorder("terminal")
    await Meanwhile(desktop, terminal).close()
    assert desktop.closed
    assert terminal.closed
