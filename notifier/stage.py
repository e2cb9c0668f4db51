"""What would be told of a recording in, bubbles out, with the gate for floods; nothing of it is recorded or run."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from notifier.desktop import Desktop, Listener
from notifier.entry import Entry
from notifier.errors import LinkFailed
from notifier.language import _
from notifier.notification import Action, Notification, Urgency, Withdrawal
from notifier.outbox import Outbox
from notifier.picture import Pictures
from notifier.picture.gallery import Gallery
from notifier.sample import Sample
from notifier.store import Store
from notifier.stream import Stream


class Stage:
    """Where a recording is performed.

    Quiet hours hold nothing back: who performs a recording wants to see it.

    Args:
        stream: The settings that its bubbles are shown by.
        open_link: Opens a link in the person's browser, with the token of the click; may raise LinkFailed.
        say: Gets a sentence for the person.
    """

    def __init__(
        self, stream: Stream, open_link: Callable[[str, str], Awaitable[None]], say: Callable[[str], None]
    ) -> None:
        self.shown = 0
        """Notifications that were offered to the desktop; of a flood most are in a digest."""
        self._stream = stream.model_copy(update={"quiet_hours": ()})
        self._open_link, self._say = open_link, say
        self._least = Urgency[stream.minimum_urgency.upper()]
        self._gallery = Gallery()
        self._group = asyncio.TaskGroup()

    async def perform(
        self, samples: AsyncIterator[tuple[float, Sample]], open_desktop: Callable[[Listener], Awaitable[Desktop]]
    ) -> None:
        """Show them as they come; returns once the last bubble is out."""
        store = Store(None, clock=time.time, tell=self._say)
        store.resume(self._stream.name, "")
        outbox = Outbox(store)
        outbox.follow([self._stream])
        desktop = await open_desktop(self)
        try:
            async with self._group as group:
                bubbles = group.create_task(outbox.run(desktop), name="bubbles")
                async for _at, sample in samples:
                    for outcome in sample.outcomes:
                        self._show(store, outbox, outcome)
                if self.shown:
                    await outbox.idle.wait()
                bubbles.cancel()
        finally:
            await desktop.close()
            store.close()

    def activate(self, notification: Notification, token: str = "") -> None:
        """A click opens the link."""
        if notification.link is not None:
            self._group.create_task(self._open(notification.link, token), name="link")

    def choose(self, notification: Notification, action: Action, token: str = "") -> None:
        """A button opens its link."""
        self._group.create_task(self._open(action.link, token), name="link")

    def dismiss(self, notification: Notification) -> None:
        """There is no history in which it could be read."""

    async def illustrate(self, notification: Notification) -> Pictures:
        """As the stream's settings allow."""
        return await self._gallery.illustrate(notification, self._stream)

    def _show(self, store: Store, outbox: Outbox, outcome: Notification | Withdrawal) -> None:
        if isinstance(outcome, Withdrawal):
            outbox.withdraw(outcome)
        elif outcome.urgency >= self._least:
            (row,) = store.record(self._stream.name, [Entry(notification=outcome, event_type="")], "")
            self.shown += 1
            outbox.offer(replace(outcome, row=row, command=()))

    async def _open(self, link: str, token: str) -> None:
        try:
            await self._open_link(link, token)
        except LinkFailed as error:
            self._say(_("the link was not opened: {why}", why=error))
