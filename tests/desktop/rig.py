"""A whole desktop without a screen: bus, X server, notification daemon, panel.  Each a real one, each a child process.

A :class:`Rig` starts nothing by itself: each :class:`Piece` starts what it stands on when it is started first.  Two
rigs share nothing, so they may run at once.  Nothing here sleeps for time to pass; it looks again until a deadline.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from tests.needs import needs

DEADLINE = 30.0
"""Seconds to wait for anything; far more than it takes, as the machine may be busy."""
LOOK_AGAIN = 0.02
"""Seconds between two looks at a condition."""
SHOTS = Path(__file__).parents[2] / "build" / "shots"
"""Where screenshots go, for a person to look at."""

_displays = count(1000 + os.getpid() % 1000 * 50)
"""Numbers for X servers."""

NOTIFICATIONS = "org.freedesktop.Notifications"
WATCHER = "org.kde.StatusNotifierWatcher"

BUS_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:path={home}/run/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{home}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
DUNST_CONFIG = """\
[global]
    follow = none
    width = 360
    height = 200
    origin = top-right
    offset = 10x10
    font = DejaVu Sans 11
    markup = full
    format = "<b>%s</b>\\n%b"
    frame_width = 1
    show_indicators = no
    padding = 12
    horizontal_padding = 14
    corner_radius = 6
    background = "#26303b"
    foreground = "#f2f4f6"
    frame_color = "#4a5a6a"
    stack_duplicates = no
    icon_position = left
    max_icon_size = 96
    dmenu = {home}/chooser
    mouse_left_click = do_action, close_current
[urgency_low]
    timeout = 0
[urgency_normal]
    timeout = 0
[urgency_critical]
    timeout = 0
    frame_color = "#e05050"
    background = "#3b2730"
"""
PANEL_CONFIG = """\
<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=8;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="menu-is-primary" type="bool" value="false"/>
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"""

OTHER_PANEL_CONFIG = """\
[General]
__userfile__=true
panels=panel1

[panel1]
plugins=spacer, statusnotifier
position=Bottom
width=100
width-percent=true
height=30
iconSize=22
background-color=#f6f5f4

[spacer]
type=spacer
expandable=true

[statusnotifier]
type=statusnotifier
"""


def until(what: str, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Look until `condition()` is true; for tests without an event loop, and for those whose loop has no part in it."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"{deadline:g} s passed before {what}"
        time.sleep(LOOK_AGAIN)


async def eventually(what: str, condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Look until `condition()` is true while the event loop goes on."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"{deadline:g} s passed before {what}"
        await asyncio.sleep(LOOK_AGAIN)


@dataclass(frozen=True, slots=True)
class Window:
    """One X window, in pixels from the top left corner of the screen."""

    id: str
    name: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class NotifyCall:
    """What an application said to the daemon, as it was seen on the bus."""

    app_name: str
    replaces_id: int
    icon: str
    title: str
    body: str
    actions: list[str]
    hints: dict[str, Variant]
    expire_ms: int


class Piece:
    """One child process of a rig; start, stop, freeze and restart it as the test likes."""

    def __init__(
        self,
        rig: "Rig",
        command: Callable[[], list[str]],
        ready: Callable[[], object],
        *,
        needs: tuple[str, ...],
        on: "tuple[Piece, ...]" = (),
    ) -> None:
        self._rig, self._command, self._ready, self._needs, self._on = rig, command, ready, needs, on
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and what it stands on, and wait until it answers; nothing happens if it runs already."""
        if self.running:
            self.thaw()
            return
        for piece in self._on:
            piece.start()
        needs(*self._needs)
        command = self._command()
        log = self._rig.home / f"{Path(command[0]).name}.log"
        with log.open("ab") as output:
            # A session of its own: the panel has children, and all of them must go when it goes.
            self._process = subprocess.Popen(
                command,
                env=self._rig.environ,
                cwd=self._rig.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            until(f"{command[0]} was ready", lambda: not self.running or self._ready())
            assert self.running, f"{command[0]} ended with {self._process.returncode}"
        except AssertionError as error:
            error.add_note(log.read_text(errors="replace")[-2_000:])
            raise

    def kill(self) -> None:
        """End it and its children at once, as a crash would."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._process, self._frozen = None, False

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: it is there, and it does not answer."""
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        if self._frozen:
            self._signal(signal.SIGCONT)
        self._frozen = False

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            assert not self.running


class Rig:
    """Bus, screen, daemon and panel in a home of their own; leave the `with` block and nothing is left of them."""

    def __init__(self) -> None:
        # Not below pytest's own directory: the path of a Unix socket has at most 107 bytes.
        self.home = Path(tempfile.mkdtemp(prefix="rig-"))
        for name in ("run", "config", "cache", "data", "state", "services"):
            (self.home / name).mkdir(mode=0o700)
        # A number that X would choose by itself, another test's screen may have had a moment ago: whoever still looks
        # for that one would find this one.
        self._display = next(_displays)
        self.environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.home}/run/bus",
            "GSETTINGS_BACKEND": "memory",
            "GIO_USE_VFS": "local",
            "NO_AT_BRIDGE": "1",
        }
        """For a child process under test.  DISPLAY is in it once `screen` runs."""
        self.bus = Piece(self, self._bus_command, self._bus_is_ready, needs=("dbus", "dbus-daemon", "dbus-send"))
        self.screen = Piece(self, self._screen_command, self._screen_is_ready, needs=("xvfb", "Xvfb"))
        x11 = (self.bus, self.screen)
        self.daemon = Piece(self, self._daemon_command, lambda: self.has_owner(NOTIFICATIONS), needs=("dunst",), on=x11)
        self.other_daemon = Piece(
            self,
            lambda: [library("xfce4/notifyd/xfce4-notifyd", "xfce4-notifyd")],
            lambda: self.has_owner(NOTIFICATIONS),
            needs=("xfce4-notifyd", "xfce4-notifyd-config"),
            on=x11,
        )
        self.xfconf = Piece(
            self,
            self._xfconf_command,
            lambda: self.has_owner("org.xfce.Xfconf"),
            needs=("xfconf", "xfconf-query"),
            on=(self.bus,),
        )
        self.permissions = Piece(
            self,
            lambda: ["/usr/libexec/xdg-permission-store"],
            lambda: self.has_owner("org.freedesktop.impl.portal.PermissionStore"),
            needs=("xdg-desktop-portal", "/usr/libexec/xdg-permission-store"),
            on=(self.bus,),
        )
        self.portal_backend = Piece(
            self,
            lambda: ["/usr/libexec/xdg-desktop-portal-gtk"],
            lambda: self.has_owner("org.freedesktop.impl.portal.desktop.gtk"),
            needs=("xdg-desktop-portal-gtk", "/usr/libexec/xdg-desktop-portal-gtk"),
            on=x11,
        )
        self.portal = Piece(
            self,
            lambda: ["env", "XDG_CURRENT_DESKTOP=gnome", "/usr/libexec/xdg-desktop-portal"],
            lambda: self.has_owner("org.freedesktop.portal.Desktop"),
            needs=("xdg-desktop-portal", "/usr/libexec/xdg-desktop-portal"),
            on=(self.daemon, self.permissions, self.portal_backend),
        )
        self.panel = Piece(
            self,
            lambda: ["xfce4-panel", "--disable-wm-check", "--sm-client-disable"],
            lambda: self.has_owner(WATCHER),
            needs=("xfce4-panel",),
            on=(self.screen, self.xfconf),
        )
        self.other_panel = Piece(
            self, self._other_panel_command, lambda: self.has_owner(WATCHER), needs=("lxqt-panel",), on=x11
        )

    def __enter__(self) -> "Rig":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for piece in (
            self.panel,
            self.other_panel,
            self.portal,
            self.portal_backend,
            self.permissions,
            self.xfconf,
            self.other_daemon,
            self.daemon,
            self.screen,
            self.bus,
        ):
            piece.kill()
        shutil.rmtree(self.home)

    def run(self, *command: str) -> str:
        """Run a short command on this desktop and return what it printed."""
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def has_owner(self, name: str) -> bool:
        """Whether somebody on the bus owns `name` now."""
        bus = "org.freedesktop.DBus"
        return "true" in self.run(
            "dbus-send", "--session", "--print-reply", f"--dest={bus}", f"/{bus.replace('.', '/')}",
            f"{bus}.NameHasOwner", f"string:{name}",
        )  # fmt: skip

    def bubbles(self) -> int:
        """How many bubbles dunst shows now."""
        return int(self.run("dunstctl", "count", "displayed"))

    def click_bubble(self) -> None:
        """The default click on the topmost bubble of dunst."""
        self.run("dunstctl", "action", "0")

    def choose(self, label: str) -> None:
        """A click on the button of dunst's bubbles that has this label."""
        (self.home / "choice").write_text(label)
        self.run("dunstctl", "context")

    def close_bubbles(self) -> None:
        """Close each bubble of dunst, as a person would."""

        def closed() -> bool:
            # Each time anew: another one may just have come.
            self.run("dunstctl", "close-all")
            return self.bubbles() == 0

        until("the bubbles were closed", closed)

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Press a mouse button at a place of the screen; 1 is left, 3 is right."""
        needs("xdotool")
        self.run("xdotool", "mousemove", str(x), str(y), "click", str(button))

    def windows(self, name: str = "") -> list[Window]:
        """Every window on the screen whose name contains `name`, the topmost first; hidden ones are not in it."""
        needs("x11-utils", "xwininfo")
        line = re.compile(
            r'^ +(0x[0-9a-f]+) (?:"(.*)": \(.*\)|\(has no name\): \(.*\)) +(\d+)x(\d+)\S* +\+(-?\d+)\+(-?\d+)$'
        )
        found = []
        for text in self.run("xwininfo", "-root", "-tree").splitlines():
            if match := line.match(text):
                number, title, width, height, x, y = match.groups()
                if name in (title or "") and self._is_viewable(number):
                    found.append(Window(number, title or "", int(x), int(y), int(width), int(height)))
        return found

    def _is_viewable(self, window: str) -> bool:
        try:
            return "IsViewable" in self.run("xwininfo", "-id", window)
        except AssertionError:
            return False  # it went between the two looks

    def screenshot(self, name: str) -> Path:
        """The whole screen as build/shots/NAME.png."""
        needs("imagemagick", "import")
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.run("import", "-window", "root", str(path))
        return path

    @asynccontextmanager
    async def monitor(self, *rules: str) -> AsyncIterator[list[Message]]:
        """Collect each message on the bus that one of the match rules names, as dbus-monitor does."""
        bus = await MessageBus(self.environ["DBUS_SESSION_BUS_ADDRESS"]).connect()
        seen: list[Message] = []
        try:
            reply = await bus.call(
                Message(
                    destination="org.freedesktop.DBus",
                    path="/org/freedesktop/DBus",
                    interface="org.freedesktop.DBus.Monitoring",
                    member="BecomeMonitor",
                    signature="asu",
                    body=[list(rules), 0],
                )
            )
            assert reply is not None
            assert reply.message_type is MessageType.METHOD_RETURN, reply.body

            def collect(message: Message) -> bool:
                # The bus tells a new monitor that it lost its name, before or after it answers.
                if message.member != "NameLost" or message.destination != bus.unique_name:
                    seen.append(message)
                return True  # a monitor must not answer

            bus.add_message_handler(collect)
            yield seen
        finally:
            bus.disconnect()

    def _bus_command(self) -> list[str]:
        (self.home / "run" / "bus").unlink(missing_ok=True)
        config = self.home / "bus.conf"
        config.write_text(BUS_CONFIG.format(home=self.home))
        return ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"]

    def _bus_is_ready(self) -> bool:
        try:
            return not self.has_owner("no.such.name")
        except AssertionError:
            return False  # the socket is there a moment before it is listened to

    def _screen_command(self) -> list[str]:
        number = self.home / "display"
        number.unlink(missing_ok=True)
        # A shell opens the file for -displayfd: the number is written once connections are taken.
        line = 'exec Xvfb "$1" -displayfd 3 -screen 0 1000x600x24 -nolisten tcp -noreset 3>"$0"'
        return ["sh", "-c", line, str(number), f":{self._display}"]

    def _screen_is_ready(self) -> bool:
        number = self.home / "display"
        text = number.read_text() if number.exists() else ""
        if not text.endswith("\n"):
            return False
        self.environ["DISPLAY"] = f":{text.strip()}"
        return True

    def _daemon_command(self) -> list[str]:
        config = self.home / "dunstrc"
        config.write_text(DUNST_CONFIG.replace("{home}", str(self.home)))
        chooser = self.home / "chooser"
        chooser.write_text(f'#!/bin/sh\ngrep -m 1 -F -f "{self.home}/choice"\n')
        chooser.chmod(0o700)
        return ["dunst", "-config", str(config)]

    def _other_panel_command(self) -> list[str]:
        config = self.home / "lxqt-panel.conf"
        config.write_text(OTHER_PANEL_CONFIG)
        return ["lxqt-panel", "-c", str(config)]

    def _xfconf_command(self) -> list[str]:
        # It reads its files when it starts, so they have to be there before; afterwards they are its own.
        folder = self.home / "config" / "xfce4" / "xfconf" / "xfce-perchannel-xml"
        if not folder.exists():
            folder.mkdir(parents=True)
            (folder / "xfce4-panel.xml").write_text(PANEL_CONFIG)
        return [library("xfce4/xfconf/xfconfd", "xfconf")]


def notify_call(message: Message) -> NotifyCall:
    """What a monitored call of Notify said."""
    app_name, replaces_id, icon, title, body, actions, hints, expire_ms = message.body
    return NotifyCall(app_name, replaces_id, icon, title, body, actions, hints, expire_ms)


def library(path: str, package: str) -> str:
    """The program that Debian keeps below /usr/lib/TRIPLET."""
    found = sorted(Path("/usr/lib").glob(f"*/{path}"))
    if not found:
        needs(package, f"/usr/lib/*/{path}")
    return str(found[0])
