"""What to send, what to believe, how long to wait.  Pure."""

from enum import Enum


class ReadyState(Enum):
    """State of one stream (HTML 9.2.2)."""

    CONNECTING = 0
    OPEN = 1
    CLOSED = 2
