"""Our two commands, each in a process of its own on the rig."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.desktop.rig import Rig, until

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds for what takes a process start or a few attempts to reconnect."""


class Child:
    """One of our commands in a process of its own, on the rig."""

    def __init__(self, rig: Rig, *arguments: str, **environ: str) -> None:
        self._out, self._err = rig.home / f"{arguments[0]}.out", rig.home / f"{arguments[0]}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", *arguments],
                env={**rig.environ, **environ},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        if not self.ended():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def left_behind(self) -> list[str]:
        """Processes of its session that are still there."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.process.pid and fields[0] != "Z":
                found.append(stat.parent.name)
        return found


class Server(Child):
    """The bundled server; `port` 0 takes a free one."""

    def __init__(self, rig: Rig, port: int = 0) -> None:
        super().__init__(rig, "server", "--port", str(port))
        until("the server said where it is", lambda: "\n" in self.output, PATIENCE)
        self.base = self.output.splitlines()[0].split()[-1].rstrip("/")
        self.port = int(self.base.rpartition(":")[2])

    def publish(self, **message: str) -> None:
        body = json.dumps(message).encode()
        request = urllib.request.Request(f"{self.base}/events", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            assert response.status == 201
