"""A moment as a person writes it in, seconds since 1970 out.  Pure."""

import re
from datetime import datetime, tzinfo

from notifier.errors import UsageError
from notifier.language import _

AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|h|d|w)", re.ASCII)
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse(text: str, now: datetime, zone: tzinfo | None = None) -> float:
    """When `text` means.

    Args:
        text: How long ago (``30m``, ``2h``, ``3d``, ``1w``), or a date or a time of ISO 8601 (``2026-11-23``,
            ``2026-11-23T07:30``, ``07:30`` of today).  Without a zone it is local time.
        now: Aware, in the local zone.
        zone: Of local times; None is this machine's.  It is not the offset of `now`, which may be another in summer.

    Raises:
        UsageError: it is neither.
    """
    text = text.strip()
    if match := AGO.fullmatch(text):
        return now.timestamp() - float(match[1]) * SECONDS[match[2]]
    dated = f"{now:%Y-%m-%d}T{text}" if re.match(r"\d\d:", text) else text
    try:
        moment = datetime.fromisoformat(dated)
        return moment.replace(tzinfo=moment.tzinfo or zone).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            _("{text!r} is no moment; write 30m, 2h, 3d, 2026-11-23 or 2026-11-23T07:30", text=text)
        ) from error
