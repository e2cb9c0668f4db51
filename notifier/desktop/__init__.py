"""Who shows a bubble: the port, and the choice of what is there.

A desktop may fail, hang or be killed at any time.  `show` therefore has a short deadline of its own and
says what went wrong with :class:`~notifier.errors.BubbleFailed`; the caller still has the notification.
"""

from collections.abc import Callable
from typing import Protocol

from notifier.notification import Notification

Activated = Callable[[Notification], None]
"""Called on the event loop when the person clicked the bubble of this notification."""


class Desktop(Protocol):
    """Something that shows bubbles."""

    @property
    def name(self) -> str:
        """Who shows them, for a person: "dunst 1.9.0", "this terminal"."""

    async def show(self, notification: Notification) -> None:
        """Show a bubble.

        Raises:
            BubbleFailed: it was not shown, or nobody said within the deadline that it was.
        """

    async def close(self) -> None:
        """Let go of every resource.  Bubbles that are still on the screen stay there."""
