"""Events in, what to ask a server with after a break out.  Pure.

Servers have three ways to go on where a stream broke off: the standard's Last-Event-ID (HTML 9.2.3), a parameter of
their own in the query, or none at all.
"""

import re
from collections.abc import Sequence

from notifier import payload
from notifier.sse import Event
from notifier.template import RenderFailed, Template

HOW = re.compile(r"auto|last-event-id|none|query:[A-Za-z_][A-Za-z0-9_-]{0,60}=.+", re.DOTALL)
"""What `how` may be."""
CURSOR_LIMIT = 2_000
"""Characters of a value for the query; a longer one is not a place in a stream."""


class Resume:
    """Where to go on after a break.

    Args:
        how: ``last-event-id``, ``none``, or ``query:NAME=TEMPLATE`` with ``data`` and ``event`` in the template, such
            as ``query:since={{ data.time }}``.  ``auto`` is ``last-event-id``: it is the standard's way, and a server
            that sends no ID is never asked.
        cursor: What `take` returned last, in this run or an earlier one.
    """

    def __init__(self, how: str = "auto", cursor: str = "") -> None:
        self._name, self._template = "", None
        self.uses_ids = how in ("auto", "last-event-id")
        """Whether the standard's way is taken."""
        if how.startswith("query:"):
            self._name, _, source = how.removeprefix("query:").partition("=")
            self._template = Template(source)
        self.cursor = cursor if how != "none" else ""

    @property
    def last_event_id(self) -> str:
        """What to send as Last-Event-ID; empty for nothing."""
        return self.cursor if self.uses_ids else ""

    @property
    def query(self) -> dict[str, str]:
        """What to add to the query."""
        return {self._name: self.cursor} if self._template is not None and self.cursor else {}

    def take(self, events: Sequence[Event], last_event_id: str) -> str:
        """The place in the stream after these events, whose last event ID is this."""
        if self._template is None:
            self.cursor = last_event_id if self.uses_ids else ""
            return self.cursor
        for event in reversed(events):
            values = {"data": payload.read(event.data), "event": {"type": event.type, "id": event.id or ""}}
            try:
                found = self._template.render(values).strip()
            except RenderFailed:
                continue
            if found and len(found) <= CURSOR_LIMIT and found.isprintable():
                self.cursor = found
                break
        return self.cursor
