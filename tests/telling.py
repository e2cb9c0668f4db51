"""A stream's bytes and rules in, what a person is told out, as text that can be compared and read.

A comment ``: wait 5m`` in the stream lets so much time pass, ``: reconnect`` opens the stream anew.
"""

import re
from datetime import UTC, datetime

from notifier.duration import seconds
from notifier.judge import Decision
from notifier.notification import Notification, Urgency
from notifier.rules import Rules
from notifier.sse import EventStreamParser

_DIRECTION = re.compile(rb"^: (wait .*|reconnect)\n", re.MULTILINE)


def tell(stream: bytes, rules: Rules) -> str:
    """All that is told while these bytes arrive, a blank line between one and the next."""
    told: list[Decision] = []
    now = 0.0
    rules.opened(now)
    parser = EventStreamParser()
    events, *rest = _DIRECTION.split(stream)
    for direction, more in zip((None, *rest[::2]), (events, *rest[1::2]), strict=True):
        if direction == b"reconnect":
            parser = EventStreamParser(parser.last_event_id)
            rules.opened(now)
        elif direction:
            end = now + seconds(direction.decode().removeprefix("wait "))
            while (wait := rules.next_due(now)) is not None and now + wait <= end:
                now += wait
                told += rules.due(now)
            now = end
        for event in parser.feed(more):
            told += rules.decide(event, now)
    return "\n\n".join(map(_shown, told))


def _shown(decision: Decision) -> str:
    if not isinstance(decision, Notification):
        return f"(withdrawn)\n    key {decision.key}"
    loud = {Urgency.LOW: " (low)", Urgency.NORMAL: "", Urgency.CRITICAL: " (critical)"}[decision.urgency]
    names = ("link", "icon", "image", "group", "sound", "key", "identity")
    marks = [(name, getattr(decision, name)) for name in names if getattr(decision, name)]
    if decision.time is not None:
        marks.append(("time", f"{datetime.fromtimestamp(decision.time, UTC):%Y-%m-%d %H:%M:%S}"))
    if decision.progress is not None:
        marks.append(("progress", f"{decision.progress} %"))
    marks += [("action", f"{action.label}: {action.link}") for action in decision.actions]
    if decision.command:
        marks.append(("command", "|".join(decision.command)))
    marks += [(name, "yes") for name in ("transient", "resident") if getattr(decision, name)]
    return "\n".join(
        [
            decision.title + loud,
            *(f"  {line}".rstrip() for line in decision.body.splitlines()),
            *(f"    {name} {value}" for name, value in marks),
        ]
    )
