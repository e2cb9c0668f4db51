"""A moment as programs write it in, seconds since 1970 out; None where it is none.  Pure.

A number counts seconds, or thousandths, millionths or billionths of them: which is told by its size, because of all
four only one lies between 2001 and 2100.  Text is a number, or a date and a time of ISO 8601.
"""

import re
from datetime import UTC, datetime

_EARLIEST, _LATEST = 1_000_000_000, 4_102_444_800
"""Seconds: from 2001 until 2100."""
_SCALES = (1, 1_000, 1_000_000, 1_000_000_000)
_NUMBER = re.compile(r"[0-9]{10,19}(?:\.[0-9]{1,9})?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d.{0,20}", re.ASCII)
_FRACTION = re.compile(r"([.,]\d{6})\d+")


def read(value: object, *, zone_needed: bool = False) -> float | None:
    """When `value` says.

    Args:
        value: A number, or text.
        zone_needed: Whether a time without a zone is none, because nobody said that it is in UTC.
    """
    if isinstance(value, str):
        text = value.strip()[:50]
        return _of_number(float(text)) if _NUMBER.fullmatch(text) else _of_iso(text, zone_needed=zone_needed)
    return _of_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _of_number(number: float) -> float | None:
    for scale in _SCALES:
        if _EARLIEST * scale <= number <= _LATEST * scale:
            return number / scale
    return None


def _of_iso(text: str, *, zone_needed: bool) -> float | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        # Nanoseconds, which Go writes, are more than Python reads.
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        if zone_needed:
            return None
        moment = moment.replace(tzinfo=UTC)
    return _of_number(moment.timestamp())
