"""Text in, onto the person's clipboard.  Runs what the system has for that; no shell, and nothing of it in a log."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence

from notifier.desktop import child
from notifier.errors import ErrandFailed
from notifier.language import _

DEADLINE = 5.0
"""Seconds that such a program has; it goes on by itself after it took the text."""


async def copy(text: str, environ: Mapping[str, str], *, platform: str = sys.platform) -> None:
    """Put `text` on the clipboard.

    Raises:
        ErrandFailed: nothing here can do it, or what can did not.
    """
    data = text.encode("utf-16" if platform == "win32" else "utf-8")
    tried = False
    for command in commands(environ, platform):
        program = shutil.which(command[0], path=environ.get("PATH"))
        if program is None:
            continue
        tried = True
        with contextlib.suppress(OSError):
            if await child.run([program, *command[1:]], environ, deadline=DEADLINE, data=data) == 0:
                return
    if tried:
        raise ErrandFailed(_("The clipboard did not take the text"))
    raise ErrandFailed(_("Nothing here can copy text: install wl-clipboard, xclip or xsel"))


def commands(environ: Mapping[str, str], platform: str) -> Iterator[Sequence[str]]:
    """What may copy standard input here, the best first."""
    if platform == "win32":
        yield ("clip",)
        return
    if platform == "darwin":
        yield ("pbcopy",)
        return
    if environ.get("WAYLAND_DISPLAY"):
        yield "wl-copy", "--type", "text/plain"
    if environ.get("DISPLAY"):
        yield "xclip", "-selection", "clipboard"
        yield "xsel", "--clipboard", "--input"
