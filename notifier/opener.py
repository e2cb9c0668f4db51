"""A file in, open in the person's editor.  No shell, and the loop never waits for an editor."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from notifier.desktop import child
from notifier.errors import ErrandFailed
from notifier.language import _

DEADLINE = 15.0
"""Seconds that the child below has."""
TAKEN = 5.0
"""Seconds after which a program that still runs has taken the file: some openers wait for the editor to end."""
OPEN = """
import subprocess, sys
null = subprocess.DEVNULL
editor = subprocess.Popen(sys.argv[2:], stdin=null, stdout=null, stderr=null, start_new_session=True)
try:
    sys.exit(editor.wait(float(sys.argv[1])) != 0)
except subprocess.TimeoutExpired:
    pass
"""
"""The editor is not our child: it stays when we go."""


async def open_text(
    file: Path, environ: Mapping[str, str], *, taken: float = TAKEN, platform: str = sys.platform
) -> None:
    """Open a text file with what the desktop opens such files with.

    Args:
        file: Its absolute path.
        environ: Of this process.
        taken: Seconds; see `TAKEN`.
        platform: As `sys.platform`.

    Raises:
        ErrandFailed: nothing here does.
    """
    if sys.platform == "win32":
        try:
            await asyncio.to_thread(os.startfile, file, "edit")
        except OSError:
            await _run(["notepad.exe", str(file)], environ, taken)
        return
    for command in commands(platform):
        program = shutil.which(command[0], path=environ.get("PATH"))
        if program is not None and await _run([program, *command[1:], str(file)], environ, taken):
            return
    raise ErrandFailed(_("Nothing here opens {path}; open it in an editor of yours", path=file))


def commands(platform: str) -> Sequence[Sequence[str]]:
    """What may open a text file here, the best first; the file's name follows."""
    return [["open", "-t"]] if platform == "darwin" else [["xdg-open"], ["gio", "open"]]


async def _run(command: Sequence[str], environ: Mapping[str, str], taken: float) -> bool:
    opening = [sys.executable, "-P", "-c", OPEN, str(taken), *command]
    return await child.run(opening, environ, deadline=DEADLINE) == 0
