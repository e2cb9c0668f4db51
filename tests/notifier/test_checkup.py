"""What is fine here and what is not: each matter in both outcomes."""

from dataclasses import replace

import pytest

from notifier.checkup import EARLIEST, Access, Configuration, History, Machine, Start, examine
from notifier.desktop.desk import TIMEOUT, Desk
from notifier.errors import Ailment
from notifier.finding import Level

DESK = Desk(
    is_linux=True,
    x11=":0",
    display_answers=True,
    environment="XFCE",
    has_bus=True,
    has_watcher=True,
    has_host=True,
    daemon="dunst 1.9.0",
    capabilities=frozenset({"body", "actions"}),
    is_inhibited=False,
)
CONFIGURATION = Configuration(path="/home/ann/config.toml", streams=2)
HISTORY = History(path="/home/ann/history.db", size=2**20, free=2**40)
WELL = Machine(
    desk=DESK,
    version="1.0",
    python="3.12.1",
    system="Linux",
    configuration=CONFIGURATION,
    history=HISTORY,
    now=EARLIEST + 1,
)


def test_where_all_is_well_each_matter_is_told_and_nothing_is_wrong() -> None:
    found = examine(WELL)
    assert {finding.level for finding in found} == {Level.FINE}
    assert [finding.topic for finding in found] == (
        ["versions", "display", "bus", "tray", "daemon", "configuration", "history", "autostart", "clock", "proxy"]
    )


def seen(**desk: object) -> Machine:
    return replace(WELL, desk=replace(DESK, **desk))  # type: ignore[arg-type]


def configured(**configuration: object) -> Machine:
    return replace(WELL, configuration=replace(CONFIGURATION, **configuration))  # type: ignore[arg-type]


def kept(**history: object) -> Machine:
    return replace(WELL, history=replace(HISTORY, **history))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("machine", "level", "topic", "words"),
    [
        (seen(x11="", display_answers=False), Level.NOTE, "display", "there is no display"),
        (seen(display_answers=False), Level.WRONG, "display", "X11 (:0) does not answer"),
        (seen(wayland="wayland-0", display_answers=False), Level.WRONG, "display", "Wayland (wayland-0) does not"),
        (seen(has_bus=False), Level.WRONG, "bus", "no session bus"),
        (seen(bus_problem="Connection refused"), Level.WRONG, "bus", "(Connection refused)"),
        (seen(bus_problem=TIMEOUT), Level.WRONG, "bus", "the session bus does not answer"),
        (seen(has_host=False, watcher_problem=TIMEOUT), Level.WRONG, "tray", "restart the panel"),
        (seen(has_host=False), Level.NOTE, "tray", "nothing shows tray icons"),
        (seen(has_watcher=False, environment="ubuntu:GNOME"), Level.NOTE, "tray", "AppIndicator"),
        (seen(daemon=""), Level.WRONG, "daemon", "no notification daemon answers"),
        (seen(daemon="", daemon_problem=TIMEOUT), Level.WRONG, "daemon", "does not answer"),
        (
            seen(is_sandboxed=True),
            Level.NOTE,
            "portal",
            "no notification portal answers until it does, bubbles are shown",
        ),
        (seen(is_sandboxed=True, daemon=""), Level.WRONG, "portal", "outside of this sandbox, xdg-desktop-portal"),
        (seen(is_sandboxed=True, daemon="", portal_problem=TIMEOUT), Level.WRONG, "portal", "does not answer"),
        (seen(is_inhibited=True), Level.NOTE, "daemon", "Do Not Disturb"),
        (configured(access=Access.MISSING), Level.NOTE, "configuration", "config init"),
        (
            configured(access=Access.CLOSED, problem="x cannot be read"),
            Level.WRONG,
            "configuration",
            "ls -l /home/ann/c",
        ),
        (configured(access=Access.SLOW), Level.WRONG, "configuration", "a network drive that is away"),
        (configured(mistakes=("config.toml:1: x", "y")), Level.WRONG, "configuration", "2 mistakes"),
        (configured(mistakes=("x",)), Level.WRONG, "configuration", "looked at below: 2 streams"),
        (configured(mistakes=("x",), streams=0), Level.WRONG, "configuration", "config check tells all"),
        (configured(streams=0), Level.NOTE, "configuration", "probe URL --save NAME"),
        (configured(has_secrets=True, mode=0o644), Level.NOTE, "configuration", "chmod 600 /home/ann/config.toml"),
        (configured(has_secrets=True, mode=0o644, path="/a b"), Level.NOTE, "configuration", "chmod 600 '/a b'"),
        (kept(access=Access.SLOW), Level.WRONG, "history", "a network drive that is away"),
        (kept(ailment=Ailment.LOCKED), Level.WRONG, "history", "fuser -v /home/ann/history.db"),
        (kept(ailment=Ailment.DAMAGED), Level.WRONG, "history", "moves a damaged history aside"),
        (kept(ailment=Ailment.NEWER), Level.WRONG, "history", "the newer version again"),
        (kept(ailment=Ailment.FOREIGN), Level.WRONG, "history", "no history of this program"),
        (kept(ailment=Ailment.CLOSED), Level.WRONG, "history", "the right to read and write it"),
        (kept(ailment=Ailment.DISK), Level.WRONG, "history", "errors of the disk"),
        (kept(is_writable=False), Level.WRONG, "history", "ls -ld /home/ann/history.db /home/ann says"),
        (kept(free=5 * 2**20), Level.WRONG, "history", "only 5 MiB"),
        (replace(WELL, autostart=Start.OTHER), Level.NOTE, "autostart", "autostart on"),
        (replace(WELL, autostart=Start.UNKNOWN), Level.NOTE, "autostart", "cannot be seen"),
        (replace(WELL, now=0.0), Level.WRONG, "clock", "years behind"),
        (replace(WELL, proxy_problem="is no URL"), Level.WRONG, "proxy", 'proxy = "none"'),
    ],
)
def test_what_is_not_well_is_told_with_what_to_do(machine: Machine, level: Level, topic: str, words: str) -> None:
    (finding,) = [each for each in examine(machine) if each.level is level]
    assert finding.topic == topic
    assert words in f"{finding.what} {finding.why} {finding.todo}"


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (kept(access=Access.MISSING), "there is no history yet"),
        (replace(WELL, autostart=Start.ON, autostart_place="/x.desktop"), "it starts at login (/x.desktop)"),
        (replace(WELL, proxies={"https_proxy": "http://proxy:3128"}), "https_proxy=http://proxy:3128"),
        (configured(has_secrets=True), "2 streams"),
        (seen(is_sandboxed=True, portal=2, daemon=""), "the notification portal, version 2"),
    ],
)
def test_what_is_well_is_told_too(machine: Machine, words: str) -> None:
    assert any(finding.level is Level.FINE and words in finding.what for finding in examine(machine))


def elsewhere(system: str, **desk: object) -> Machine:
    return replace(WELL, desk=Desk(is_linux=False, system=system, **desk))  # type: ignore[arg-type]


WINDOWS = r"C:\Users\Ann B\history.db"


@pytest.mark.parametrize(
    ("machine", "platform", "command"),
    [
        (kept(ailment=Ailment.CLOSED), "linux", "see what ls -l /home/ann/history.db says"),
        (kept(ailment=Ailment.CLOSED), "darwin", "see what ls -l /home/ann/history.db says"),
        (kept(ailment=Ailment.CLOSED, path=WINDOWS), "win32", rf'see what icacls "{WINDOWS}" says'),
        (kept(is_writable=False, path="/a b/h.db"), "linux", "ls -ld '/a b/h.db' '/a b' says"),
        (kept(is_writable=False, path=WINDOWS), "win32", r'icacls "C:\Users\Ann B" /t says'),
        (kept(ailment=Ailment.LOCKED), "darwin", "end that: lsof /home/ann/history.db"),
        (kept(ailment=Ailment.LOCKED, path=WINDOWS), "win32", "(resmon), CPU, Associated Handles, history.db"),
        (kept(ailment=Ailment.NEWER, path="/a b.db"), "darwin", "mv '/a b.db' '/a b.db.newer'"),
        (kept(ailment=Ailment.NEWER, path=WINDOWS), "win32", rf'move "{WINDOWS}" "{WINDOWS}.newer"'),
        (kept(ailment=Ailment.FOREIGN, path=r"C:\앤\h.db"), "win32", r"move C:\앤\h.db C:\앤\h.db.other"),
        (kept(access=Access.SLOW, path=r"\\nas\x&y\h.db"), "win32", r'whether dir "\\nas\x&y\h.db" comes to an end'),
        (configured(access=Access.SLOW), "darwin", "whether ls /home/ann/config.toml comes to an end"),
        (configured(access=Access.CLOSED, path=WINDOWS), "win32", rf'see what icacls "{WINDOWS}" says'),
        (replace(WELL, now=0.0), "linux", "(timedatectl set-ntp true)"),
        (replace(WELL, now=0.0), "win32", "(timedate.cpl, then w32tm /resync)"),
        (replace(WELL, now=0.0), "darwin", "(sudo sntp -sS time.apple.com)"),
    ],
)
def test_what_to_type_is_there_on_this_platform(machine: Machine, platform: str, command: str) -> None:
    (finding,) = [each for each in examine(replace(machine, platform=platform)) if each.level is Level.WRONG]
    assert command in finding.todo


def test_elsewhere_than_on_linux_nothing_is_said_of_buses() -> None:
    found = {finding.topic: finding for finding in examine(elsewhere("Windows", may_show=True))}
    assert not found.keys() & {"display", "bus", "daemon", "portal"}
    assert (found["tray"].what, found["tray"].why[:16]) == ("tray icons are shown by Windows", "Windows may keep")
    assert (found["bubbles"].what, found["bubbles"].why) == ("bubbles are shown by Windows", "")


@pytest.mark.parametrize(
    ("machine", "level", "words"),
    [
        (elsewhere("macOS"), Level.FINE, "bubbles are shown by macOS whether it may show them is told in its settings"),
        (elsewhere("Windows", may_show=False), Level.WRONG, "set to show no notifications of this program"),
        (elsewhere("Windows", system_problem="No.", has_plyer=True), Level.NOTE, "No. plyer shows plain"),
        (elsewhere("macOS", system_problem="No."), Level.WRONG, "No. notifications wait in the history"),
    ],
)
def test_elsewhere_than_on_linux_it_is_told_who_shows_bubbles(machine: Machine, level: Level, words: str) -> None:
    (finding,) = [each for each in examine(machine) if each.topic == "bubbles"]
    assert finding.level is level
    assert words in f"{finding.what} {finding.why} {finding.todo}"
