"""What a look at a stream or at this machine found out: one value for each matter.  Pure."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a finding matters."""

    FINE = 0
    NOTE = 1
    """Works, and the person should know."""
    WRONG = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out."""

    level: Level
    topic: str
    """What it is about, the same in every language and version: "buffering", "tls-expired", …"""
    what: str
    """What was seen."""
    why: str = ""
    """What it means."""
    todo: str = ""
    """What to do about it."""
