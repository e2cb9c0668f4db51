"""Notifications in, bubbles out of a desktop that may come later; until it does, out of another one.

At login this program may be started before what shows bubbles, such as the notification daemon.  It would be wrong to
stay with the terminal for ever, and as wrong to write there when a daemon that was there is gone: then the notification
stays the caller's.
"""

import logging

from notifier.desktop import Desktop
from notifier.errors import BubbleFailed
from notifier.language import _
from notifier.notification import Notification, Withdrawal

logger = logging.getLogger(__name__)


class Meanwhile:
    """Ask `desktop` first for each bubble; `instead` shows what it did not, until it has shown one."""

    def __init__(self, desktop: Desktop, instead: Desktop) -> None:
        self._desktop, self._instead = desktop, instead
        self._came = False

    @property
    def hears(self) -> bool:
        return (self._desktop if self._came else self._instead).hears

    @property
    def name(self) -> str:
        return (self._desktop if self._came else self._instead).name

    async def show(self, notification: Notification) -> None:
        try:
            await self._desktop.show(notification)
        except BubbleFailed as error:
            if self._came:
                raise
            logger.debug("%s shows it instead: %s", self._instead.name, error)
            await self._instead.show(notification)
        else:
            if not self._came:
                logger.info("%s", _("from now on {name} shows the bubbles", name=self._desktop.name))
            self._came = True

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        await (self._desktop if self._came else self._instead).withdraw(withdrawal)

    async def close(self) -> None:
        await self._desktop.close()
        await self._instead.close()
