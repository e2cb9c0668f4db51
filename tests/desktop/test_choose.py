"""Who shows the bubbles here, and what the person is told when nobody does."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier.desktop import MEANWHILE, Choice, choose, session_bus
from notifier.errors import BubbleFailed
from tests.desktop.notifications import BUILD, Person, plain
from tests.desktop.rig import NOTIFICATIONS, Piece, Rig, eventually, until


@dataclass
class Reader(Person):
    """A person before a terminal."""

    read: list[str] = field(default_factory=list)

    async def choose_desktop(self, environ: dict[str, str], platform: str = "linux", *, is_read: bool = True) -> Choice:
        return await choose(environ, self, self.read.append, is_read=is_read, platform=platform)


async def test_a_daemon_on_the_bus_is_chosen_without_complaint(rig: Rig, dunst: Piece) -> None:
    person = Reader()
    choice = await person.choose_desktop(rig.environ)
    assert choice.complaint is None
    assert choice.desktop.name.startswith("dunst")
    await choice.desktop.show(BUILD)
    rig.click_bubble()
    await eventually("the click came back", lambda: person.clicked == [BUILD])
    await choice.desktop.close()


async def test_a_daemon_that_the_bus_can_start_is_chosen(own_rig: Rig) -> None:
    own_rig.screen.start()
    own_rig.daemon.start()  # writes its configuration
    own_rig.daemon.kill()
    starter = own_rig.home / "start-dunst"
    starter.write_text(
        f'#!/bin/sh\necho $$ >"{own_rig.home}/pid"\n'
        f'DISPLAY={own_rig.environ["DISPLAY"]} exec {shutil.which("dunst")} -config "{own_rig.home}/dunstrc"\n'
    )
    starter.chmod(0o700)
    (own_rig.home / "services" / "dunst.service").write_text(f"[D-BUS Service]\nName={NOTIFICATIONS}\nExec={starter}\n")
    own_rig.bus.restart()
    choice = await Reader().choose_desktop(own_rig.environ)
    assert choice.complaint is None
    await choice.desktop.show(plain("Started for this"))
    assert own_rig.bubbles() == 1
    await choice.desktop.close()
    pid = (own_rig.home / "pid").read_text().strip()
    own_rig.bus.kill()
    until("dunst went with its bus", lambda: not Path(f"/proc/{pid}/exe").exists())


async def test_a_daemon_that_is_told_not_to_disturb_is_chosen_and_the_person_learns_it(rig: Rig, dunst: Piece) -> None:
    rig.run("dunstctl", "set-paused", "true")
    try:
        choice = await Reader().choose_desktop(rig.environ)
    finally:
        rig.run("dunstctl", "set-paused", "false")
    assert choice.complaint is not None
    assert choice.complaint.startswith("Do Not Disturb is on: dunst 1.")
    await choice.desktop.close()


@pytest.mark.usefixtures("no_daemon")
async def test_without_a_daemon_the_terminal_shows_bubbles_until_one_comes(rig: Rig) -> None:
    person = Reader()
    choice = await person.choose_desktop(rig.environ)
    assert choice.complaint == (
        "No notification daemon answers on the session bus: install one, e.g. `apt install dunst`; "
        "showing notifications here in the terminal"
    )
    assert choice.desktop.name == "this terminal"
    await choice.desktop.show(plain("In the terminal"))
    rig.daemon.start()
    await choice.desktop.show(plain("In a bubble"))
    assert rig.bubbles() == 1
    assert choice.desktop.name.startswith("dunst")
    assert [text.partition(" • ")[2] for text in person.read] == ["In the terminal"]
    await choice.desktop.close()


@pytest.mark.usefixtures("no_daemon")
async def test_without_a_daemon_and_without_a_reader_nothing_counts_as_shown(rig: Rig) -> None:
    person = Reader()
    choice = await person.choose_desktop(rig.environ, is_read=False)
    assert choice.complaint == (
        "No notification daemon answers on the session bus: install one, e.g. `apt install dunst`; "
        "until then notifications wait in the history"
    )
    with pytest.raises(BubbleFailed):
        await choice.desktop.show(plain("Into a journal"))
    rig.daemon.start()
    await choice.desktop.show(plain("In a bubble"))
    assert rig.bubbles() == 1
    assert person.read == []
    await choice.desktop.close()


async def test_a_bus_that_is_not_there_yet_is_waited_for_too(own_rig: Rig) -> None:
    person = Reader()
    choice = await person.choose_desktop(own_rig.environ)
    assert choice.complaint == (
        "The session bus cannot be reached (No such file or directory): start this in a desktop session; "
        "showing notifications here in the terminal"
    )
    await choice.desktop.show(plain("In the terminal"))
    own_rig.daemon.start()
    await choice.desktop.show(plain("In a bubble"))
    assert own_rig.bubbles() == 1
    await choice.desktop.close()


async def test_a_bus_that_systemd_is_still_to_start_is_waited_for_where_nobody_reads(own_rig: Rig) -> None:
    person = Reader()
    environ = {"XDG_RUNTIME_DIR": own_rig.environ["XDG_RUNTIME_DIR"]}
    choice = await person.choose_desktop(environ, is_read=False)
    assert choice.complaint is not None
    assert choice.complaint.endswith("until then notifications wait in the history")
    with pytest.raises(BubbleFailed):
        await choice.desktop.show(plain("Before there is a bus"))
    own_rig.daemon.start()
    await choice.desktop.show(plain("In a bubble"))
    assert own_rig.bubbles() == 1
    assert person.read == []
    await choice.desktop.close()


async def test_without_a_session_the_terminal_is_chosen_and_the_reason_is_told() -> None:
    person = Reader()
    choice = await person.choose_desktop({})
    assert choice.complaint is not None
    assert choice.complaint.startswith(
        "There is no session bus, so neither bubbles nor a tray icon: start this in a desktop session"
    )
    assert choice.complaint.endswith(MEANWHILE)
    await choice.desktop.show(plain("Here"))
    assert person.read
    await choice.desktop.close()


@pytest.mark.skipif(sys.platform == "darwin", reason="pyobjus may be there")
async def test_on_a_mac_that_shows_nothing_yet_notifications_wait_where_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    person = Reader()
    choice = await person.choose_desktop({}, platform="darwin", is_read=False)
    assert choice.complaint is not None
    assert choice.complaint.endswith("until then notifications wait in the history")
    with pytest.raises(BubbleFailed):
        await choice.desktop.show(plain("For nobody"))
    assert person.read == []
    await choice.desktop.close()


@pytest.mark.skipif(sys.platform == "darwin", reason="pyobjus may be there")
async def test_a_mac_that_shows_nothing_gets_the_terminal_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
    choice = await Reader().choose_desktop({}, platform="darwin")
    assert choice.desktop.name == "this terminal"
    assert choice.complaint == f"macOS cannot be asked for bubbles (FileNotFoundError); {MEANWHILE}"
    await choice.desktop.close()


def test_the_bus_of_systemd_is_found_without_the_variable(rig: Rig, tmp_path: Path) -> None:
    run = rig.environ["XDG_RUNTIME_DIR"]
    assert session_bus({"XDG_RUNTIME_DIR": run}) == f"unix:path={run}/bus"
    assert session_bus({"XDG_RUNTIME_DIR": str(tmp_path)}) is None
    assert session_bus({"DBUS_SESSION_BUS_ADDRESS": "unix:abstract=x", "XDG_RUNTIME_DIR": run}) == "unix:abstract=x"
    assert session_bus({"DBUS_SESSION_BUS_ADDRESS": ""}) is None
