"""The values of one event in, what one rule makes of them out: nothing of its business, silence, or notifications.

A judge is a rule with its templates compiled and with what it remembers of each key.  It raises `RenderFailed`
where the rule fails on the values; `rules` knows what to do then.  `now` is in seconds and never runs backwards.
"""

import logging
from collections import OrderedDict
from dataclasses import replace
from hashlib import blake2b, sha256

from notifier import plaintext
from notifier.condition import Condition, Sight, State, Turn
from notifier.memory import Memory
from notifier.notification import TITLE_LIMIT, Notification, Withdrawal
from notifier.payload import Json
from notifier.rule import Rule, Words
from notifier.speech import Draft, Speech, Values
from notifier.template import Expression, Template

logger = logging.getLogger(__name__)

KEYS_LIMIT = 1_000
"""Keys that a rule remembers; the one not heard of for longest is forgotten first."""
KEY_LIMIT = 200
"""Characters of a key or an identity."""
ARGUMENT_LIMIT = 10_000
"""Characters of one argument of a command."""
_FIELDS = ("title", "body", "link", "key", "icon", "image", "time", "group", "sound", "progress")
"""Of a notification, by the names that they have in the arguments of a command."""

Decision = Notification | Withdrawal


class Judge:
    """One rule of the stream called `stream`, the `number`th."""

    def __init__(self, stream: str, number: int, rule: Rule) -> None:
        self.number = number
        self.only_listens = rule.silence is not None
        self.name = blake2b(rule.model_dump_json().encode(errors="replace"), digest_size=8).hexdigest()
        """The same in another run, as long as the rule says the same."""
        self._stream = stream
        self._rule = rule
        self._when, self._changed = _expression(rule.when), _expression(rule.changed)
        self._problem, self._clear = _expression(rule.problem), _expression(rule.clear)
        self._key, self._identity = _template(rule.key), _template(rule.identity)
        self._words, self._recovered = Speech(rule), Speech(rule.recovered or Words())
        self._command = tuple(Template(source) for source in rule.command or ())
        parts = (self._when, self._changed, self._problem, self._clear, self._identity)
        names = [part.names for part in (*parts, *self._command) if part is not None]
        self._uses_previous = "previous" in self._words.names.union(self._recovered.names, *names)
        self.lasts = rule.problem is not None or rule.silence is not None
        """Whether it tells of what begins and ends, by what it remembers."""
        self._memories: OrderedDict[str, Memory] = OrderedDict()
        self._touched: dict[str, None] = {}
        """Keys of which something else may be remembered than was written."""

    def judge(self, values: Values, draft: Draft, now: float) -> list[Decision] | None:
        """What to tell; None if the event is none of this rule's business.

        Raises:
            RenderFailed: the rule cannot be worked out for this event.
        """
        if not (self._uses_previous or self._changed or self.lasts):
            return self._decide(values, draft) if self._when is None or self._when.holds(values) else None
        key = self._key_of(values)
        memory = self._memories.get(key)
        seen = {**values, "previous": memory.previous if memory is not None else None}
        if self._when is not None and not self._when.holds(seen):
            return None
        if self._changed is not None:
            return self._decide(seen, draft) if self._has_changed(self._recall(key), seen) else []
        if self._rule.silence is not None:
            return self._hear(self._recall(key), seen, key, now)
        if self._problem is not None:
            return self._watch(self._recall(key), seen, draft, now, f"rule {self.number} {key}".rstrip())
        return self._decide(seen, draft)

    def remember(self, values: Values, data: Json) -> None:
        """Take that the event is dealt with, by whichever rule: `data` is now the previous one.

        Raises:
            RenderFailed: the rule's key cannot be worked out for this event.
        """
        if self._uses_previous:
            self._recall(self._key_of(values)).previous = data

    def listen(self, values: Values, now: float) -> None:
        """Take that the stream was opened: whoever waits for any event waits from now on."""
        if self._rule.silence is not None and self._key is None and not self._memories:
            self._hear(self._recall(""), values, "", now)

    def wake(self, now: float) -> list[Decision]:
        """What to tell because it is `now`."""
        woken = {key: m.trouble for key, m in self._memories.items() if m.condition.wake(now) is Turn.BEGAN}
        self._touched |= dict.fromkeys(woken)
        return [trouble for trouble in woken.values() if trouble is not None]

    def due(self) -> float | None:
        """When to call `wake`; None if no time is running."""
        if not self.lasts:
            return None
        dues = (memory.condition.due for memory in self._memories.values())
        return min((due for due in dues if due is not None), default=None)

    def _decide(self, values: Values, draft: Draft) -> list[Decision]:
        if self._rule.drop:
            return []
        key = self._key_of(values)
        if self._rule.withdraw:
            return [Withdrawal(stream=self._stream, key=key)] if key else []
        return [self._say(values, draft, key)]

    def _has_changed(self, memory: Memory, values: dict[str, object]) -> bool:
        assert self._changed is not None
        before, memory.value = memory.value, as_key(_text(self._changed.value(values)))
        values["before"], values["after"] = before, memory.value
        return before is not None and before != memory.value

    def _watch(self, memory: Memory, values: Values, draft: Draft, now: float, key: str) -> list[Decision]:
        assert self._problem is not None
        if self._problem.holds(values):
            sight = Sight.BAD
        else:
            sight = Sight.GOOD if self._clear is None or self._clear.holds(values) else Sight.UNCLEAR
        turn = memory.condition.see(sight, now)
        if sight is Sight.BAD and (turn is Turn.BEGAN or memory.condition.state is State.WAITING):
            memory.trouble = self._say(values, draft, self._key_of(values) or key)
        return self._tell(memory, turn, values, "Recovered: {}")

    def _hear(self, memory: Memory, values: Values, key: str, now: float) -> list[Decision]:
        turn = memory.condition.see(Sight.GOOD, now)
        told = self._tell(memory, turn, values, "Heard again: {}")
        memory.condition.see(Sight.BAD, now)
        silent = self._titled(f"Nothing heard from {key or self._stream}")
        memory.trouble = self._say(values, lambda **_: silent, f"rule {self.number} {key}".rstrip())
        return told

    def _tell(self, memory: Memory, turn: Turn | None, values: Values, over: str) -> list[Decision]:
        if turn is None or memory.trouble is None:
            return []
        if turn is Turn.BEGAN:
            return [memory.trouble]
        fine = replace(self._titled(over.format(memory.trouble.title)), key=memory.trouble.key)
        return [self._ordered(self._recovered.say(values, lambda **_: fine), values)]

    def _say(self, values: Values, draft: Draft, key: str) -> Notification:
        identity = as_key(self._identity.render(values)) if self._identity is not None else ""
        is_keyed = self._key is not None or bool(key)
        said = self._words.say(values, draft, keyed=is_keyed)
        said = replace(said, key=(key or None) if is_keyed else said.key, identity=identity or None)
        return self._ordered(said, values)

    def _ordered(self, said: Notification, values: Values) -> Notification:
        """With what the rule runs for it."""
        if not self._command:
            return said
        program, *arguments = self._command
        own = {name: getattr(said, name) for name in _FIELDS} | {"urgency": said.urgency.name.lower()}
        rendered = [_argument(template.render({**values, **own})) for template in arguments]
        return replace(said, command=(program.source, *rendered))

    def _titled(self, title: str) -> Notification:
        return Notification(stream=self._stream, title=plaintext.line(title, TITLE_LIMIT) or "Event")

    def _key_of(self, values: Values) -> str:
        return as_key(self._key.render(values)) if self._key is not None else ""

    def learned(self, offset: float) -> dict[str, str | None]:
        """What was remembered since this was asked for the last time, by key; None of what is forgotten.

        Args:
            offset: What the wall clock is ahead of `now`.
        """
        learned = {key: m.write(offset) if (m := self._memories.get(key)) else None for key in self._touched}
        self._touched.clear()
        return learned

    def recall(self, key: str, text: str, offset: float, now: float) -> None:
        """Remember again what was `learned` in another run; what is damaged is forgotten."""
        memory = self._recall(key)
        try:
            memory.read(text, offset, now)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            logger.debug("%s: a memory of rule %d cannot be read: %s", self._stream, self.number, error)
            del self._memories[key]
            return
        if self._rule.silence is not None:
            # While the program was away nobody listened.
            memory.condition.since = now
        del self._touched[key]

    def _recall(self, key: str) -> Memory:
        self._touched[key] = None
        memory = self._memories.get(key)
        if memory is None:
            delay = self._rule.delay if self._rule.silence is None else self._rule.silence
            memory = self._memories[key] = Memory(Condition(delay))
            if len(self._memories) > KEYS_LIMIT:
                self._touched[self._memories.popitem(last=False)[0]] = None
        else:
            self._memories.move_to_end(key)
        return memory


def as_key(text: str) -> str:
    """A key or an identity of at most `KEY_LIMIT` characters, another one for every text."""
    if len(text) > KEY_LIMIT:
        return sha256(text.encode("utf-8", "replace")).hexdigest()
    return plaintext.line(text, KEY_LIMIT)


def _argument(text: str) -> str:
    """What a system can hand to a program."""
    return text.replace("\0", "").encode(errors="replace").decode()[:ARGUMENT_LIMIT]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"  # as JSON has it, and all else that is told of it
    return "" if value is None else str(value)


def _expression(source: str | None) -> Expression | None:
    return Expression(source) if source is not None else None


def _template(source: str | None) -> Template | None:
    return Template(source) if source is not None else None
