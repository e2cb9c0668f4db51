"""The desktop that commands show bubbles on, and the browser that they open links in."""

import os

from notifier.cli.terminal import is_read, print_line, say
from notifier.desktop import Desktop, Listener, choose
from notifier.desktop.link import open_link


async def open_desktop(listener: Listener) -> Desktop:
    """The best that this machine has; why it is not a better one is told."""
    choice = await choose(os.environ, listener, print_line, is_read=is_read())
    if choice.complaint:
        say(choice.complaint)
    return choice.desktop


async def follow(link: str, token: str) -> None:
    """Open a link in the person's browser, which the token lets come to the front."""
    await open_link(link, os.environ, token)
