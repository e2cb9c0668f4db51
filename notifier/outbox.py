"""Recorded notifications in, bubbles out: what waits, when it is shown, and the note in the history that it was.

It decides nothing about events and never makes a stream wait.  The history is the truth: what could not be shown, or
was recorded by a program that then crashed, is there, and comes out later in one summary.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from notifier.desktop import BubbleUnanswered, Desktop
from notifier.entry import Entry, State
from notifier.errors import BubbleFailed, NobodyReads
from notifier.flood import Gate
from notifier.lane import FEW, Bubble, Budget, Key
from notifier.language import _
from notifier.notification import Notification, Urgency, Withdrawal
from notifier.quiet import Quiet, Silence
from notifier.store import Store
from notifier.stream import Stream

logger = logging.getLogger(__name__)

READY = 100
"""Bubbles on their way to the desktop.  What comes while there are so many waits in the history."""
OWN = 20
"""What the program says of itself and is not shown yet; of more the oldest is dropped."""
RETRY_FIRST, RETRY = 1.0, 30.0
"""Seconds until what could not be shown is tried again: twice as long each time, up to the second."""
CATCH_UP = 2.0
"""Seconds after a stream resumed in which what it sends is taken for what was missed."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A bubble on its way."""

    notification: Notification
    key: Key | None
    """The lane that it came from; None for a digest, and for what the program says of itself."""
    stands_for: tuple[tuple[Key, int], ...]
    """Of a digest: of which lanes it tells all rows, and up to which."""

    @property
    def lanes(self) -> set[Key]:
        """Whose rows it tells of."""
        return {key for key, _newest in self.stands_for} | ({self.key} if self.key is not None else set())


class Outbox:
    """Between the history and the desktop."""

    def __init__(
        self,
        store: Store,
        *,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        retry: float = RETRY,
        catch_up: float = CATCH_UP,
    ) -> None:
        """Nothing waits yet, and no stream has quiet hours; see `follow` and `resume`.

        Args:
            store: The history, and what shall be silent.
            changed: Told when `silence` has become another.
            clock: Wall clock.
            retry: At most so many seconds until what could not be shown is tried again.
            catch_up: See the constant.
        """
        self._store = store
        self._changed = changed
        self._clock = clock
        self._retry = retry
        self._catch_up = catch_up
        self._gate = Gate()
        self._quiet = Quiet(store.silences())
        self._looked_at = clock()
        self.silence = Silence()
        """What is silent now."""
        self._ready: deque[_Ready] = deque()
        self._own: deque[Notification] = deque(maxlen=OWN)
        """What the program says of itself."""
        self._asked: _Ready | None = None
        """What the desktop is being asked for; it waits in the history until that is answered and noted."""
        self._again: dict[Key, float] = {}
        """Lanes that were recalled meanwhile, with what is asked for, and until when they wait."""
        self._told: deque[_Ready] = deque(maxlen=READY)
        """What turned out to be shown after all."""
        self._withdrawn: deque[Withdrawal] = deque(maxlen=READY)
        """Bubbles to take back once what is ready is shown; of more than so many the oldest stay on the screen."""
        self._unreached: deque[Withdrawal] = deque(maxlen=READY)
        """Those that the desktop did not hear of."""
        self._newest: dict[str, int] = {}
        self._late: set[Key] = set()
        """Lanes of which rows wait that the gate does not know of."""
        self._retry_at = 0.0
        self._failures = 0
        """Retries since the desktop last showed something, and the first failure; 0 while all is well."""
        self._trouble = ""
        """Why the last bubble was not shown; a daemon that never comes is told of once, and not at each retry."""
        self._something = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while nothing is left to show, but for what a silence holds."""

    @property
    def held(self) -> int:
        """Notifications that wait for the end of a silence, but for those of muted streams."""
        return self._gate.held({key for key in self.silence.lanes if key[0] not in self.silence.muted})

    def follow(self, streams: Iterable[Stream]) -> None:
        """These are the streams, with what each may show and when.  Comes before their first `resume`."""
        streams = list(streams)
        for stream in streams:
            window = stream.flood.window
            self._gate.allow(stream.name, Budget(burst=stream.flood.burst, window=window, step=min(1.0, window)))
        self._quiet.follow({stream.name: stream.quiet_hours for stream in streams})
        names = {stream.name for stream in streams}
        for key in self._gate.holding:
            if key[0] not in names:
                # It waits in the history; if it is ever followed again, `resume` finds it there.
                self._gate.catch_up(key, time.monotonic(), count=0)
        self.look()

    def resume(self, stream: str) -> None:
        """A stream is followed again after a while: what waits, and what comes now, is told in one digest."""
        now = time.monotonic()
        for critical in (False, True):
            self._recall((stream, critical), now + (0.0 if critical else self._catch_up))
        self._something.set()

    def marked(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The entries, about to be recorded, marked as held where they are silent now."""
        if not self.silence.lanes:
            return entries
        return [
            replace(entry, state=State.HELD)
            if entry.state is State.RECORDED and _lane(entry.notification) in self.silence.lanes
            else entry
            for entry in entries
        ]

    def offer(self, notification: Notification) -> None:
        """Show it now, or soon, or in a digest.  It is recorded, and knows its row."""
        assert notification.row is not None, "recording comes before showing"
        self.idle.clear()
        self._newest[notification.stream] = notification.row
        self._outdate(notification, notification.row)
        self._let_out(self._gate.offer(time.monotonic(), notification))
        self._something.set()

    def _outdate(self, notification: Notification, row: int) -> None:
        """What is held under its key, more or less urgent than itself, would be told after it."""
        stream, critical = _lane(notification)
        key, other = notification.key, (stream, not critical)
        if key is not None and self._gate.outdate(other, key):
            self._store.withdraw(stream, key, row - 1)

    def withdraw(self, withdrawal: Withdrawal, up_to: int | None = None) -> None:
        """Take back what was said under this key.  What is held until a silence ends is told in no summary.

        Args:
            withdrawal: What to take back.
            up_to: The row that was offered last; what is recorded after it was said after this.  None is the newest.
        """
        self._gate.withdraw(withdrawal.stream, withdrawal.key)
        self._store.withdraw(withdrawal.stream, withdrawal.key, up_to)
        lanes = {(withdrawal.stream, False), (withdrawal.stream, True)}
        for key in lanes & self._gate.holding & self.silence.lanes:
            self._recall(key, time.monotonic(), up_to)
        self.idle.clear()
        self._withdrawn.append(withdrawal)
        self._something.set()

    def tell(self, notification: Notification) -> None:
        """Show next what is about the program itself: it is in no history, and nothing holds it."""
        assert notification.row is None, "what is recorded is offered"
        self._own = deque((each for each in self._own if each.key != notification.key), maxlen=OWN)
        self._own.append(notification)
        self._something.set()

    def silence_until(self, name: str, until: float | None) -> None:
        """Show nothing of this stream, or of `EVERYTHING`, until then; None shows it again.  Survives a restart."""
        self._store.silence(name, until)
        self._quiet.silence(name, until)
        self.look()

    def look(self) -> None:
        """See what is silent by now.  Called when that is out of date, and when the wall clock may have been set."""
        self._looked_at = self._clock()
        silence = self._quiet.at(self._looked_at)
        if silence == self.silence:
            return
        before, self.silence = self.silence, silence
        if silence.lanes != before.lanes:
            self._gate.shut(time.monotonic(), silence.lanes)
            on_their_way = {key for ready in self._ready for key in ready.lanes}
            for key in on_their_way & silence.lanes:
                self._recall(key, time.monotonic())
            self._something.set()
        self._changed()

    def forget_read(self, notification: Notification | None) -> None:
        """The person has read this one, or all: it is told in no summary any more."""
        if notification is None:
            keys = {key for ready in self._ready for key in ready.lanes} | self._gate.holding
        else:
            keys = {_lane(notification)} & self._gate.holding & self.silence.lanes
        for key in keys:
            self._recall(key, time.monotonic())

    async def run(self, desktop: Desktop) -> None:
        """Show bubbles, one after the other, for ever: a desktop that hangs stops nothing but the next bubble."""
        while True:
            self._something.clear()
            if not self._looked_at <= self._clock() < self.silence.until:
                self.look()
            now = time.monotonic()
            if (self._late or self._unreached) and now >= self._retry_at:
                self._try_again(now)
            self._let_out(self._gate.release(now))
            if self._told:
                await self._note_late(self._told.popleft())
                continue
            if self._own and (now >= self._retry_at or not self._failures):
                await self._show(desktop, _Ready(self._own.popleft(), None, ()))
                continue
            if self._withdrawn and not self._ready:
                await self._take_back(desktop, self._withdrawn.popleft())
                continue
            if self._ready:
                await self._show(desktop, self._ready.popleft())
                continue
            if self._gate.next_release(now) is None:
                self.idle.set()
            waits = (self._gate.next_release(now), self._retry_in(now), self._look_in())
            try:
                async with asyncio.timeout(min((wait for wait in waits if wait is not None), default=None)):
                    await self._something.wait()
            except TimeoutError:
                continue

    async def _take_back(self, desktop: Desktop, withdrawal: Withdrawal) -> None:
        try:
            await desktop.withdraw(withdrawal)
        except BubbleFailed as error:
            self._say(_("{name}: a bubble was not taken back: {error}", name=withdrawal.stream, error=error), error)
            self._fails()
            self._unreached.append(withdrawal)
        except NobodyReads:
            raise
        except Exception:
            logger.exception("%s: a bubble was not taken back", withdrawal.stream)

    async def _show(self, desktop: Desktop, ready: _Ready) -> None:
        if late := self._late.intersection(key for key, _newest in ready.stands_for):
            # It would stand for rows that it does not count; one that counts them all takes its place.
            self._late -= late
            for key, _newest in ready.stands_for:
                self._recall(key, time.monotonic())
            return
        self._asked, self._again = ready, {}
        try:
            if not await self._is_shown(desktop, ready):
                return
            self._works()
            await self._note(ready)
        finally:
            self._asked = None
        for key, until in self._again.items():
            self._recall(key, until)

    async def _is_shown(self, desktop: Desktop, ready: _Ready) -> bool:
        notification = ready.notification
        try:
            await desktop.show(notification)
        except BubbleFailed as error:
            self._say(_("{name}: a bubble was not shown: {error}", name=notification.stream, error=error), error)
            self._fails(ready.lanes)
            if isinstance(error, BubbleUnanswered):
                error.outcome.add_done_callback(partial(self._answered, ready))
            else:
                self._keep_own(ready)
        except NobodyReads:
            raise
        except Exception:
            # A bug, or a library's; it costs this bubble, which comes again in a digest, and not all streams.
            logger.exception("%s: a bubble was not shown", notification.stream)
            self._fails(ready.lanes)
        else:
            return True
        return False

    def _answered(self, ready: _Ready, outcome: asyncio.Future[bool]) -> None:
        if not outcome.cancelled() and outcome.result():
            self._told.append(ready)
        else:
            self._keep_own(ready)
        self._something.set()

    def _keep_own(self, ready: _Ready) -> None:
        """What is not in the history is told later, unless something newer takes its place."""
        own = ready.notification
        if own.row is None and not ready.lanes and own.key not in {each.key for each in self._own}:
            self._own.appendleft(own)

    async def _note_late(self, ready: _Ready) -> None:
        """Note that it was shown; what is held to be told once more is told without it."""
        await self._note(ready)
        on_their_way = {key for other in self._ready for key in other.lanes}
        for key in ready.lanes & (on_their_way | self._gate.holding) - self._late:
            self._recall(key, time.monotonic())
        self._works()

    def _works(self) -> None:
        """The desktop shows bubbles: what waits for it need not wait any longer."""
        self._trouble = ""
        if self._failures:
            self._failures, self._retry_at = 0, 0.0

    def _fails(self, lanes: Collection[Key] = ()) -> None:
        """The desktop did not do what it was asked for; it is asked again later, each time less soon."""
        if not self._failures or time.monotonic() >= self._retry_at:
            self._failures = min(self._failures + 1, 10)
        self._put_off(lanes, min(self._retry, RETRY_FIRST * 2.0 ** (self._failures - 1)))

    def _say(self, sentence: str, error: BubbleFailed) -> None:
        logger.log(logging.DEBUG if str(error) == self._trouble else logging.WARNING, "%s", sentence)
        self._trouble = str(error)

    async def _note(self, ready: _Ready) -> None:
        """Note in the history what was shown."""
        notification = ready.notification
        if notification.row is not None:
            self._store.shown([notification.row])
            if notification.key is not None and ready.key is not None:
                stream, critical = ready.key
                self._store.shown_in_place(stream, notification.key, notification.row, critical=critical)
        for (stream, critical), newest in ready.stands_for:
            while self._store.shown_together(stream, newest, critical=critical):  # noqa: ASYNC110 - others have their turn
                await asyncio.sleep(0)

    def _let_out(self, bubbles: Sequence[Bubble]) -> None:
        for bubble in bubbles:
            stands_for = tuple((key, self._newest.get(key[0], 0)) for key in bubble.stands_for)
            own = _lane(bubble.notification) if bubble.notification.row is not None else None
            if (key := bubble.notification.key) is not None:
                # It takes the place of what was to be taken back, and would be taken back itself.
                anew = Withdrawal(stream=bubble.notification.stream, key=key)
                for withdrawals in (self._withdrawn, self._unreached):
                    with suppress(ValueError):
                        withdrawals.remove(anew)
            ready = _Ready(bubble.notification, own, stands_for)
            if len(self._ready) < READY:
                self._ready.append(ready)
            else:
                self._put_off(ready.lanes, self._retry)

    def _put_off(self, lanes: Collection[Key], seconds: float) -> None:
        now = time.monotonic()
        if now >= self._retry_at:
            self._retry_at = now + seconds
        self._late |= set(lanes)

    def _retry_in(self, now: float) -> float | None:
        waits = self._late or self._unreached or (self._own and self._failures)
        return max(0.0, self._retry_at - now) if waits else None

    def _look_in(self) -> float | None:
        """Seconds until another silence, as far as the wall clock goes evenly."""
        return max(0.0, self.silence.until - self._clock()) if self.silence.until < math.inf else None

    def _try_again(self, now: float) -> None:
        self._withdrawn.extend(self._unreached)
        self._unreached.clear()
        late, self._late = self._late, set()
        for key in late:
            self._recall(key, now)

    def _recall(self, key: Key, until: float, up_to: int | None = None) -> None:
        """Have the gate hold all that waits in the history, or what of it is not beyond this row, told together."""
        # What is ready waits in the history too, and would be told twice.
        dropped = {other for ready in self._ready if key in ready.lanes for other in ready.lanes if other != key}
        self._ready = deque(ready for ready in self._ready if key not in ready.lanes)
        if self._asked is not None and key in self._asked.lanes:
            self._again[key] = until
        stream, critical = key
        count, rows = self._store.waiting(stream, critical=critical, newest=FEW, up_to=up_to)
        if rows:
            self._newest[stream] = max(self._newest.get(stream, 0), rows[-1].id)
        else:
            count = 0  # what waits cannot be read
        self._gate.catch_up(key, until, waiting=[row.notification for row in rows], count=count)
        for other in dropped:
            self._recall(other, until, up_to)


def _lane(notification: Notification) -> Key:
    return notification.stream, notification.urgency is Urgency.CRITICAL
