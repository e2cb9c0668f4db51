"""A stream's settings in, one look at it out: followed for a while, exactly as `run` follows it, and nothing recorded.

It tells of each event what would become of it, and at the end what was seen of the connection.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence

from notifier import address
from notifier.block import has_secret
from notifier.client import Follower
from notifier.errors import StreamFailed
from notifier.language import _
from notifier.line import Line
from notifier.observation import CHUNKS_LIMIT, IDS_LIMIT, Chunk, Observation, Trouble
from notifier.preset import Preset
from notifier.sample import Sample, Sampler
from notifier.source import ReadyState
from notifier.sse import Event
from notifier.stream import Stream
from notifier.witness import OF_TLS, Witness, look_at

PATIENCE = 10.0
"""Seconds until the stream must be open."""


class Probe:
    """One look at a stream.

    Args:
        stream: Its settings.
        presets: What is known of kinds of streams, by name.
        tell: Called with each event.
    """

    def __init__(self, stream: Stream, presets: Mapping[str, Preset], tell: Callable[[Sample], None]) -> None:
        self.stream = stream.model_copy(update={"connect_timeout": min(stream.connect_timeout, PATIENCE)})
        self.line = Line(self.stream, presets, None)
        self.seen = look_at(stream)
        self.seen.is_here = address.is_here(stream.url)
        self.seen.has_credentials = stream.has_credentials
        self.seen.secret_in_url = has_secret(stream.url)
        self._tell = tell
        self._began = time.monotonic()
        self._sampler = Sampler(self.line)
        self._end: asyncio.Timeout | None = None

    async def run(self, seconds: float, enough: int | None = None) -> Observation:
        """Follow it.

        Args:
            seconds: How long, once it is open.
            enough: Events after which it is left, signs of life not counted; None never is enough.
        """
        self._began = time.monotonic()
        seen, line = self.seen, self.line
        told = 0
        witness = Witness(self.stream, seen, self._clock)

        async def deliver(events: Sequence[Event], last_event_id: str) -> None:
            nonlocal told
            for event in events:
                told += self._take(event)
            line.source.delivered(last_event_id)
            if line.refusal is not None:
                raise line.source.fail(line.refusal)
            if enough is not None and told >= enough:
                self._leave()

        def changed(reason: str) -> None:
            line.changed(reason, time.monotonic())
            if line.source.ready_state is ReadyState.OPEN:
                if seen.opened is None:
                    seen.opened = self._clock()
                    self._leave(seconds)
                return
            if seen.opened is not None:
                seen.ended.append(self._clock())
            if reason:
                seen.reason = reason
            if seen.opened is None:
                self._leave()

        follower = Follower(line.source, witness, deliver, changed, heard=self._hear)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE + 1) as self._end:
                try:
                    await follower.follow()
                except StreamFailed as error:
                    seen.reason = str(error)
                    seen.trouble = seen.trouble or Trouble.REFUSED_BY_SERVER
        if seen.opened is None and seen.trouble is Trouble.NO_ANSWER and not seen.reason:
            seen.reason = _("no answer within {seconds:g} s", seconds=PATIENCE)
        elif seen.opened is not None and line.source.ready_state is ReadyState.OPEN:
            # Leaving is no trouble of the stream's.
            seen.trouble = None
        seen.lasted = self._clock()
        seen.idle, seen.resume, seen.closes = line.preset.idle, line.preset.resume, line.preset.closes
        if seen.trouble in OF_TLS and self.stream.proxy.proxy_for(self.stream.url) is None:
            seen.fingerprint = await witness.fingerprint(self.stream.url)
        return seen

    def leave(self) -> None:
        """The look is over; `run` returns what was seen."""
        self._leave()

    def _take(self, event: Event) -> bool:
        """Whether it was more than a sign of life."""
        seen = self.seen
        if len(seen.ids) < IDS_LIMIT and not seen.ended:
            seen.ids.append(event.id)
        elif seen.ended and seen.first_again is None:
            seen.first_again = event.id
        seen.events += 1
        sample = self._sampler.take(event, time.monotonic())
        if sample.is_alive and len(seen.alive) < CHUNKS_LIMIT:
            seen.alive.append(self._clock())
        self._tell(sample)
        return not sample.is_alive

    def _hear(self, chunk: bytes) -> None:
        if len(self.seen.chunks) < CHUNKS_LIMIT:
            ends_line = chunk.endswith((b"\n", b"\r"))
            self.seen.chunks.append(Chunk(self._clock(), len(chunk), ends_line, chunk.startswith(b":")))

    def _clock(self) -> float:
        return time.monotonic() - self._began

    def _leave(self, after: float = 0.0) -> None:
        if self._end is not None and not self._end.expired():
            self._end.reschedule(asyncio.get_running_loop().time() + after)
