"""An event in, the values in it that are worth a notification each out.

It reads JSON, also within strings, and takes lists apart where a preset says so; it decides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from notifier import payload
from notifier.payload import Json
from notifier.preset import Preset
from notifier.sse import Event

ITEMS_LIMIT = 500
"""Elements of one event that are told; later ones are not."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value to tell a person about."""

    data: Json
    """What JSON held, or the text of the event."""
    outer: Json
    """The object that `data` was taken out of; `data` itself where nothing was."""
    text: str
    """How to show it where nothing better is found."""


def items(event: Event, preset: Preset) -> list[Item]:
    """What an event holds: one item, or one for each element of the preset's `explode`."""
    value = payload.read(event.data)
    for path in preset.nested_json:
        _read_in_place(value, path.split("."))
    if preset.explode is None:
        return [Item(value, value, event.data)]
    found: list[Item] = []
    for data, outer in _elements(value, _steps(preset.explode), value):
        if len(found) == ITEMS_LIMIT:
            break
        found.append(Item(data, outer, ""))
    return found or [Item(value, value, event.data)]


def _steps(path: str) -> list[str]:
    return [step for step in path.replace("[]", ".[]").split(".") if step]


def _elements(value: Json, steps: list[str], outer: Json) -> Iterator[tuple[Json, Json]]:
    if not steps:
        yield value, outer
    elif steps[0] == "[]":
        for element in value if isinstance(value, list) else ():
            yield from _elements(element, steps[1:], outer)
    elif isinstance(value, dict) and steps[0] in value:
        yield from _elements(value[steps[0]], steps[1:], value)


def _read_in_place(value: Json, names: list[str]) -> None:
    """Nobody else has seen the value yet, so it may be changed."""
    for name in names[:-1]:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(text := value.get(names[-1]), str):
        value[names[-1]] = payload.read(text)
