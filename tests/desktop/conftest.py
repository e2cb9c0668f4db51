"""One desktop for the whole run; a test that breaks it beyond repair takes one of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.child import Server
from tests.desktop.rig import Piece, Rig


@pytest.fixture(scope="session")
def desktop_rig() -> Iterator[Rig]:
    """The desktop that the tests share; they ask for `rig`."""
    with Rig() as rig:
        yield rig


@pytest.fixture
def rig(desktop_rig: Rig) -> Rig:
    """The shared desktop with its bus running; neither daemon nor portal unless the test asks for one."""
    desktop_rig.bus.start()
    desktop_rig.other_daemon.kill()
    desktop_rig.portal.kill()
    return desktop_rig


@pytest.fixture
def own_rig() -> Iterator[Rig]:
    """A desktop for this test alone, nothing of it started."""
    with Rig() as rig:
        yield rig


@pytest.fixture
def dunst(rig: Rig) -> Piece:
    """dunst on the shared desktop, without a bubble."""
    rig.daemon.start()
    rig.close_bubbles()
    return rig.daemon


@pytest.fixture
def no_daemon(rig: Rig) -> None:
    """The shared desktop without a notification daemon."""
    rig.daemon.kill()


@pytest.fixture
def panel(rig: Rig) -> Piece:
    """xfce4-panel with a tray on the shared desktop."""
    rig.other_panel.kill()
    rig.panel.start()
    return rig.panel


@pytest.fixture
def lxqt(rig: Rig) -> Piece:
    """lxqt-panel with a tray on the shared desktop, in the place of xfce4-panel."""
    rig.panel.kill()
    rig.other_panel.start()
    return rig.other_panel


@pytest.fixture
def server(rig: Rig) -> Iterator[Server]:
    server = Server(rig)
    yield server
    server.kill()


@pytest.fixture
def opened(rig: Rig) -> Path:
    """What the browser was asked for; the browser is a script that writes it down."""
    script, notes = rig.home / "browser", rig.home / "opened"
    script.write_text(f'#!/bin/sh\necho "$1" >> {notes}\n')
    script.chmod(0o755)
    notes.unlink(missing_ok=True)
    notes.touch()
    return notes
