"""The link of a notification in, a page in the person's browser out.  No shell, and the loop never waits for a browser.

The choice of the browser is the standard library's: BROWSER where it is set, else what the system calls its default.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from notifier.errors import LinkFailed
from notifier.language import _
from notifier.notification import is_web_link

DEADLINE: Final = 15.0
"""Seconds.  The standard library itself waits up to 5 s for each browser that it tries."""
OPEN: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
NO_CONSOLE: Final = 0x08000000 if sys.platform == "win32" else 0
"""CREATE_NO_WINDOW of the Windows API."""


async def open_link(url: str, environ: Mapping[str, str], *, deadline: float = DEADLINE) -> None:
    """Open `url`, an absolute http or https URL, in the browser of the person.

    Raises:
        LinkFailed: no browser took it, or none did within `deadline` seconds.
    """
    assert is_web_link(url), "only links of a notification are opened"
    await _browse(url, environ, deadline)


async def open_page(file: Path, environ: Mapping[str, str], *, deadline: float = DEADLINE) -> None:
    """Open a page of ours, an absolute path, in the browser of the person.

    Raises:
        LinkFailed: as `open_link`.
    """
    await _browse(file.as_uri(), environ, deadline)


async def _browse(url: str, environ: Mapping[str, str], deadline: float) -> None:
    # webbrowser blocks, so it runs in a child process; -P keeps it from importing what lies in the working directory.
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        OPEN,
        url,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        creationflags=NO_CONSOLE,
    )
    try:
        async with asyncio.timeout(deadline):
            failed = await child.wait()
    except TimeoutError as error:
        raise LinkFailed(
            _("No browser opened the link within {seconds} s: set BROWSER to one that does", seconds=f"{deadline:g}")
        ) from error
    finally:
        # Only the child that asked for the page is ended; a browser that it started stays.
        if child.returncode is None:
            child.kill()
            await child.wait()
    if failed:
        raise LinkFailed(_("No browser opened the link: install one, or set BROWSER to its command"))
