"""The switch: what it writes, what it finds, and what it says, on real files."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import notifier
import notifier.autostart as autostart_module
from notifier.autostart import Autostart, State, choose, command_of
from notifier.errors import AutostartFailed
from tests.notifier.programs import LASTING, Programs

COMMAND = ["/usr/bin/sse-notifier", "run"]


def linux(home: Path, command: list[str] = COMMAND) -> Autostart:
    return choose({"HOME": str(home), "PATH": str(home)}, command, platform="linux")


async def test_it_is_off_until_it_is_switched_on_and_off_again(tmp_path: Path) -> None:
    autostart = linux(tmp_path)
    assert (autostart.state(), autostart.place()) == (State.OFF, None)
    await autostart.switch(on=True)
    assert autostart.state() is State.ON
    assert autostart.place() == str(tmp_path / ".config/autostart/sse-notifier.desktop")
    await autostart.switch(on=False)
    assert autostart.state() is State.OFF
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_it_brings_the_name_and_icon_that_bubbles_refer_to(tmp_path: Path) -> None:
    await linux(tmp_path).switch(on=True)
    data = tmp_path / ".local/share"
    assert "\nIcon=sse-notifier\n" in (data / "applications/sse-notifier.desktop").read_text()
    assert (data / "icons/hicolor/256x256/apps/sse-notifier.png").read_bytes().startswith(b"\x89PNG")


async def test_it_keeps_to_the_folders_that_the_environment_names_unless_they_are_relative(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_DATA_HOME": "relative"}
    await choose(environ, COMMAND, platform="linux").switch(on=True)
    assert (tmp_path / "c/autostart/sse-notifier.desktop").is_file()
    assert (tmp_path / ".local/share/applications/sse-notifier.desktop").is_file()


async def test_systemd_is_a_choice_that_takes_the_other_s_place(tmp_path: Path) -> None:
    autostart = linux(tmp_path)
    await autostart.switch(on=True)
    await autostart.switch(on=True, way="systemd")
    units = tmp_path / ".config/systemd/user"
    assert (units / "graphical-session.target.wants/sse-notifier.service").resolve() == units / "sse-notifier.service"
    assert not (tmp_path / ".config/autostart/sse-notifier.desktop").exists()
    assert (autostart.state(), autostart.place()) == (State.ON, str(units / "sse-notifier.service"))
    await autostart.switch(on=False)
    assert not list(units.rglob("sse-notifier*"))


async def test_systemd_is_told_of_what_it_has_read_already(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    autostart = choose(programs.environ | {"HOME": str(tmp_path)}, COMMAND, platform="linux")
    for on, way in ((True, "systemd"), (False, None), (True, "desktop")):
        programs.add("systemctl")
        await autostart.switch(on, way)
        assert programs.asked("systemctl") == (["--user", "daemon-reload"], b"")
        programs.remove("systemctl")


@pytest.mark.parametrize("lasts", [False, True])
async def test_a_systemd_that_does_not_run_or_hangs_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasts: bool
) -> None:
    monkeypatch.setattr(autostart_module, "PATIENCE", 0.2 if lasts else 8.0)
    programs = Programs(tmp_path)
    programs.add("systemctl", code=1, lasts=lasts)
    autostart = choose(programs.environ | {"HOME": str(tmp_path)}, COMMAND, platform="linux")
    began = time.monotonic()
    await autostart.switch(on=True, way="systemd")
    assert time.monotonic() - began < LASTING
    assert autostart.state() is State.ON


async def test_switching_on_twice_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        await linux(tmp_path).switch(on=True, way="systemd")
    assert linux(tmp_path).state() is State.ON


async def test_another_configuration_at_login_is_told_from_this_one(tmp_path: Path) -> None:
    await linux(tmp_path, [*COMMAND, "--config", "/work.toml"]).switch(on=True)
    assert linux(tmp_path).state() is State.OTHER


async def test_an_entry_that_the_desktop_s_settings_unticked_is_off_and_can_be_switched_on_again(
    tmp_path: Path,
) -> None:
    autostart = linux(tmp_path)
    await autostart.switch(on=True)
    file = Path(autostart.place() or "")
    file.write_text(file.read_text() + "Hidden=true\n")
    assert autostart.state() is State.OFF
    await autostart.switch(on=True)
    assert autostart.state() is State.ON


def flatpak(home: Path) -> Autostart:
    (home / ".flatpak-info").touch()
    environ = {"HOME": str(home), "FLATPAK_ID": "org.example.Notifier"}
    return choose(environ, COMMAND, platform="linux", flatpak=home / ".flatpak-info")


def snap(home: Path) -> Autostart:
    own = str(Path(notifier.__file__).parents[1])
    environ = {"HOME": str(home), "SNAP": own, "SNAP_INSTANCE_NAME": "sse"}
    return choose(environ, [f"{own}/bin/sse-notifier", "run", "--config", "/a b.toml"], platform="linux")


@pytest.mark.parametrize(
    ("make", "again"),
    [(flatpak, "flatpak run org.example.Notifier run"), (snap, "snap run sse run --config '/a b.toml'")],
)
@pytest.mark.parametrize("way", [None, "desktop", "systemd"])
async def test_in_a_sandbox_it_is_refused_and_the_person_learns_what_to_do(
    tmp_path: Path, make: Callable[[Path], Autostart], again: str, way: str | None
) -> None:
    autostart = make(tmp_path)
    for on in (True, False):
        with pytest.raises(AutostartFailed, match=rf"from inside a Flatpak or Snap; .* this command: {again}$"):
            await autostart.switch(on, way)
    with pytest.raises(AutostartFailed):
        autostart.state()
    assert [path.name for path in tmp_path.iterdir() if path.name != ".flatpak-info"] == []


async def test_in_the_terminal_of_a_snap_a_program_from_elsewhere_is_switched_as_usual(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": str(tmp_path), "SNAP": "/snap/editor/1"}
    autostart = choose(environ, COMMAND, platform="linux")
    await autostart.switch(on=True)
    assert autostart.state() is State.ON


async def test_macos_has_a_launch_agent(tmp_path: Path) -> None:
    autostart = choose({"HOME": str(tmp_path)}, COMMAND, platform="darwin")
    await autostart.switch(on=True)
    assert autostart.place() == str(tmp_path / "Library/LaunchAgents/sse-notifier.plist")
    assert autostart.state() is State.ON


WINREG = """
HKEY_CURRENT_USER, KEY_QUERY_VALUE = "HKCU", 1

def OpenKey(*place):
    raise PermissionError(13, "Access is denied")
"""
STATE = """
import asyncio, subprocess, sys  # before they could take it for Windows
sys.platform = "win32"
from notifier.autostart.registry import RunKey
from notifier.autostart import Autostart, AutostartFailed
try:
    print(Autostart({"registry": RunKey("x")}).state())
except AutostartFailed as error:
    print(error)
"""


def test_a_registry_that_a_policy_closes_is_told(tmp_path: Path) -> None:
    """In a Python that takes itself for one on Windows, with a registry of the test."""
    (tmp_path / "winreg.py").write_text(WINREG)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    told = subprocess.run(
        [sys.executable, "-c", STATE], env=environ, capture_output=True, text=True, timeout=9, check=False
    )
    assert told.stdout == (
        r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Run\sse-notifier"
        " cannot be read (Access is denied)\n"
    ), told.stderr


async def test_what_cannot_be_written_down_is_told_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    odd = linux(tmp_path, [*COMMAND, "--config", "/a\nb.toml"])
    assert odd.state() is State.OFF
    with pytest.raises(AutostartFailed, match="line break"):
        await odd.switch(on=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    await linux(tmp_path).switch(on=True)
    await odd.switch(on=False)
    assert linux(tmp_path).state() is State.OFF


async def test_a_way_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(AutostartFailed, match="There is no launchd here; what there is: desktop, systemd"):
        await linux(tmp_path).switch(on=True, way="launchd")


async def test_a_way_that_cannot_be_taken_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    autostart = linux(tmp_path)
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/systemd").write_text("a file in the way")
    await autostart.switch(on=True)
    with pytest.raises(AutostartFailed, match="cannot be written"):
        await autostart.switch(on=True, way="systemd")
    assert autostart.state() is State.ON
    await autostart.switch(on=False)
    assert autostart.state() is State.OFF


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/autostart").write_text("a file in the way")
    with pytest.raises(AutostartFailed, match=r"autostart cannot be written \(File exists\)"):
        await linux(tmp_path).switch(on=True)


def test_the_installed_command_is_what_starts_and_else_this_python(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "sse-notifier"
    script.parent.mkdir()
    script.touch()
    assert command_of(str(script), sys.executable, None, platform="linux") == [str(script), "run"]
    assert command_of("/x/notifier/__main__.py", "/usr/bin/python3", None, platform="linux") == (
        ["/usr/bin/python3", "-m", "notifier", "run"]
    )


def test_a_configuration_of_one_s_own_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = command_of("x", "python", Path("work.toml"), platform="linux")
    assert command[-2:] == ["--config", str(tmp_path / "work.toml")]


def test_windows_starts_without_a_console(tmp_path: Path) -> None:
    (tmp_path / "pythonw.exe").touch()
    command = command_of("x", str(tmp_path / "python.exe"), None, platform="win32")
    assert command == [str(tmp_path / "pythonw.exe"), "-m", "notifier", "run"]
    assert os.path.lexists(command[0])
