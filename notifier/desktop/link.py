"""The link of a notification in, a page in the person's browser out.  No shell, and the loop never waits for a browser.

The choice of the browser is the standard library's: BROWSER where it is set, else what the system calls its default.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from notifier.desktop import child
from notifier.errors import LinkFailed
from notifier.language import _
from notifier.notification import is_web_link

DEADLINE: Final = 15.0
"""Seconds.  The standard library itself waits up to 5 s for each browser that it tries."""
OPEN: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


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
    status = await child.run([sys.executable, "-P", "-c", OPEN, url], environ, deadline=deadline)
    if status is None:
        raise LinkFailed(
            _("No browser opened the link within {seconds} s: set BROWSER to one that does", seconds=f"{deadline:g}")
        )
    if status:
        raise LinkFailed(_("No browser opened the link: install one, or set BROWSER to its command"))
