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

TAKEN: Final = 15.0
"""Seconds after which a browser that still runs has taken the link: some commands end only when the person closes it.
The standard library itself waits up to 5 s for each browser that it tries."""
TOKEN_LIMIT: Final = 1024
"""Characters."""
OPEN: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


async def open_link(url: str, environ: Mapping[str, str], token: str = "", *, taken: float = TAKEN) -> None:
    """Open `url`, an absolute http or https URL, in the browser of the person.

    Args:
        url: What to open.
        environ: Of this process.
        token: What the desktop gave us for the click, so that the browser may come to the front (xdg-activation v1).
        taken: Seconds; see `TAKEN`.

    Raises:
        LinkFailed: no browser took it.
    """
    assert is_web_link(url), "only links of a notification are opened"
    await _browse(url, _with_token(environ, token), taken)


async def open_page(file: Path, environ: Mapping[str, str], token: str = "") -> None:
    """Open a page of ours, an absolute path, in the browser of the person.

    Raises:
        LinkFailed: as `open_link`.
    """
    await _browse(file.as_uri(), _with_token(environ, token), TAKEN)


async def _browse(url: str, environ: Mapping[str, str], taken: float) -> None:
    # webbrowser blocks, so it runs in a child process; -P keeps it from importing what lies in the working directory.
    if await child.run([sys.executable, "-P", "-c", OPEN, url], environ, deadline=taken):
        raise LinkFailed(_("No browser opened the link: install one, or set BROWSER to its command"))


def _with_token(environ: Mapping[str, str], token: str) -> dict[str, str]:
    """With this token, in place of the one that we were started with, which is used up."""
    names = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")
    kept = {name: value for name, value in environ.items() if name not in names}
    return kept | dict.fromkeys(names, token) if token and len(token) <= TOKEN_LIMIT else kept
