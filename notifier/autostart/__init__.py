"""Whether the program starts at login, and the switch for it: one behaviour on Linux, Windows and macOS.

It does not start anything itself: what it writes is read by the desktop at the next login.
"""

import contextlib
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from notifier.autostart import entry
from notifier.autostart.file import FileEntry
from notifier.desktop import FLATPAK, is_sandboxed
from notifier.desktop.child import run
from notifier.errors import AutostartFailed
from notifier.language import _

__all__ = ["Autostart", "State", "choose", "command_of"]

RELOAD: Final = ("systemctl", "--user", "daemon-reload")
"""systemd reads units when it starts, and it may outlive the session.  Where it starts the autostart folder, too, as it
does for GNOME and Plasma, it made units of the entries, which are made anew at the same time."""
PATIENCE = 5.0
"""Seconds for that."""


class State(Enum):
    """What happens at the next login."""

    OFF = "off"
    ON = "on"
    OTHER = "other"
    """Something starts that is not quite this: another Python, another configuration, an older version's entry."""


class Way(Protocol):
    """One way to start at login."""

    @property
    def place(self) -> str:
        """Where it is written, for a person."""

    def read(self) -> str | None:
        """What starts; None if nothing does."""

    def write(self) -> None:
        """Start at login from now on."""

    def remove(self) -> None:
        """No longer."""

    @property
    def text(self) -> str:
        """What `read` gives after `write`; one that cannot be written may raise AutostartFailed."""


class Autostart:
    """Start at login, or not.

    Args:
        ways: By name; the first is the usual one.  At most one is on.
        reload: A program and its arguments by which those who have read the ways already learn of a change.
        environ: All that it inherits.

    Every method raises :class:`~notifier.errors.AutostartFailed` where the system does not let it.
    """

    def __init__(
        self, ways: Mapping[str, Way], *, reload: Sequence[str] = (), environ: Mapping[str, str] | None = None
    ) -> None:
        assert ways, "there is a way on every platform"
        self._ways = dict(ways)
        self._reload, self._environ = reload, environ or {}

    @property
    def names(self) -> tuple[str, ...]:
        """The ways that there are here, the usual one first."""
        return tuple(self._ways)

    def state(self) -> State:
        """What happens at the next login."""
        found = [(read, way) for way in self._ways.values() if (read := way.read()) is not None]
        if not found:
            return State.OFF
        return State.ON if any(read == way.text for read, way in found) else State.OTHER

    def place(self) -> str | None:
        """Where it is written that it starts; None if it does not."""
        return next((way.place for way in self._ways.values() if way.read() is not None), None)

    async def switch(self, on: bool, way: str | None = None) -> None:
        """Start at login, by the way called so or the usual one; or do not."""
        chosen = self._ways.get(way or self.names[0])
        if chosen is None:
            raise AutostartFailed(
                _("There is no {way} here; what there is: {names}", way=way, names=", ".join(self.names))
            )
        if on:
            chosen.write()  # first, so that what worked goes on working where this does not
        for other in self._ways.values():
            if not (on and other is chosen):
                other.remove()
        if self._reload:
            # Without it, or with nobody to tell, the next start of whoever reads them does as well.
            with contextlib.suppress(OSError):
                await run(self._reload, self._environ, deadline=PATIENCE)


def choose(
    environ: Mapping[str, str], command: Sequence[str], *, platform: str = sys.platform, flatpak: Path = FLATPAK
) -> Autostart:
    """The ways of this platform to run `command` at login.

    Args:
        environ: Of this process: it names the folders.
        command: See `command_of`.
        platform: As `sys.platform`.
        flatpak: Is there if this is a Flatpak.
    """
    if sys.platform == "win32":
        from notifier.autostart.registry import RunKey, command_line

        return Autostart({"registry": RunKey(command_line(command))})
    if outside := _from_outside(environ, command, flatpak):
        return Autostart(dict.fromkeys(("desktop", "systemd"), _OutOfReach(outside)))
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        agent = home / "Library" / "LaunchAgents" / f"{entry.NAME}.plist"
        return Autostart({"launchd": FileEntry(agent, partial(entry.launch_agent, command))})
    config = _folder(environ, "XDG_CONFIG_HOME", home / ".config")
    units = config / "systemd" / "user"
    unit = f"{entry.NAME}.service"
    return Autostart(
        {
            "desktop": FileEntry(
                config / "autostart" / f"{entry.NAME}.desktop",
                partial(entry.autostart, command),
                is_off=entry.is_switched_off,
                beside=_launcher(_folder(environ, "XDG_DATA_HOME", home / ".local" / "share"), command),
            ),
            "systemd": FileEntry(
                units / unit,
                partial(entry.systemd_unit, command),
                link=units / "graphical-session.target.wants" / unit,
            ),
        },
        reload=RELOAD,
        environ=environ,
    )


def command_of(argv0: str, executable: str, config: Path | None, *, platform: str = sys.platform) -> list[str]:
    """What to run at login, so that it is the program that runs now.

    Args:
        argv0: `sys.argv[0]`: the installed command, or a file of the package after `python -m notifier`.
        executable: `sys.executable`.
        config: The configuration file; None for the usual one.
        platform: As `sys.platform`.
    """
    script = Path(argv0)
    if script.stem == entry.NAME and script.is_file():
        start = [str(script.absolute())]
    elif platform == "win32":
        # python.exe would open a console window at each login.
        windowless = Path(executable).with_name("pythonw.exe")
        start = [str(windowless if windowless.is_file() else executable), "-m", "notifier"]
    else:
        start = [executable, "-m", "notifier"]
    return [*start, "run", *(["--config", str(config.absolute())] if config is not None else [])]


def _from_outside(environ: Mapping[str, str], command: Sequence[str], flatpak: Path) -> list[str]:
    """The command by which the desktop starts this Flatpak or Snap; empty if this is neither."""
    if not is_sandboxed(environ, flatpak):
        return []
    kind, name = ("flatpak", "FLATPAK_ID") if flatpak.exists() else ("snap", "SNAP_INSTANCE_NAME")
    arguments = command[command.index("run") :] if "run" in command else []
    return [kind, "run", environ.get(name) or entry.NAME, *arguments]


class _OutOfReach:
    """What only the person can switch: no session reads the folders of a Flatpak or Snap, and each update moves a Snap.

    Args:
        command: By which the desktop could start it.
    """

    place = text = ""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = shlex.join(command)

    def read(self) -> str | None:
        raise AutostartFailed(
            _(
                "What starts at login can be neither seen nor changed from inside a Flatpak or Snap; "
                "the desktop's own settings can, with this command: {command}",
                command=self._command,
            )
        )

    def write(self) -> None:
        self.read()

    def remove(self) -> None:
        self.read()


def _launcher(data: Path, command: Sequence[str]) -> dict[Path, Callable[[], bytes]]:
    """The entry and the icon by which a desktop knows the program's name and face."""
    icon = Path(__file__).parent.parent / "assets" / f"{entry.NAME}.png"
    return {
        data / "applications" / f"{entry.NAME}.desktop": lambda: entry.application(command).encode(),
        data / "icons" / "hicolor" / "256x256" / "apps" / f"{entry.NAME}.png": icon.read_bytes,
    }


def _folder(environ: Mapping[str, str], name: str, usual: Path) -> Path:
    # XDG Base Directory Specification: a relative path is to be ignored.
    given = Path(environ.get(name) or "")
    return given if given.is_absolute() else usual
