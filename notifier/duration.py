"""A length of time as people write it in, seconds out.  Pure."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from notifier.language import _

LONGEST = 366 * 86_400.0
"""Seconds; a longer time is a slip of the pen."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*")


def seconds(value: object) -> float:
    """Seconds in 90, "90s", "5m", "1h 30m" or "2d".

    Raises:
        ValueError: it is no length of time.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip().lower()
    if not text or _PART.sub("", text):
        raise ValueError(
            _('{value!r} is no length of time; write seconds, or a number and a unit such as "5m"', value=value)
        )
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0, le=LONGEST)]
