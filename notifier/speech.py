"""The words of a rule, compiled, and the values of an event in; the notification that says them out.

A value is a stranger's: links and pictures lead to the web or nowhere, an icon and a sound are names or nothing, a
number is within its bounds or not there.  It raises `RenderFailed` where a template fails on the values.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from notifier import adornment, plaintext, stamp, vocabulary
from notifier.notification import BODY_LIMIT, GROUP_LIMIT, TITLE_LIMIT, Notification, Urgency, is_name
from notifier.rule import Words
from notifier.template import Template

Values = Mapping[str, object]

_WORDS = ("title", "body", "urgency", "link")
"""What a draft takes long to find."""
_NUMBER = re.compile(r"\s*(\d{1,6}(?:\.\d{1,9})?)\s*%?\s*", re.ASCII)


class Draft(Protocol):
    """Makes the notification that would be told if there were no rule."""

    def __call__(self, *, worded: bool = True) -> Notification:
        """Without its words, if not `worded`: they cost most of the time."""


class Speech:
    """What a rule says."""

    def __init__(self, words: Words) -> None:
        self._makers = {
            name: (Template(source), make)
            for name, make in _MAKERS.items()
            if (source := getattr(words, name)) is not None
        }
        self._labels = None
        if words.actions is not None:
            self._labels = [(Template(button.label), Template(button.link)) for button in words.actions]
        self._fixed = {name: value for name in ("transient", "resident") if (value := getattr(words, name)) is not None}
        templates = [template for template, _ in self._makers.values()]
        templates += [template for pair in self._labels or () for template in pair]
        self.names = frozenset(name for template in templates for name in template.names)
        """What its templates ask for."""
        self._says_all = all(name in self._makers for name in _WORDS)

    def say(self, values: Values, draft: Draft, *, keyed: bool = False) -> Notification:
        """What is set, and what the draft has where nothing is, or a title is empty.

        Args:
            values: What stands in the templates.
            draft: What is found without a rule.
            keyed: Whether the key is somebody else's to find.
        """
        said = {name: make(template.render(values)) for name, (template, make) in self._makers.items()}
        if not said.get("title", True):
            del said["title"]
        if self._labels is not None:
            pairs = [(label.render(values), link.render(values)) for label, link in self._labels]
            buttons = (adornment.action(label, link) for label, link in pairs)
            said["actions"] = tuple(button for button in buttons if button is not None)
        drafted = draft(worded=not (keyed and self._says_all and "title" in said))
        return replace(drafted, **said, **self._fixed)  # type: ignore[arg-type]


def _urgency(text: str) -> Urgency:
    level = vocabulary.urgency("priority", text, frozenset())
    return Urgency.NORMAL if level is None else level


def _icon(text: str) -> str | None:
    text = text.strip()
    return text if is_name(text) else plaintext.link(text)


def _sound(text: str) -> str | None:
    text = text.strip()
    return text if is_name(text) else None


def _progress(text: str) -> int | None:
    number = _NUMBER.fullmatch(text)
    return min(100, math.floor(float(number[1]))) if number else None


_MAKERS: Mapping[str, Callable[[str], object]] = {
    "title": lambda text: plaintext.line(text, TITLE_LIMIT),
    "body": lambda text: plaintext.lines(text, BODY_LIMIT),
    "urgency": _urgency,
    "link": plaintext.link,
    "icon": _icon,
    "image": plaintext.link,
    "time": stamp.read,
    "group": lambda text: plaintext.line(text, GROUP_LIMIT) or None,
    "sound": _sound,
    "progress": _progress,
}
"""For each template, what becomes of its text."""
