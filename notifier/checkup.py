"""What was seen of this machine in, findings out: what is fine, what is not, and what to do about it.  Pure.

What is to be said of the desktop is the matter of `deskcheck`, and of a stream, that of `diagnosis`.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from notifier.deskcheck import examine_desk
from notifier.desktop.desk import Desk
from notifier.errors import Ailment
from notifier.finding import Finding, Level
from notifier.language import _, ngettext

LITTLE_SPACE = 100 * 2**20
"""Bytes; with less the history may soon find no room."""
EARLIEST = 1_764_000_000.0
"""Seconds since 1970, November 2025: this program is not older."""

SET_CLOCK: Final = {
    "linux": "timedatectl set-ntp true",
    # By itself that mends no more than a few hours.
    "win32": "timedate.cpl, then w32tm /resync",
    "darwin": "sudo sntp -sS time.apple.com",
}
"""By platform."""
PLAIN: Final = re.compile(r"[\w.:~\\/-]+")
"""What neither shell of Windows takes for anything else."""


class Start(Enum):
    """What happens at login."""

    OFF = "off"
    ON = "on"
    OTHER = "other"
    UNKNOWN = "unknown"


class Access(Enum):
    """How far we got with a file."""

    READ = "read"
    MISSING = "missing"
    CLOSED = "closed"
    """It is there, and cannot be read."""
    SLOW = "slow"
    """No answer in time: a network drive that is away, most likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The configuration file."""

    path: str
    access: Access = Access.READ
    problem: str = ""
    """Why it cannot be read."""
    mistakes: Sequence[str] = ()
    streams: int = 0
    """Those that are in order."""
    mode: int = 0o600
    has_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The history's file."""

    path: str
    access: Access = Access.READ
    problem: str = ""
    """Why it cannot be read."""
    ailment: Ailment | None = None
    is_writable: bool = True
    size: int = 0
    """Bytes."""
    free: int | None = None
    """Bytes left where it lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was seen, all of it."""

    desk: Desk
    version: str
    python: str
    system: str
    platform: str = "linux"
    """As `sys.platform`: which commands there are."""
    packages: Mapping[str, str] = field(default_factory=dict)
    configuration: Configuration
    history: History
    autostart: Start = Start.OFF
    autostart_place: str = ""
    """Where it is written, or why that cannot be seen."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """Variables of the environment and what they name, without credentials."""
    proxy_problem: str = ""
    now: float = 0.0


def examine(machine: Machine) -> list[Finding]:
    """A finding for each matter, in the order of what depends on what."""
    checks = (_configuration, _history, _autostart, _clock, _proxies)
    return [
        *_versions(machine),
        *examine_desk(machine.desk),
        *(finding for check in checks for finding in check(machine)),
    ]


def _fine(topic: str, what: str) -> Finding:
    return Finding(Level.FINE, topic, what)


def _versions(machine: Machine) -> Iterator[Finding]:
    told = _("sse-notifier {version}, Python {python} on {system}", version=machine.version, python=machine.python,
             system=machine.system)  # fmt: skip
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    yield Finding(Level.FINE, "versions", told, packages)


def _configuration(machine: Machine) -> Iterator[Finding]:
    found, platform = machine.configuration, machine.platform
    match found.access:
        case Access.MISSING:
            yield Finding(
                Level.NOTE,
                "configuration",
                _("there is no configuration file yet ({path})", path=found.path),
                _("only URLs on the command line can be followed"),
                _("write one to begin with: sse-notifier config init"),
            )
            return
        case Access.CLOSED:
            yield Finding(
                Level.WRONG,
                "configuration",
                found.problem,
                _("without it nothing can be followed but URLs on the command line"),
                _("give yourself the right to read it: see what {command} says", command=_rights(found.path, platform)),
            )
            return
        case Access.SLOW:
            yield _slow("configuration", found.path, platform)
            return
    count = ngettext("{count} stream", "{count} streams", found.streams, count=found.streams)
    if found.mistakes:
        yield Finding(
            Level.WRONG,
            "configuration",
            ngettext("the configuration has a mistake", "the configuration has {count} mistakes",
                     len(found.mistakes), count=len(found.mistakes)),
            "; ".join(found.mistakes[:5]),
            _("mend it; sse-notifier config check tells all (in order, and looked at below: {count})", count=count)
            if found.streams
            else _("mend it; sse-notifier config check tells all"),
        )  # fmt: skip
    if found.has_secrets and found.mode & 0o077:
        yield Finding(
            Level.NOTE,
            "configuration",
            _("others on this machine may read the configuration ({mode})", mode=f"{found.mode & 0o777:o}"),
            _("it may hold tokens"),
            f"chmod 600 {shlex.quote(found.path)}",
        )
    if not found.mistakes and not found.streams:
        yield Finding(
            Level.NOTE,
            "configuration",
            _("{path} names no stream yet", path=found.path),
            _("sse-notifier run has nothing to follow without a URL, and does not start at login"),
            _("look at a stream and add it: sse-notifier probe URL --save NAME"),
        )
    elif not found.mistakes:
        yield _fine("configuration", _("{path} is in order: {count}", path=found.path, count=count))


def _history(machine: Machine) -> Iterator[Finding]:
    found, platform = machine.history, machine.platform
    in_memory = _("what cannot be kept in it is kept in memory, and gone with the program")
    if found.access is Access.SLOW:
        yield _slow("history", found.path, platform)
        return
    if found.ailment is not None:
        advice = {
            Ailment.LOCKED: _("see which program has it open, and end that: {command}",
                              command=_users(found.path, platform)),
            Ailment.DAMAGED: _("start the program; it moves a damaged history aside and begins a new one"),
            Ailment.NEWER: _("install the newer version again; or begin a new history: {command}",
                             command=_move(found.path, ".newer", platform)),
            Ailment.FOREIGN: _("it is no history of this program; move it away: {command}",
                               command=_move(found.path, ".other", platform)),
            Ailment.CLOSED: _("give yourself the right to read and write it: see what {command} says",
                              command=_rights(found.path, platform)),
            Ailment.DISK: _("make room, and see whether the system's log tells of errors of the disk"),
        }  # fmt: skip
        yield Finding(Level.WRONG, "history", found.problem, in_memory, advice[found.ailment])
        return
    if found.free is not None and found.free < LITTLE_SPACE:
        yield Finding(
            Level.WRONG,
            "history",
            _("only {free} MiB are free where the history lies", free=found.free // 2**20),
            _("on a full disk it is kept in memory, and gone with the program"),
            _("make room"),
        )
    if not found.is_writable:
        yield Finding(
            Level.WRONG,
            "history",
            _("the history can be read, and not be written ({path})", path=found.path),
            in_memory,
            _("give yourself the right to write it and its folder: see what {command} says",
              command=_rights_of_both(found.path, platform)),
        )  # fmt: skip
    elif found.access is Access.MISSING:
        yield _fine("history", _("there is no history yet ({path})", path=found.path))
    else:
        size = f"{found.size / 2**20:.1f}"
        yield _fine("history", _("the history is in order ({path}, {size} MiB)", path=found.path, size=size))


def _slow(topic: str, path: str, platform: str) -> Finding:
    command = f"{'dir' if platform == 'win32' else 'ls'} {_quoted(path, platform)}"
    return Finding(
        Level.WRONG,
        topic,
        _("{path} does not answer", path=path),
        _("it may lie on a network drive that is away"),
        _("see whether {command} comes to an end; then look at the network and the mount", command=command),
    )


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
            _(
                "set this computer's clock by the network ({command})",
                command=SET_CLOCK.get(machine.platform, SET_CLOCK["linux"]),
            ),
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


def _quoted(path: str, platform: str) -> str:
    """The path as one word of a shell; cmd and PowerShell agree on double quotes, which no path of theirs contains."""
    if platform != "win32":
        return shlex.quote(path)
    return path if PLAIN.fullmatch(path) else f'"{path}"'


def _rights(path: str, platform: str) -> str:
    return f"{'icacls' if platform == 'win32' else 'ls -l'} {_quoted(path, platform)}"


def _rights_of_both(path: str, platform: str) -> str:
    """Those of a file and of its folder."""
    if platform == "win32":
        return f"icacls {_quoted(str(PureWindowsPath(path).parent), platform)} /t"
    return f"ls -ld {_quoted(path, platform)} {_quoted(str(PurePosixPath(path).parent), platform)}"


def _users(path: str, platform: str) -> str:
    """Which programs have the file open."""
    if platform == "win32":  # no command tells it
        name = PureWindowsPath(path).name
        return _("the Resource Monitor (resmon), CPU, Associated Handles, {name}", name=name)
    return f"{'lsof' if platform == 'darwin' else 'fuser -v'} {_quoted(path, platform)}"


def _move(path: str, end: str, platform: str) -> str:
    """Give the file a name that ends in this as well."""
    command = "move" if platform == "win32" else "mv"
    return f"{command} {_quoted(path, platform)} {_quoted(path + end, platform)}"
