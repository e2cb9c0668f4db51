"""Data of an event in, the JSON value it holds out.

It never raises and never takes long: what is no JSON, too long or too deep to be read is not JSON here.
NaN and the infinities, which RFC 8259 does not have, are null; a number too long to count with stays text.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

SIZE_LIMIT = 1 << 20
"""Characters of JSON that are read; longer data is text."""
PARTS_LIMIT = 20_000
"""Commas and opening brackets of JSON that is read (tens of milliseconds); data with more is text."""
DEPTH_LIMIT = 100
"""Levels of JSON that are read."""
DIGITS_LIMIT = 40
"""Digits that a number may have and still be one."""


class NotJson(ValueError):
    """The data is text, not JSON."""


def parse(data: str) -> Json:
    """The JSON value in `data`; of repeated names the last one counts.

    Raises:
        NotJson: it is text, or it is over a limit.
    """
    if len(data) > SIZE_LIMIT or not _may_start(data):
        raise NotJson("not JSON, or too long")
    levels = data.count("[") + data.count("{")
    if levels + data.count(",") > PARTS_LIMIT:
        raise NotJson("too many parts")
    try:
        value: Json = _DECODER.decode(data)
    except (ValueError, RecursionError) as error:
        raise NotJson("not JSON, or too deep") from error
    if levels > DEPTH_LIMIT and _is_deep(value):
        raise NotJson("too deep")
    return value


def read(data: str) -> Json:
    """The JSON value in `data`, or `data` itself where it is text."""
    try:
        return parse(data)
    except NotJson:
        return data


def _may_start(data: str) -> bool:
    """Most text is told from JSON by its first letter."""
    return data.lstrip(" \t\r\n")[:1] in tuple('{["-0123456789tfnNI')


def _is_deep(value: Json) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS_LIMIT else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) and len(digits) <= DIGITS_LIMIT else digits


_DECODER = json.JSONDecoder(parse_int=_int, parse_float=_float, parse_constant=lambda _: None)
