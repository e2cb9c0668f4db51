"""An event in, the notifications that the rules make of it out.

The first rule whose `when` holds takes the event; where none does, the default notification is told.  What a
rule does not set is found as if there were no rule.  A rule that fails on an event is logged once, and the
default notification is told instead.  It keeps no clock: `now` is in seconds and never runs backwards.

A rule with `silence` only listens: the event goes on to the next rule, even if this one fails on it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from notifier import default
from notifier.habit import Habit
from notifier.item import Item, items
from notifier.judge import Decision, Judge, as_key
from notifier.language import _
from notifier.memory import Place
from notifier.notification import Notification, Withdrawal
from notifier.preset import GENERIC, Preset
from notifier.rule import Rule
from notifier.speech import Values
from notifier.sse import Event
from notifier.template import Expression, RenderFailed, Template

logger = logging.getLogger(__name__)

REMEMBERED_LIMIT = 32_768
"""Characters of an event whose data may be a later one's `previous`."""

decide = default.decide
"""What to tell because of an event where there are no rules."""


class Rules:
    """What becomes of the events of one stream.

    Memory is bounded: each rule remembers a bounded number of keys, each with one event's data of bounded size.

    Args:
        stream: The stream's name.
        preset: What is known about its kind.
        rules: The person's own rules; they come before the preset's.
        base: Scheme and host of the stream's URL, for links.
    """

    def __init__(self, stream: str, preset: Preset = GENERIC, rules: Sequence[Rule] = (), *, base: str = "") -> None:
        self._stream = stream
        self._preset = preset
        self._base = base
        self._alive = Expression(preset.alive) if preset.alive is not None else None
        self._gap = Expression(preset.gap) if preset.gap is not None else None
        self._identity = Template(preset.identity) if preset.identity is not None else None
        self._refusals = [(Expression(refusal.when), refusal.say) for refusal in preset.refusals]
        self._judges = [Judge(stream, number, rule) for number, rule in enumerate((*rules, *preset.rules), 1)]
        self._habit = Habit()
        self._settled_at = float("-inf")
        self._complained: set[str] = set()
        self._own = len(rules)
        self.was_alive = False
        """Whether the last event was only a sign of life."""
        self.why_silent = ""
        """Why the last event led to nothing, for a person who wonders."""

    def opened(self, now: float) -> None:
        """Take that the stream was opened, for the first time or again."""
        self._settled_at = now + self._preset.settle
        nothing = self._values(Event("", "", ""), Item(None, None, ""))
        for judge in self._judges:
            try:
                judge.listen(nothing, now)
            except RenderFailed as error:
                self._complain(f"rule {judge.number}", error)

    def decide(self, event: Event, now: float) -> list[Decision]:
        """What to tell because of `event`: mostly one notification, or nothing."""
        found = items(event, self._preset)
        self.was_alive = self._is_alive(event, found[0])
        if self.was_alive:
            self.why_silent = _("a sign of life")
            return []
        return [decision for item in found for decision in self._decide_item(event, item, now)]

    def is_alive(self, event: Event) -> bool:
        """Whether it is only a sign of life."""
        return self._is_alive(event, items(event, self._preset)[0])

    def due(self, now: float) -> list[Decision]:
        """What to tell because time has passed: problems that last, and silence."""
        return [decision for judge in self._judges for decision in judge.wake(now)]

    def learned(self, now: float, wall_clock: float) -> dict[Place, str | None]:
        """What rules remember since this was asked for the last time; None of what they forgot."""
        offset = wall_clock - now
        return {(judge.name, key): text for judge in self._judges for key, text in judge.learned(offset).items()}

    def recall(self, learned: Mapping[Place, str], now: float, wall_clock: float) -> None:
        """Remember what was learned in another run; what rules learned that are no more is left alone."""
        judges = {judge.name: judge for judge in self._judges}
        for (name, key), text in learned.items():
            if name in judges:
                judges[name].recall(key, text, wall_clock - now, now)

    def next_due(self, now: float) -> float | None:
        """Seconds until `due` may have something to tell; None if no time is running."""
        dues = [due for judge in self._judges if (due := judge.due()) is not None]
        return max(0.0, min(dues) - now) if dues else None

    def refusal(self, event: Event) -> str | None:
        """What the person can do, if by this event the server says never to come back."""
        if not self._refusals:
            return None
        values = self._values(event, items(event, self._preset)[0])
        return next((say for when, say in self._refusals if _holds(when, values)), None)

    def tells_of_a_gap(self, event: Event) -> bool:
        """Whether by this event the server says that others are missing."""
        return self._gap is not None and _holds(self._gap, self._values(event, items(event, self._preset)[0]))

    def _is_alive(self, event: Event, item: Item) -> bool:
        if self._alive is None:
            return default.is_alive(event)
        return _holds(self._alive, self._values(event, item))

    def _decide_item(self, event: Event, item: Item, now: float) -> list[Decision]:
        values = self._values(event, item)
        aside, decided = self._judge(event, item, values, now)
        try:
            identity = as_key(self._identity.render(values)) if self._identity is not None else ""
        except RenderFailed as error:
            identity = ""
            self._complain("identity", error)
        for judge in self._judges:
            try:
                judge.remember(values, item.data if len(event.data) <= REMEMBERED_LIMIT else None)
            except RenderFailed as error:
                self._complain(f"rule {judge.number}", error)
        # What a rule that only listens says is not this event: it would take the event for its own repetition.
        return aside + ([_identified(decision, identity) for decision in decided] if identity else decided)

    def _judge(self, event: Event, item: Item, values: Values, now: float) -> tuple[list[Decision], list[Decision]]:
        """What rules say that only listen, and what becomes of the event itself."""
        aside: list[Decision] = []
        draft = partial(self._draft, event, item)
        for judge in self._judges:
            try:
                decided = judge.judge(values, draft, now)
            except RenderFailed as error:
                self._complain(f"rule {judge.number}", error)
                if judge.only_listens:
                    continue
                return aside, [] if self._is_repeated(now) else [draft()]
            if decided is not None:
                if not judge.only_listens:
                    self.why_silent = self._named(judge)
                    # What began or ended while nobody listened is no repetition.
                    return aside, decided if judge.lasts or not self._is_repeated(now) else []
                aside += decided
        if self._is_repeated(now):
            return aside, []
        if self._preset.otherwise == "drop":
            self.why_silent = _(
                "no rule is for it, and of {kind} only what a rule is for is told", kind=self._preset.name
            )
        elif (notification := self._default(event, item)) is not None:
            return aside, [notification]
        else:
            self.why_silent = _("there is nothing in it to tell")
        return aside, []

    def _is_repeated(self, now: float) -> bool:
        """Whether the server repeats what was before the stream was opened."""
        if now >= self._settled_at:
            return False
        self.why_silent = _("the server first repeats what was, for {seconds:g} s", seconds=self._preset.settle)
        return True

    def _named(self, judge: Judge) -> str:
        if judge.number <= self._own:
            return _("your rule {number} is silent about it", number=judge.number)
        number = judge.number - self._own
        return _("rule {number} of the preset {kind} is silent about it", number=number, kind=self._preset.name)

    def _default(self, event: Event, item: Item) -> Notification | None:
        return default.decide_value(self._stream, event.type, self._habit.arrange(item.data), item.text)

    def _draft(self, event: Event, item: Item, *, worded: bool = True) -> Notification:
        """What the words of a rule are put upon; an event that says nothing by itself has a title at least."""
        drafted = self._default(event, item) if worded else None
        if drafted is not None:
            return drafted
        blank = Notification(stream=self._stream, title=default.heading(self._stream))
        return default.adorned(blank, item.data)

    def _values(self, event: Event, item: Item) -> Values:
        return {
            "data": item.data,
            "outer": item.outer,
            "event": {"type": event.type, "data": event.data, "id": event.id or ""},
            "stream": self._stream,
            "base": self._base,
        }

    def _complain(self, where: str, error: RenderFailed) -> None:
        if where not in self._complained:
            self._complained.add(where)
            sentence = _("{name}: {where} fails: {error}", name=self._stream, where=where, error=error)
            logger.warning("%s", sentence)


def _identified(decision: Decision, identity: str) -> Decision:
    if isinstance(decision, Withdrawal) or decision.identity is not None:
        return decision
    return replace(decision, identity=identity)


def _holds(expression: Expression, values: Values) -> bool:
    """What cannot be worked out does not hold: most events are not of the kind that is asked for."""
    try:
        return expression.holds(values)
    except RenderFailed:
        return False
