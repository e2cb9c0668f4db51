"""Events of streams in, those of them that the history shall keep out, until they are written.

It decides what is kept, so that a stream of which hardly anything is told spares the disk.  Times are seconds since
1970.
"""

import json
from collections.abc import Collection, Mapping, Sequence

from notifier import kept
from notifier.allowance import Allowance
from notifier.kept import Kept, Kind
from notifier.recording import harmless
from notifier.sse import Event

UNTOLD_BURST = 1 << 20
"""Bytes of events of one stream of which nothing is told, that are kept at once …"""
UNTOLD_RATE = (1 << 20) / 600
"""… and bytes a second after that: 144 MiB a day."""


class Keeper:
    """What is to be kept of all streams."""

    def __init__(self) -> None:
        self.pending: list[Kept] = []
        """What is to be written with the next thing that is; whoever has written it clears this."""
        self._allowances: dict[str, Allowance] = {}
        self._too_fast: dict[str, int] = {}
        self._followed: set[str] = set()

    def follow(self, stream: str, now: float) -> None:
        """It is followed from now on, by a program that remembers only what it has written down."""
        self._followed.add(stream)
        self.pending.append(Kept(stream, now, Kind.BEGAN))

    def opened(self, stream: str, headers: Mapping[str, str], now: float) -> None:
        """It was opened; of the headers of the response, those that hold no secret are kept."""
        told = json.dumps(harmless(headers))
        if self._allowance(stream).take(len(told), now):
            self.pending.append(Kept(stream, now, Kind.OPENED, told))

    def heard(self, stream: str, events: Sequence[Event], told: Collection[int | None], now: float) -> dict[int, Kept]:
        """Those of the events of one chunk that are to be kept, by their index.

        Args:
            stream: Its name.
            events: In their order.
            told: Which of them something is told of; the others may come too fast to be kept.
            now: When they came.
        """
        heard: dict[int, Kept] = {}
        for index, (event_type, data, _last, event_id) in enumerate(events):
            row = kept.event(stream, now, event_type, event_id, data)
            if index in told or self._allowance(stream).take(row.size, now):
                if missed := self._too_fast.pop(stream, 0):
                    self.pending.append(Kept(stream, now, Kind.TOO_FAST, str(missed)))
                heard[index] = row
            else:
                self._too_fast[stream] = self._too_fast.get(stream, 0) + 1
        return heard

    def end(self, now: float) -> None:
        """The program ends as it should."""
        self.pending += [Kept(stream, now, Kind.ENDED) for stream in sorted(self._followed)]

    def _allowance(self, stream: str) -> Allowance:
        return self._allowances.setdefault(stream, Allowance(UNTOLD_BURST, UNTOLD_RATE))
