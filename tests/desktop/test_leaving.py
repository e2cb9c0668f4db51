"""How the whole program leaves, and what it outlives: signals, the screen closing, the bus dying.  Nothing is lost."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.desktop.session import LOOK_EVERY, LOOKS
from notifier.history import read_history
from notifier.tray.face import IconState
from tests.desktop.child import PATIENCE, Child, Server
from tests.desktop.panel import icon_places, open_menu, shows
from tests.desktop.rig import Piece, Rig, until

QUICK = 5.0
"""Seconds from the signal to the end, on a machine that may be busy; it takes a fraction of one."""
MANY = 40
"""Events that are on their way while the signal comes."""


class Life:
    """The program with a state of its own, which may be started again."""

    def __init__(self, rig: Rig, server: Server, state: Path) -> None:
        self._rig, self._server, self._state = rig, server, state
        self.app = self._start()

    def again(self) -> None:
        self.app = self._start()

    def _start(self) -> Child:
        return Child(self._rig, "notifier", "run", f"{self._server.base}/events", XDG_STATE_HOME=str(self._state))

    def titles(self) -> list[str]:
        """What was recorded, oldest first."""
        return [row.notification.title for row in read_history(self._state / "sse-notifier" / "history.db")]

    def records(self, *titles: str) -> None:
        """Wait until exactly these were recorded."""
        until(f"{titles} were recorded", lambda: set(titles) <= set(self.titles()), PATIENCE)
        assert self.titles() == list(titles)

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.app.process.pid}/task").iterdir()))

    def ends(self, patience: float = PATIENCE) -> float:
        """Seconds until it ended in good order and left nothing behind."""
        began = time.monotonic()
        until("the program ended", self.app.ended, patience)
        assert (self.app.process.returncode, self.app.left_behind()) == (0, [])
        assert "Traceback" not in self.app.errors, self.app.errors
        return time.monotonic() - began


@pytest.fixture
def life(rig: Rig, dunst: Piece, panel: Piece, server: Server, tmp_path: Path) -> Iterator[Life]:
    life = Life(rig, server, tmp_path)
    yield life
    life.app.kill()
    until("the icon was gone", lambda: not icon_places(rig))


@pytest.fixture
def own(own_rig: Rig, tmp_path: Path) -> Iterator[tuple[Rig, Server, Life]]:
    """The program on a desktop that the test may break."""
    own_rig.daemon.start()
    own_rig.panel.start()
    server = Server(own_rig)
    life = Life(own_rig, server, tmp_path)
    yield own_rig, server, life
    life.app.kill()
    server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_events_come_and_the_menu_is_open_loses_nothing(
    rig: Rig, server: Server, life: Life, number: signal.Signals
) -> None:
    at = shows(rig, IconState.CONNECTED, PATIENCE)
    open_menu(rig, at)
    titles = [f"Event {count}" for count in range(MANY)]
    for title in titles[: MANY // 2]:
        server.publish(title=title)
    life.app.process.send_signal(number)
    for title in titles[MANY // 2 :]:
        server.publish(title=title)
    assert life.ends() < QUICK
    rig.run("xdotool", "key", "Escape")
    life.again()
    life.records(*titles)


def test_a_signal_while_the_daemon_hangs_ends_it_as_quickly(rig: Rig, dunst: Piece, server: Server, life: Life) -> None:
    shows(rig, IconState.CONNECTED, PATIENCE)
    dunst.freeze()
    server.publish(title="Into the void")
    life.records("Into the void")
    life.app.process.send_signal(signal.SIGTERM)
    assert life.ends() < QUICK
    dunst.thaw()
    rig.close_bubbles()


def test_a_screen_that_closes_stops_no_stream(own: tuple[Rig, Server, Life]) -> None:
    rig, server, life = own
    shows(rig, IconState.CONNECTED, PATIENCE)
    server.publish(title="Before")
    life.records("Before")
    rig.screen.kill()
    for piece in (rig.panel, rig.daemon):
        piece.kill()  # they cannot do without a screen
    server.publish(title="Without a screen")
    life.records("Before", "Without a screen")
    rig.daemon.start()
    rig.panel.start()
    shows(rig, IconState.CONNECTED, PATIENCE)
    server.publish(title="On another screen")
    until("it was shown", lambda: rig.bubbles() > 0, PATIENCE)
    life.app.process.send_signal(signal.SIGTERM)
    assert life.ends() < QUICK


def test_a_bus_that_dies_stops_no_stream_and_icon_and_bubbles_come_back_with_it(
    own: tuple[Rig, Server, Life],
) -> None:
    rig, server, life = own
    shows(rig, IconState.CONNECTED, PATIENCE)
    server.publish(title="Before")
    until("the first bubble was there", lambda: rig.bubbles() == 1)
    threads = life.threads()
    for piece in (rig.panel, rig.xfconf, rig.daemon, rig.bus):
        piece.kill()
    server.publish(title="Without a bus")
    life.records("Before", "Without a bus")
    rig.daemon.start()
    rig.panel.start()
    shows(rig, IconState.CONNECTED, PATIENCE)
    until("what had no bubble got one", lambda: rig.bubbles() == 1, PATIENCE)
    server.publish(title="On another bus")
    until("the next one was shown too", lambda: rig.bubbles() == 2, PATIENCE)
    assert life.threads() <= threads + 2  # of asyncio's own, which it makes as it needs them
    life.app.process.send_signal(signal.SIGTERM)
    assert life.ends() < QUICK


def test_a_session_that_is_over_ends_it_and_until_then_nothing_is_lost(own: tuple[Rig, Server, Life]) -> None:
    """Else it would hold the configuration against the program that the next login starts."""
    rig, server, life = own
    shows(rig, IconState.CONNECTED, PATIENCE)
    for piece in (rig.panel, rig.xfconf, rig.daemon, rig.screen, rig.bus):
        piece.kill()
    server.publish(title="Without a desktop")
    life.records("Without a desktop")
    assert not life.app.ended()
    assert life.ends((LOOKS + 1) * LOOK_EVERY + PATIENCE) > LOOK_EVERY
    assert "The desktop session is over" in life.app.errors


def test_a_bus_that_never_comes_back_keeps_nobody(own: tuple[Rig, Server, Life]) -> None:
    rig, server, life = own
    shows(rig, IconState.CONNECTED, PATIENCE)
    for piece in (rig.panel, rig.xfconf, rig.daemon, rig.bus):
        piece.kill()
    server.publish(title="Without a bus")
    life.records("Without a bus")
    life.app.process.send_signal(signal.SIGTERM)
    assert life.ends() < QUICK


def test_a_bus_that_hangs_keeps_nobody_either(own: tuple[Rig, Server, Life]) -> None:
    rig, server, life = own
    shows(rig, IconState.CONNECTED, PATIENCE)
    rig.bus.freeze()
    server.publish(title="Into the void")
    life.records("Into the void")
    life.app.process.send_signal(signal.SIGTERM)
    assert life.ends() < QUICK
    rig.bus.thaw()
