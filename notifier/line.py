"""One stream and all that is known of it: its kind, its rules, its place, how it is doing.

What its events mean is found out as they come: by the URL at once, by the headers of a response, by the first events.
"""

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from notifier import default, handshake, plaintext
from notifier.entry import Entry, State
from notifier.errors import StreamFailed
from notifier.judge import Decision
from notifier.language import N_, _
from notifier.memory import Place
from notifier.notification import BODY_LIMIT, Notification, Urgency, Withdrawal
from notifier.preset import GENERIC, Preset
from notifier.recognition import Recognition
from notifier.resume import Resume
from notifier.rules import Rules
from notifier.source import ReadyState, Source
from notifier.sse import Event
from notifier.status import StreamStatus
from notifier.stream import Stream

logger = logging.getLogger(__name__)

UNVERIFIED = N_("its certificate is not checked")
"""What the menu says of a stream with `tls.verify = false`."""
INCOMPLETE = N_("may have missed events")
"""What it says of one that was away and could not be asked for what came meanwhile."""
SILENT_FOR = 3_600.0
"""Seconds of silence after which a connection is taken for dead where the kind of stream sends no signs of life."""


class Line:
    """One stream that is followed.

    Args:
        stream: Its settings.
        presets: What is known of kinds of streams, by name.
        cursor: Where it was read up to in an earlier run; None if it was never followed.
    """

    def __init__(self, stream: Stream, presets: Mapping[str, Preset], cursor: str | None) -> None:
        self.stream = stream
        self.detail = ""
        """Why it is not open, in one sentence."""
        self.may_have_missed = False
        """Events may be missing: it was away, and cannot be asked for what came meanwhile."""
        self.refusal: StreamFailed | None = None
        """Why the server said never to come back, though it answered 200; None if it did not."""
        self.heard: list[Event] = []
        """Those of the last events that were more than signs of life."""
        self._memories: dict[Place, str] = {}
        self._learned: dict[Place, str | None] = {}
        """What of that was not asked for yet."""
        self._opened_at: float | None = None
        """When it was opened; None while it is not."""
        self._clocks = (0.0, 0.0)
        self._was_away = cursor is not None
        self._place = cursor or ""
        self._recognition = Recognition(stream.url, list(presets.values())) if stream.preset == "auto" else None
        self.preset = self._recognition.preset if self._recognition else presets[stream.preset]
        self.source = Source(stream, resume=self._resume())
        if self._recognition is not None and self.preset is not GENERIC:
            logger.info(
                "%s",
                _("{name}: it is taken for {kind}: {sign}", name=self.name, kind=self.preset.title, sign=self.sign),
            )
        self._take(self.preset)

    @property
    def name(self) -> str:
        """What the person calls it."""
        return self.stream.name

    @property
    def why_silent(self) -> str:
        """Why the last event led to nothing."""
        return self._rules.why_silent

    def is_alive(self, event: Event) -> bool:
        """Whether it is only a sign of life."""
        return self._rules.is_alive(event)

    @property
    def sign(self) -> str:
        """What gave away of which kind it is."""
        return self._recognition.reason if self._recognition else _("the configuration says so")

    @property
    def site(self) -> str | None:
        """Where to look at it in a browser; None if its server cannot be."""
        parts = urlsplit(self.stream.url)
        return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") else None

    def changed(self, reason: str, now: float) -> bool:
        """Take that the source's ready state has changed, for a reason in one sentence or none.

        Returns:
            Whether the stream is back after it was away, so that what comes now was missed.
        """
        self.detail = reason
        source = self.source
        if source.ready_state is not ReadyState.OPEN:
            self._was_away |= source.is_outage or source.was_cut
            self._opened_at = None
            return False
        if self._recognition is not None:
            self._know(self._recognition.answer(source.response_headers), now)
        self._opened_at = now
        self._rules.opened(now)
        is_back, self._was_away = self._was_away, False
        if (is_back and not source.can_resume) or self._is_refused_its_place():
            self.may_have_missed = True
        return is_back

    def left(self) -> None:
        """Take that the connection is dropped because the machine slept or its network changed."""
        self._was_away = True

    def decide(self, events: Sequence[Event], last_event_id: str, now: float) -> tuple[list[Entry | Withdrawal], str]:
        """What to tell and to take back because of these events, in its order; and the place in the stream after them.

        If by one of them the server says never to come back, `refusal` is set, and what follows it is not looked at.
        """
        self.refusal = None
        self.heard = []
        decided: list[Entry | Withdrawal] = []
        for event in events:
            if self._recognition is not None and self._recognition.is_open:
                self._know(self._recognition.see(event), now)
            if say := self._rules.refusal(event):
                self.refusal = StreamFailed(say)
                break
            self.may_have_missed |= self._rules.tells_of_a_gap(event)
            told = self._decide(event, now)
            cause = len(self.heard)
            decided += [self._entry(each, event, cause) if isinstance(each, Notification) else each for each in told]
            if not self._rules.was_alive:
                self.heard.append(event)
        self._place = self.source.resume.take(events, last_event_id)
        return decided, self._place

    def _decide(self, event: Event, now: float) -> list[Decision]:
        try:
            return self._rules.decide(event, now)
        except Exception:
            # A bug of ours may cost the words of one event, but never the event, and not all streams.
            logger.exception("%s: an event could not be understood, and is told as it is", self.name)
            body = plaintext.lines(event.data, BODY_LIMIT)
            return [Notification(stream=self.name, title=default.heading(self.name), body=body)]

    def learned(self, now: float, wall_clock: float) -> dict[Place, str | None]:
        """What its rules remember since this was asked for the last time; None of what they forgot."""
        self._clocks = now, wall_clock
        self._learn(now, wall_clock)
        learned, self._learned = self._learned, {}
        return learned

    def recall(self, learned: Mapping[Place, str], now: float, wall_clock: float) -> None:
        """Remember what its rules learned in an earlier run; those of a kind that is found out later will too."""
        self._memories = dict(learned)
        self._clocks = now, wall_clock
        self._rules.recall(self._memories, now, wall_clock)

    def due(self, now: float) -> list[Entry]:
        """What to tell because time has passed."""
        return [self._entry(told, None, None) for told in self._rules.due(now) if isinstance(told, Notification)]

    def next_due(self, now: float) -> float | None:
        """Seconds until `due` may have something to tell; None if no time is running."""
        return self._rules.next_due(now)

    def status(self) -> StreamStatus:
        """For the person."""
        source = self.source
        return StreamStatus(
            self.name,
            source.ready_state,
            self.detail,
            source.is_outage,
            is_soon_back=source.is_soon_back,
            last_heard=source.last_heard,
            caution="; ".join(self._cautions()),
            site=self.site,
            kind="" if self.preset is GENERIC else self.preset.title,
        )

    def _cautions(self) -> list[str]:
        cautions = {UNVERIFIED: not self.stream.tls.verify, INCOMPLETE: self.may_have_missed}
        return [_(caution) for caution, applies in cautions.items() if applies]

    def _is_refused_its_place(self) -> bool:
        """Whether the server says that it goes on somewhere else than it was asked to."""
        asked = self.source.last_event_id
        told = self.source.response_headers.get(self.preset.echo) if self.preset.echo else None
        return bool(asked) and told is not None and told != asked

    def _entry(self, notification: Notification, event: Event | None, cause: int | None) -> Entry:
        least = Urgency[self.stream.minimum_urgency.upper()]
        return Entry(
            notification=notification,
            event_type=event.type if event else "",
            event_id=event.id if event else None,
            cause=cause,
            dedupe_key=notification.identity,
            lifetime=self.preset.lifetime,
            state=State.SILENT if notification.urgency < least else State.RECORDED,
        )

    def _resume(self) -> Resume:
        return Resume(self.preset.resume if self.stream.resume == "auto" else self.stream.resume, self._place)

    def _learn(self, now: float, wall_clock: float) -> None:
        learned = self._rules.learned(now, wall_clock)
        self._learned |= learned
        for place, text in learned.items():
            if text is None:
                self._memories.pop(place, None)
            else:
                self._memories[place] = text

    def _know(self, preset: Preset, now: float) -> None:
        """It is of this kind, as an answer or an event shows: what its rules knew so far holds on."""
        if preset is not self.preset:
            logger.info(
                "%s", _("{name}: it is taken for {kind}: {sign}", name=self.name, kind=preset.title, sign=self.sign)
            )
            began, wall_clock = self._clocks
            self._clocks = now, now + wall_clock - began
            self._learn(*self._clocks)
            self.preset = preset
            self.source.resume = self._resume()
            self._take(preset)
            if self._opened_at is not None:
                self._rules.opened(self._opened_at)

    def _take(self, preset: Preset) -> None:
        parts = urlsplit(self.stream.url)
        base = f"{parts.scheme}://{parts.netloc}{handshake.root(preset.handshake, self.stream.url)}"
        self.source.handshake = preset.handshake
        self._rules = Rules(self.name, preset, self.stream.rules, base=base)
        if self._memories:
            self._rules.recall(self._memories, *self._clocks)
        if preset is not GENERIC and "idle_timeout" not in self.stream.model_fields_set:
            self.source.idle_timeout = preset.idle or SILENT_FOR
