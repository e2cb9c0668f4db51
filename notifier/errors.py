"""Every error that the program itself raises.  Pure.

::

    NotifierError            the command line prints it in one sentence and exits 1
    ├── NobodyReads          the pipe that we write to was closed; exit 0
    ├── UsageError           an argument or the configuration is wrong; exit 2
    │   ├── ConfigurationMissing there is no such file yet
    │   └── ConfigurationBroken  every mistake of a configuration file at once
    ├── AlreadyRunning       another process follows this configuration
    ├── StreamLost           the connection is gone and will be reestablished (HTML 9.2.3)
    ├── StreamFailed         told never to come back (HTML 9.2.3: fail the connection)
    ├── BubbleFailed         the desktop did not take a bubble; the notification is still ours
    ├── LinkFailed           no browser opened a link
    ├── ErrandFailed         nothing here opens a file, or copies text
    ├── TrayUnavailable      nobody here can show a tray icon
    ├── AutostartFailed      the system does not let us say what starts at login
    └── StoreError           the history cannot be read, or nothing can be recorded any more

What a peer does wrong is one of these; what we do wrong is an ``assert``.  A message is a whole
sentence without a full stop: what happened, why, and what to do next.  It never holds a secret,
a query string or event data.
"""

from collections.abc import Sequence
from enum import Enum

from notifier.language import ngettext


class NotifierError(Exception):
    """Base class: one sentence for a person."""


class NobodyReads(NotifierError):
    """The pipe that we write to was closed."""


class UsageError(NotifierError):
    """What the person asked for cannot be done as written."""


class ConfigurationMissing(UsageError):
    """There is no configuration file yet."""


class ConfigurationBroken(UsageError):
    """A configuration file cannot be taken as it is.

    Args:
        file: Its path.
        problems: What is wrong with it, a line each: `FILE:LINE: SENTENCE`.
    """

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        headline = ngettext("{file} has a mistake:", "{file} has {count} mistakes:", count, file=file, count=count)
        super().__init__("\n".join([headline, *self.problems]))


class AlreadyRunning(NotifierError):
    """One program per configuration: two would show each notification twice."""


class StreamLost(NotifierError):
    """The connection ended and another attempt will follow."""


class StreamFailed(NotifierError):
    """The server gave an answer that no further attempt would change."""


class BubbleFailed(NotifierError):
    """The notification daemon is missing, too slow, or refused."""


class LinkFailed(NotifierError):
    """The link is still in the bubble; no browser took it."""


class ErrandFailed(NotifierError):
    """What the person asked for in the menu needs a program that is not here."""


class TrayUnavailable(NotifierError):
    """No display, no session bus or no tray host."""


class AutostartFailed(NotifierError):
    """What starts at login is as it was."""


class Ailment(Enum):
    """What is wrong with a history that cannot be read."""

    LOCKED = "another program keeps it to itself"
    DAMAGED = "it is no database any more"
    NEWER = "a newer version of this program made it"
    FOREIGN = "it is something else"
    CLOSED = "we are not let in"
    DISK = "the disk, or the memory"


class StoreError(NotifierError):
    """There is no history that we can read, or no memory left to keep one in.

    Args:
        sentence: For the person.
        ailment: What ails the file, if it is the file.
    """

    def __init__(self, sentence: str, ailment: Ailment | None = None) -> None:
        super().__init__(sentence)
        self.ailment = ailment
