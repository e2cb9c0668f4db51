"""Notifications and Apprise URLs in, the same notifications sent there out.  It shows nothing and records nothing.

Apprise (https://github.com/caronc/apprise) knows the services; it is imported when the first one is forwarded,
and works in a thread.  One is sent at a time, for no longer than `PATIENCE`, and `WAITING_LIMIT` wait.  What goes wrong
is said once, until it goes well again, and never with a URL: they hold secrets.
"""

import asyncio
import importlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from notifier.errors import StreamFailed, StreamLost
from notifier.language import N_, _
from notifier.notification import Notification, Urgency
from notifier.patience import within
from notifier.secret import Secret
from notifier.vault import reveal

logger = logging.getLogger(__name__)

WAITING_LIMIT = 100
"""Notifications that wait to be forwarded; what comes while there are so many is not, and that is logged."""
PATIENCE = 60.0
"""Seconds for one notification to all of its services; most give up by themselves long before."""
MISSING = N_("forwarding needs one more package: install 'sse-notifier[apprise]' the way sse-notifier was installed")
TYPES = {Urgency.LOW: "info", Urgency.NORMAL: "info", Urgency.CRITICAL: "failure"}


class Forwarder:
    """Sends notifications on.

    Args:
        patience: Seconds; see `PATIENCE`.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        """Nothing is sent before `run`."""
        self._patience = patience
        self._waiting: deque[tuple[Notification, Sequence[Secret]]] = deque()
        self._something = asyncio.Event()
        self._complained: set[str] = set()

    def offer(self, notification: Notification, urls: Sequence[Secret]) -> None:
        """Send it to each of these, now or soon."""
        if not urls:
            return
        if len(self._waiting) >= WAITING_LIMIT:
            problem = _("{count} wait to be forwarded already; more are left out", count=WAITING_LIMIT)
            self._complain(notification.stream, problem)
            return
        self._waiting.append((notification, urls))
        self._something.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            self._something.clear()
            while self._waiting:
                notification, urls = self._waiting.popleft()
                try:
                    send = partial(_send, notification, [await reveal(url) for url in urls])
                    sent = await within(self._patience, send)
                    refused = _("a notification was not forwarded: one of the services did not take it")
                    problem = "" if sent else refused
                except TimeoutError:
                    problem = _(
                        "a notification was not forwarded: no answer of a service within {seconds} s",
                        seconds=f"{self._patience:g}",
                    )
                except ImportError:
                    problem = _(MISSING)
                except (StreamLost, StreamFailed) as error:
                    problem = _("forward cannot be had: {error}", error=error)
                except Exception as error:  # noqa: BLE001 - a hundred services' code; its words may hold their URLs
                    kind = type(error).__name__
                    problem = _("a notification was not forwarded: a service failed ({kind})", kind=kind)
                if problem:
                    self._complain(notification.stream, problem)
                else:
                    self._complained.discard(notification.stream)
            await self._something.wait()

    def _complain(self, stream: str, problem: str) -> None:
        if stream not in self._complained:
            self._complained.add(stream)
            logger.warning("%s: %s", stream, problem)


def _send(notification: Notification, urls: Sequence[str]) -> bool:
    apprise = importlib.import_module("apprise")
    # It logs URLs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    services = apprise.Apprise()
    known = [services.add(url) for url in urls]
    body = "\n".join(part for part in (notification.body, notification.link) if part)
    notify: Callable[..., bool | None] = services.notify
    sent = notify(
        body=body or notification.title,
        title=notification.title,
        notify_type=TYPES[notification.urgency],
        # Else a service that speaks HTML would take a stranger's text for some.
        body_format=apprise.NotifyFormat.TEXT,
    )
    return all(known) and bool(sent)
