"""What the menu offers and the agent cannot do: history, editor, clipboard, start at login, about.

Each is done with a program of the desktop, and none of them blocks the event loop.
"""

import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from notifier import __version__
from notifier.autostart import Autostart, State
from notifier.clipboard import copy
from notifier.configfile import ConfigFile
from notifier.desktop.link import open_page
from notifier.errors import AutostartFailed, ErrandFailed
from notifier.history import Row
from notifier.historypage import ROWS_LIMIT, page
from notifier.language import _
from notifier.notification import BODY_LIMIT, OURSELVES, Notification
from notifier.opener import open_text
from notifier.plaintext import lines
from notifier.status import Command, Status, Verb

PRIVATE = 0o600
"""Others may not read what a person was told."""


class Errands:
    """See the module.

    Args:
        file: The configuration.
        history: Gives the newest so many rows, of one stream or of all, oldest first.
        runtime: A directory for what need not outlast the login, where a browser may read.
        autostart: What starts at login; None where that would be another configuration.
        environ: Of this process.
    """

    def __init__(
        self,
        file: ConfigFile,
        history: Callable[[int, str | None], Sequence[Row]],
        runtime: Path,
        autostart: Autostart | None,
        environ: Mapping[str, str],
    ) -> None:
        self._file = file
        self._history = history
        self._runtime = runtime
        self._autostart = autostart
        self._environ = environ
        self._writing = asyncio.Lock()
        self.starts_at_login: bool | None = None
        """As it was when `look` looked; None if it cannot be known."""
        self.look()

    def table(self) -> dict[Verb, Callable[[Command, Status], Awaitable[Notification | None]]]:
        """What is done for each verb."""
        return {
            Verb.HISTORY: self._show_history,
            Verb.EDIT: self._edit,
            Verb.COPY_ERROR: self._copy_error,
            Verb.AUTOSTART: self._switch_autostart,
            Verb.ABOUT: self._about,
        }

    def look(self) -> None:
        """See again whether the program starts at login: others may switch it, too."""
        try:
            self.starts_at_login = None if self._autostart is None else self._autostart.state() is not State.OFF
        except AutostartFailed:
            self.starts_at_login = None

    async def _show_history(self, command: Command, status: Status) -> None:
        rows = self._history(ROWS_LIMIT, command.stream)
        text = page(rows, datetime.now().astimezone(), command.stream)
        file = self._runtime / "history.html"
        try:
            async with self._writing:  # a second click comes while the first is at it
                await asyncio.to_thread(_write, file, text)
        except OSError as error:
            raise ErrandFailed(
                _("The history cannot be shown: {path} cannot be written ({why})", path=file, why=error.strerror)
            ) from error
        await open_page(file, self._environ, command.token)

    async def _edit(self, command: Command, status: Status) -> None:
        _create(self._file)
        await open_text(self._file.path, self._environ)

    async def _copy_error(self, command: Command, status: Status) -> Notification | None:
        detail = next((stream.detail for stream in status.streams if stream.name == command.stream), "")
        if not detail:
            return None
        try:
            await copy(f"{command.stream}: {detail}", self._environ)
        except ErrandFailed as error:
            return _told(str(error), detail)
        return None

    async def _switch_autostart(self, command: Command, status: Status) -> None:
        if self._autostart is not None and command.on is not None:
            await self._autostart.switch(on=command.on)
        self.look()

    async def _about(self, command: Command, status: Status) -> Notification:
        about = (
            _("Configuration: {path}", path=self._file.path),
            _("Python {version} on {system}", version=platform.python_version(), system=platform.system()),
        )
        return _told(f"sse-notifier {__version__}", "\n".join(about))


def _create(file: ConfigFile) -> None:
    if not os.path.lexists(file.path):
        file.create()


def _told(title: str, body: str) -> Notification:
    return Notification(stream=OURSELVES, title=title, body=lines(body, BODY_LIMIT), key="errand")


def _write(file: Path, text: str) -> None:
    """All of it or nothing, under a name that nobody could have laid a trap at."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with open(beside, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, PRIVATE)) as new:
        new.write(text)
    beside.replace(file)
