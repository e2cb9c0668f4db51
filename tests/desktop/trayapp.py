"""The tray alone, in a process of its own: it is told what to show, and tells what it was asked for."""

import base64
import math
import pickle
import subprocess
import sys
from pathlib import Path

from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus
from tests.desktop.rig import Rig

PROGRAM = """
import base64, pickle, sys, threading
from notifier.tray.tray import Tray

def tell(asked):
    print(base64.b64encode(pickle.dumps(asked)).decode(), flush=True)

def read():
    for line in sys.stdin:
        tray.update(pickle.loads(base64.b64decode(line)))

tray = Tray(tell)
threading.Thread(target=read, daemon=True).start()
tray.run()
"""
OPEN, CONNECTING = ReadyState.OPEN, ReadyState.CONNECTING
CI = StreamStatus("ci", OPEN, site="https://ci.example/")
HOME = StreamStatus("home_assistant", OPEN)
DOWN = StreamStatus("ci", CONNECTING, "connection refused", is_outage=True, site="https://ci.example/")
RECENT = (
    Notification(stream="ci", title="Build #512 of main_branch failed", link="https://ci.example/512", row=3),
    Notification(stream="home_assistant", title="The door & the window are open", row=2),
    Notification(stream="ci", title="\u05d4\u05d1\u05e0\u05d9\u05d9\u05d4 \u05e0\u05db\u05e9\u05dc\u05d4 (511)", row=1),
)
CONNECTED = Status((CI, HOME), recent=RECENT)
UNREAD = Status((CI, HOME), recent=RECENT, unread=3, autostart=True)
SOME_OFFLINE = Status((DOWN, HOME), recent=RECENT, autostart=True)
OFFLINE = Status((DOWN,), recent=RECENT)
PAUSED = Status((CI, HOME), recent=RECENT, snoozed_until=math.inf, autostart=True)


class TrayApp:
    """See the module."""

    def __init__(self, rig: Rig, **environ: str) -> None:
        self._output, self._errors = rig.home / "tray.out", rig.home / "tray.err"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", PROGRAM],
                env=rig.environ | environ,
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
            )

    def says(self, status: Status) -> None:
        """Have it show this."""
        assert self.process.stdin is not None
        self.process.stdin.write(base64.b64encode(pickle.dumps(status)) + b"\n")
        self.process.stdin.flush()

    def asked(self) -> list[Command]:
        """What it was asked for so far."""
        return [pickle.loads(base64.b64decode(line)) for line in self._output.read_text().splitlines()]

    def errors(self) -> str:
        """What it complained about."""
        return self._errors.read_text()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.communicate()
