"""A notification in, a bubble by plyer out: the portable last resort, treated as unreliable.

plyer blocks, returns nothing when the bubble was lost, and raises in threads that nobody sees.  So it lives in a child
process: this module, run with ``python -m``, takes a JSON line for each bubble and gives a line back.  One that stays
silent is killed, and the next bubble gets a new one.  No clicks, no urgency, no replacement: plyer has none of them.
"""

import asyncio
import contextlib
import html
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import IO, Final

from notifier.desktop.child import NO_CONSOLE
from notifier.desktop.text import clamp, with_progress
from notifier.errors import BubbleFailed
from notifier.language import _
from notifier.notification import Notification, Withdrawal

APP_NAME: Final = "sse-notifier"
DEADLINE: Final = 5.0
"""Seconds for one bubble, starting the child included."""
WINDOWS_TITLE: Final = 63
"""UTF-16 units: NOTIFYICONDATAW.szInfoTitle has 64, one of them for the end."""
WINDOWS_BODY: Final = 255
"""UTF-16 units: NOTIFYICONDATAW.szInfo has 256."""
SHOWN: Final = b"shown"
"""A line of its own, whose end is that of the system: on Windows two characters."""


class PlyerDesktop:
    """plyer in a child process.

    Args:
        environ: of the child.
        deadline: seconds for one bubble.
        platform: as `sys.platform`; it decides what the text has to look like.
    """

    hears = False

    name = "plyer"

    def __init__(self, environ: Mapping[str, str], *, deadline: float = DEADLINE, platform: str = sys.platform) -> None:
        self._environ, self._deadline, self._platform = dict(environ), deadline, platform
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def show(self, notification: Notification) -> None:
        """Show a bubble; that plyer did not complain is all that can be known of it."""
        title, body = text_for(self._platform, notification)
        line = json.dumps({"title": title, "message": body, "app_name": APP_NAME}).encode() + b"\n"
        try:
            async with asyncio.timeout(self._deadline), self._turn:
                answered = False
                try:
                    await self._tell(line)
                    answered = True
                finally:
                    if not answered:
                        await self._kill()
        except TimeoutError as error:
            raise BubbleFailed(
                _("plyer did not show a bubble within {seconds} s", seconds=f"{self._deadline:g}")
            ) from error

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """What was shown here cannot be taken back."""

    async def close(self) -> None:
        await self._kill()

    async def _tell(self, line: bytes) -> None:
        child = self._child or await self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        complaint = b""
        try:
            child.stdin.write(line)
            await child.stdin.drain()
            while (answer := await child.stdout.readline()).rstrip(b"\r\n") != SHOWN:
                if not answer:
                    raise BubbleFailed(_("plyer cannot show bubbles here") + words(complaint))
                complaint = answer
        except (OSError, ValueError) as error:
            raise BubbleFailed(_("plyer cannot show bubbles here") + words(complaint)) from error
        if complaint and self._platform != "win32":
            raise BubbleFailed(_("plyer lost the bubble") + words(complaint))

    async def _start(self) -> asyncio.subprocess.Process:
        # In a locale of another encoding neither Python nor notify-send can pass every character on.
        environ = self._environ | ({} if self._platform == "win32" else {"LC_ALL": "C.UTF-8"})
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-W",
            "ignore",
            "-m",
            __name__,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            creationflags=NO_CONSOLE,
        )
        return self._child

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                child.kill()
            else:
                os.killpg(child.pid, signal.SIGKILL)  # with the notify-send that it waits for
        # Reads what is left, so that the pipes are closed as well.
        await child.communicate()


def text_for(platform: str, notification: Notification) -> tuple[str, str]:
    """Title and body as plyer on this platform passes them on unharmed."""
    title, body = notification.title, with_progress(notification.body, notification.progress)
    if platform == "win32":
        return clamp(title, WINDOWS_TITLE), clamp(body, WINDOWS_BODY)
    if platform.startswith("linux"):
        # notify-send takes a leading "-" for an option, replaces backslash escapes in the body and leaves markup to
        # the daemon, whose capabilities are not known here.
        body = html.escape(body, quote=False).replace("\\", "\\\\")
        return dashless(title), dashless(body)
    return title, body


def dashless(text: str) -> str:
    return f" {text}" if text.startswith("-") else text


def words(complaint: bytes) -> str:
    """What the child said last, fit for a sentence."""
    text = "".join(c for c in complaint.decode("utf-8", errors="replace").strip() if c.isprintable())[:200]
    return f" ({text})" if text else ""


def serve(lines: IO[str], answers: IO[str]) -> None:
    """The child: each line of `lines` is one bubble; ends when the parent closes them."""
    from plyer import notification as plyer  # only the child pays for the import

    for line in lines:
        plyer.notify(**json.loads(line), timeout=10)
        answers.write(SHOWN.decode() + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
