"""What is fine here and what is not: each matter in both outcomes."""

from dataclasses import replace

import pytest

from notifier.checkup import EARLIEST, Machine, Screen, Start, examine
from notifier.diagnosis import Level

SCREEN = Screen(
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
WELL = Machine(
    screen=SCREEN,
    version="1.0",
    python="3.12.1",
    system="Linux",
    config="/home/ann/config.toml",
    streams=2,
    history="/home/ann/history.db",
    history_size=2**20,
    free=2**40,
    now=EARLIEST + 1,
)


def test_where_all_is_well_each_matter_is_told_and_nothing_is_wrong() -> None:
    found = examine(WELL)
    assert {finding.level for finding in found} == {Level.FINE}
    assert [finding.topic for finding in found] == (
        ["versions", "display", "bus", "tray", "daemon", "configuration", "history", "autostart", "clock", "proxy"]
    )


def seen(**screen: object) -> Machine:
    return replace(WELL, screen=replace(SCREEN, **screen))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("machine", "level", "topic", "words"),
    [
        (seen(x11="", display_answers=False), Level.NOTE, "display", "there is no display"),
        (seen(display_answers=False), Level.WRONG, "display", "X11 (:0) does not answer"),
        (seen(wayland="wayland-0", display_answers=False), Level.WRONG, "display", "Wayland (wayland-0) does not"),
        (seen(has_bus=False), Level.WRONG, "bus", "no session bus"),
        (seen(bus_problem="Connection refused"), Level.WRONG, "bus", "(Connection refused)"),
        (seen(has_host=False), Level.NOTE, "tray", "nothing shows tray icons"),
        (seen(has_watcher=False, environment="ubuntu:GNOME"), Level.NOTE, "tray", "AppIndicator"),
        (seen(daemon=""), Level.WRONG, "daemon", "no notification daemon answers"),
        (seen(daemon="", daemon_problem="timeout"), Level.WRONG, "daemon", "does not answer"),
        (seen(is_inhibited=True), Level.NOTE, "daemon", "Do Not Disturb"),
        (replace(WELL, config_exists=False), Level.NOTE, "configuration", "config init"),
        (replace(WELL, config_problems=("config.toml:1: x", "y")), Level.WRONG, "configuration", "2 mistakes"),
        (replace(WELL, has_secrets=True, config_mode=0o644), Level.NOTE, "configuration", "chmod 600"),
        (replace(WELL, history_problem="The history cannot be read"), Level.WRONG, "history", "moves a damaged"),
        (replace(WELL, free=5 * 2**20), Level.WRONG, "history", "only 5 MiB"),
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
        (replace(WELL, history_exists=False), "there is no history yet"),
        (replace(WELL, autostart=Start.ON, autostart_place="/x.desktop"), "it starts at login (/x.desktop)"),
        (replace(WELL, proxies={"https_proxy": "http://proxy:3128"}), "https_proxy=http://proxy:3128"),
        (replace(WELL, has_secrets=True, config_mode=0o600), "2 streams"),
    ],
)
def test_what_is_well_is_told_too(machine: Machine, words: str) -> None:
    assert any(finding.level is Level.FINE and words in finding.what for finding in examine(machine))


def test_elsewhere_than_on_linux_nothing_is_said_of_buses() -> None:
    topics = {finding.topic for finding in examine(seen(is_linux=False))}
    assert not topics & {"display", "bus", "tray", "daemon"}
