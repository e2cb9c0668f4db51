"""A stream's URL, response headers and first events in, the preset of its kind out, and what gave it away.

It guesses nothing: without a sign that a preset names, the stream stays `GENERIC`.  Headers are surer than the
URL, and the URL is surer than the events; of equal signs the first preset's counts.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from notifier import payload
from notifier.language import _
from notifier.preset import GENERIC, Preset
from notifier.sse import Event
from notifier.template import Expression, RenderFailed

EVENTS_LIMIT = 20
"""Events that are looked at; a stream that has not shown its kind by then has none."""


class Recognition:
    """Finds out of which kind a stream is.

    Args:
        url: The stream's.  Its query, which may hold a secret, is not looked at.
        presets: What it may be; a person's own ones first.
    """

    def __init__(self, url: str, presets: Sequence[Preset]) -> None:
        self.preset = GENERIC
        self.reason = _("nothing gives its kind away")
        """Why it is taken for this kind, for a person."""
        self._presets = presets
        self._events_left = EVENTS_LIMIT
        self._sure = False
        self._expressions = [(p, Expression(p.signs.data)) for p in presets if p.signs.data is not None]
        address = _address(url)
        for preset in presets:
            if any(re.search(pattern, address) for pattern in preset.signs.url):
                self._take(preset, _("its URL gives it away"))
                break

    @property
    def is_open(self) -> bool:
        """Whether an event may still show the kind."""
        return self.preset is GENERIC and self._events_left > 0

    def answer(self, headers: Mapping[str, str]) -> Preset:
        """Take the headers of a response; names are lower case.  Returns the preset as known so far."""
        for preset in self._presets if not self._sure else ():
            signs = preset.signs.headers
            found = [name for name, pattern in signs.items() if re.search(pattern, headers.get(name, "")[:1_000])]
            if found:
                self._sure = True
                self._take(preset, _("the header {name} gives it away", name=found[0]))
                break
        return self.preset

    def see(self, event: Event) -> Preset:
        """Take an event.  Returns the preset as known so far."""
        if self.is_open:
            self._events_left -= 1
            values = {"event": {"type": event.type, "id": event.id or ""}, "data": payload.read(event.data)}
            for preset, expression in self._expressions:
                if _holds(expression, values):
                    self._take(preset, _("its events give it away"))
                    break
        return self.preset

    def _take(self, preset: Preset, sign: str) -> None:
        self.preset = preset
        self.reason = sign


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"[:2_000]
    except ValueError:
        return ""


def _holds(expression: Expression, values: Mapping[str, object]) -> bool:
    try:
        return expression.holds(values)
    except RenderFailed:
        return False
