"""What was seen of this machine in, findings out: what is fine, what is not, and what to do about it.  Pure.

What is to be said of a stream is the matter of `diagnosis`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from notifier.diagnosis import Finding, Level
from notifier.language import _, ngettext

LITTLE_SPACE = 100 * 2**20
"""Bytes; with less the history may soon find no room."""
EARLIEST = 1_764_000_000.0
"""Seconds since 1970, November 2025: this program is not older."""


class Start(Enum):
    """What happens at login."""

    OFF = "off"
    ON = "on"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What the desktop can show; see `notifier.desktop.desk`."""

    is_linux: bool
    wayland: str = ""
    x11: str = ""
    display_answers: bool = False
    environment: str = ""
    has_bus: bool = False
    bus_problem: str = ""
    has_watcher: bool = False
    has_host: bool = False
    daemon: str = ""
    daemon_problem: str = ""
    capabilities: frozenset[str] = frozenset()
    is_inhibited: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was seen, all of it."""

    screen: Screen
    version: str
    python: str
    system: str
    packages: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    """Path of the configuration file."""
    config_exists: bool = True
    config_problems: Sequence[str] = ()
    streams: int = 0
    config_mode: int = 0o600
    has_secrets: bool = False
    history: str = ""
    """Path of the history."""
    history_exists: bool = True
    history_size: int = 0
    history_problem: str = ""
    free: int | None = None
    """Bytes left where the history lies."""
    autostart: Start = Start.OFF
    autostart_place: str = ""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment and what they name, without credentials."""
    proxy_problem: str = ""
    now: float = 0.0


def examine(machine: Machine) -> list[Finding]:
    """A finding for each matter, in the order of what depends on what."""
    checks = (_versions, _display, _bus, _tray, _daemon, _config, _history, _autostart, _clock, _proxies)
    return [finding for check in checks for finding in check(machine)]


def _fine(topic: str, what: str) -> Finding:
    return Finding(Level.FINE, topic, what)


def _versions(machine: Machine) -> Iterator[Finding]:
    told = _("sse-notifier {version}, Python {python} on {system}", version=machine.version, python=machine.python,
             system=machine.system)  # fmt: skip
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    yield Finding(Level.FINE, "versions", told, packages)


def _display(machine: Machine) -> Iterator[Finding]:
    screen = machine.screen
    if not screen.is_linux:
        return
    name = _("Wayland ({name})", name=screen.wayland) if screen.wayland else _("X11 ({name})", name=screen.x11)
    if not screen.wayland and not screen.x11:
        yield Finding(
            Level.NOTE,
            "display",
            _("there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set"),
            _("notifications are shown in the terminal"),
            _("start it in a desktop session"),
        )
    elif not screen.display_answers:
        yield Finding(
            Level.WRONG,
            "display",
            _("the display {name} does not answer", name=name),
            _("the variable may be left over from a session that has ended"),
            _("start it in a desktop session"),
        )
    else:
        where = f", {screen.environment}" if screen.environment else ""
        yield _fine("display", _("the display is {name}{where}", name=name, where=where))


def _bus(machine: Machine) -> Iterator[Finding]:
    screen = machine.screen
    if not screen.is_linux:
        return
    if not screen.has_bus:
        yield Finding(
            Level.WRONG,
            "bus",
            _("there is no session bus"),
            _("bubbles and the tray icon both need one"),
            _("start it in a desktop session, or with dbus-run-session (Debian package dbus)"),
        )
    elif screen.bus_problem:
        yield Finding(
            Level.WRONG,
            "bus",
            _("the session bus cannot be reached ({why})", why=screen.bus_problem),
            _("DBUS_SESSION_BUS_ADDRESS may be left over from a session that has ended"),
            _("start it in a desktop session"),
        )
    else:
        yield _fine("bus", _("the session bus answers"))


def _tray(machine: Machine) -> Iterator[Finding]:
    screen = machine.screen
    if not screen.is_linux or not screen.has_bus or screen.bus_problem:
        return
    if screen.has_watcher and screen.has_host:
        yield _fine("tray", _("the desktop shows tray icons"))
        return
    is_gnome = "gnome" in screen.environment.lower()
    todo = _("add a status tray to the panel: in Xfce the plugin “Status Tray”, in LXQt “Status Notifier”; sway and"
             " others have one in waybar")  # fmt: skip
    if is_gnome:
        todo = _("GNOME shows none by itself: install the extension “AppIndicator and KStatusNotifierItem Support”"
                 " (Debian: gnome-shell-extension-appindicator), switch it on, and log in anew")  # fmt: skip
    yield Finding(
        Level.NOTE,
        "tray",
        _("nothing shows tray icons here"),
        _("notifications come all the same; the icon appears as soon as something shows it"),
        todo,
    )


def _daemon(machine: Machine) -> Iterator[Finding]:
    screen = machine.screen
    if not screen.is_linux or not screen.has_bus or screen.bus_problem:
        return
    if not screen.daemon:
        is_slow = screen.daemon_problem == "timeout"
        yield Finding(
            Level.WRONG,
            "daemon",
            _("the notification daemon does not answer") if is_slow else _("no notification daemon answers"),
            _("notifications are shown in the terminal, and kept in the history"),
            _("restart it") if is_slow else _("install one, such as dunst; a desktop brings one of its own"),
        )
        return
    if screen.is_inhibited:
        yield Finding(
            Level.NOTE,
            "daemon",
            _("{name} has Do Not Disturb on", name=screen.daemon),
            _("it takes bubbles and shows none"),
            _("switch it off in the desktop's settings"),
        )
    able = ", ".join(sorted(screen.capabilities)) or "-"
    yield Finding(
        Level.FINE, "daemon", _("bubbles are shown by {name}", name=screen.daemon), _("it can: {able}", able=able)
    )


def _config(machine: Machine) -> Iterator[Finding]:
    if not machine.config_exists:
        yield Finding(
            Level.NOTE,
            "configuration",
            _("there is no configuration file yet ({path})", path=machine.config),
            _("only URLs on the command line can be followed"),
            _("write one to begin with: sse-notifier config init"),
        )
        return
    if machine.config_problems:
        yield Finding(
            Level.WRONG,
            "configuration",
            ngettext("the configuration has a mistake", "the configuration has {count} mistakes",
                     len(machine.config_problems), count=len(machine.config_problems)),
            "; ".join(machine.config_problems[:5]),
            _("mend it; sse-notifier config check tells all"),
        )  # fmt: skip
        return
    if machine.has_secrets and machine.config_mode & 0o077:
        yield Finding(
            Level.NOTE,
            "configuration",
            _("others on this machine may read the configuration ({mode})", mode=f"{machine.config_mode & 0o777:o}"),
            _("it may hold tokens"),
            f"chmod 600 {machine.config}",
        )
    count = ngettext("{count} stream", "{count} streams", machine.streams, count=machine.streams)
    yield _fine("configuration", _("{path} is in order: {count}", path=machine.config, count=count))


def _history(machine: Machine) -> Iterator[Finding]:
    if machine.history_problem:
        yield Finding(
            Level.WRONG,
            "history",
            machine.history_problem,
            _("what cannot be kept in it is kept in memory, and gone with the program"),
            _("start the program; it moves a damaged history aside and begins a new one"),
        )
        return
    if machine.free is not None and machine.free < LITTLE_SPACE:
        yield Finding(
            Level.WRONG,
            "history",
            _("only {free} MiB are free where the history lies", free=machine.free // 2**20),
            _("on a full disk it is kept in memory, and gone with the program"),
            _("make room"),
        )
    if machine.history_exists:
        size = f"{machine.history_size / 2**20:.1f}"
        yield _fine("history", _("the history is in order ({path}, {size} MiB)", path=machine.history, size=size))
    else:
        yield _fine("history", _("there is no history yet ({path})", path=machine.history))


def _autostart(machine: Machine) -> Iterator[Finding]:
    match machine.autostart:
        case Start.ON:
            yield _fine("autostart", _("it starts at login ({place})", place=machine.autostart_place))
        case Start.OFF:
            yield _fine("autostart", _("it does not start at login (sse-notifier autostart on)"))
        case Start.OTHER:
            yield Finding(
                Level.NOTE,
                "autostart",
                _(
                    "another program or configuration than this one starts at login ({place})",
                    place=machine.autostart_place,
                ),
                _("it may be an older version, or one in another place"),
                _("to start this one: sse-notifier autostart on"),
            )
        case Start.UNKNOWN:
            yield Finding(
                Level.NOTE, "autostart", _("whether it starts at login cannot be seen"), machine.autostart_place
            )


def _clock(machine: Machine) -> Iterator[Finding]:
    if machine.now < EARLIEST:
        yield Finding(
            Level.WRONG,
            "clock",
            _("this computer's clock is years behind"),
            _("certificates look as if they were not valid yet, and quiet hours are at the wrong time"),
            _("set this computer's clock by the network (timedatectl set-ntp true)"),
        )
    else:
        yield _fine("clock", _("the clock is plausible; streams tell more"))


def _proxies(machine: Machine) -> Iterator[Finding]:
    if machine.proxy_problem:
        yield Finding(
            Level.WRONG,
            "proxy",
            _("the environment's proxy {problem}", problem=machine.proxy_problem),
            "",
            _('mend the variable, or go without: proxy = "none"'),
        )
    elif machine.proxies:
        told = ", ".join(f"{name}={value}" for name, value in machine.proxies.items())
        yield _fine("proxy", _("the environment names a proxy: {told}", told=told))
    else:
        yield _fine("proxy", _("the environment names no proxy"))
