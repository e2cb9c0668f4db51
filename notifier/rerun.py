"""The events that the history keeps of one stream in, what would be told of them out, as if they came again.  Pure."""

import json
from collections.abc import Callable, Iterable, Iterator

from notifier.comparison import Timed
from notifier.exchange import Response
from notifier.kept import Kept, Kind
from notifier.line import Line
from notifier.memory import Place
from notifier.sample import Sampler
from notifier.sse import Event


class Rerun:
    """One stream, followed once more through all that is kept of it.

    Args:
        make_line: Makes the stream anew, with its rules as they are now.
    """

    def __init__(self, make_line: Callable[[], Line]) -> None:
        self.too_large = 0
        """Events that were too large to be kept, and so are not decided."""
        self.too_fast = 0
        """Events that came too fast to be kept."""
        self.events: list[tuple[int, float, Event]] = []
        """The number, the time and the event of each that was decided."""
        self._make_line = make_line
        self._memories: dict[Place, str] = {}
        self._now = float("-inf")
        self._is_followed = True

    def play(self, rows: Iterable[Kept], until: float) -> Iterator[Timed]:
        """When, and what would be told or not of each event.

        Args:
            rows: All of the stream, in their order.
            until: When the last of them has lasted to, in seconds since 1970, if the program was not ended before.
        """
        sampler = Sampler(self._make_line())
        for row in rows:
            if self._is_followed and row.kind is not Kind.BEGAN:
                yield from self._wait(sampler, row.received)
            # A clock that was set back lets no time pass.
            self._now = max(self._now, row.received)
            match row.kind:
                case Kind.EVENT if row.data is None:
                    self.too_large += 1
                case Kind.EVENT:
                    event = Event(row.type, row.data or "", row.event_id or "", row.event_id)
                    self.events.append((row.row, row.received, event))
                    yield self._now, sampler.take(event, self._now)
                case Kind.BEGAN:
                    self._begin(sampler)
                case Kind.OPENED:
                    self._open(sampler.line, row.data or "{}")
                case Kind.ENDED:
                    self._is_followed = False
                case Kind.TOO_FAST:
                    self.too_fast += int(row.data) if row.data and row.data.isdecimal() else 1
        if self._is_followed:
            yield from self._wait(sampler, until)

    def _wait(self, sampler: Sampler, until: float) -> Iterator[Timed]:
        if self._now > float("-inf"):
            yield from sampler.pass_time(self._now, until)

    def _begin(self, sampler: Sampler) -> None:
        """The program is started again: what rules remember is what was written down."""
        for place, text in sampler.line.learned(self._now, self._now).items():
            if text is None:
                self._memories.pop(place, None)
            else:
                self._memories[place] = text
        sampler.line = self._make_line()
        sampler.line.recall(self._memories, self._now, self._now)
        self._is_followed = True

    def _open(self, line: Line, headers: str) -> None:
        try:
            found = {str(name): str(value) for name, value in json.loads(headers).items()}
        except (ValueError, AttributeError):  # bits that flipped on disk
            found = {}
        line.source.connect()
        line.source.respond(Response(200, "text/event-stream", headers=found), self._now, self._now)
        line.changed("", self._now)
