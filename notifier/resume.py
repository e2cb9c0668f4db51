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
QUERY = "query:"
"""How a place that is asked for in the query begins; one that is a last event ID is kept as it is."""
LITERAL = "\n"
"""What a last event ID is kept behind that begins like that; no ID has a line end of its own (HTML 9.2.6)."""
ID_LIMIT = 8_192
"""Characters of a last event ID; servers refuse a longer header line."""
CURSOR_LIMIT = 2_000
"""Characters of a value for the query; a longer one is not a place in a stream."""


class Resume:
    """Where to go on after a break.

    Args:
        how: ``last-event-id``, ``none``, or ``query:NAME=TEMPLATE`` with ``data`` and ``event`` in the template, such
            as ``query:since={{ data.time }}``.  ``auto`` is ``last-event-id``: it is the standard's way, and a server
            that sends no ID is never asked.
        place: What `take` returned last, in this run or an earlier one, in this way or another one.
    """

    def __init__(self, how: str = "auto", place: str = "") -> None:
        self._name, self._template = "", None
        self.uses_ids = how in ("auto", "last-event-id")
        """Whether the standard's way is taken."""
        if how.startswith("query:"):
            self._name, _, source = how.removeprefix("query:").partition("=")
            self._template = Template(source)
        self._place = "" if how == "none" else place

    @property
    def last_event_id(self) -> str:
        """What to send as Last-Event-ID; empty for nothing."""
        return self._place.removeprefix(LITERAL) if self.uses_ids and not self._place.startswith(QUERY) else ""

    @property
    def query(self) -> dict[str, str]:
        """What to add to the query.  A place that was found in this way is asked for before the kind is known again."""
        name, _, value = self._place.removeprefix(QUERY).partition("=")
        return {name: value} if self._place.startswith(QUERY) and self._name in ("", name) else {}

    def take(self, events: Sequence[Event], last_event_id: str) -> str:
        """The place in the stream after these events, whose last event ID is this."""
        if self.uses_ids and (last_event_id or not self._place.startswith(QUERY)):
            self._place = f"{LITERAL}{last_event_id}" if last_event_id.startswith(QUERY) else last_event_id
        if self._template is None:
            return self._place
        for event in reversed(events):
            values = {"data": payload.read(event.data), "event": {"type": event.type, "id": event.id or ""}}
            try:
                found = self._template.render(values).strip()
            except RenderFailed:
                continue
            if found and len(found) <= CURSOR_LIMIT and found.isprintable():
                self._place = f"{QUERY}{self._name}={found}"
                break
        return self._place
