"""What a desktop can show: one value, for whoever says what is missing.  Pure."""

from dataclasses import dataclass
from typing import Final

TIMEOUT: Final = "timeout"
"""The problem of who is there and does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What was found."""

    is_linux: bool = True
    """Elsewhere of the rest only what is said of the system is looked for."""
    system: str = ""
    """Windows or macOS; empty on Linux."""
    system_problem: str = ""
    """Why it shows no bubbles, in a sentence."""
    may_show: bool | None = None
    """Whether the person lets it; None where that cannot be asked."""
    has_plyer: bool = False
    """Whether there is something else that shows plain bubbles."""
    wayland: str = ""
    """The socket's name; empty if there is none."""
    x11: str = ""
    """DISPLAY; empty if it is not set."""
    display_answers: bool = False
    environment: str = ""
    """XDG_CURRENT_DESKTOP."""
    has_bus: bool = False
    """Whether a session bus is named, or lies where systemd puts it."""
    bus_problem: str = ""
    """`TIMEOUT`, or why it cannot be reached."""
    has_watcher: bool = False
    watcher_problem: str = ""
    """`TIMEOUT`."""
    has_host: bool = False
    is_sandboxed: bool = False
    """Whether this is a Flatpak or a Snap, where the portal is asked first, and the daemon only if that has none."""
    portal: int | None = None
    """Version of the portal for notifications; None if none answers."""
    portal_problem: str = ""
    """`TIMEOUT`, or the name of an error."""
    daemon: str = ""
    """Name and version; empty if none answers."""
    daemon_problem: str = ""
    """`TIMEOUT`, or the name of an error."""
    capabilities: frozenset[str] = frozenset()
    is_inhibited: bool | None = None
    """None where nobody tells."""
