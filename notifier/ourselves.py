"""What the program tells of itself in a bubble.  Pure."""

from notifier import plaintext
from notifier.errors import ConfigurationBroken, NotifierError
from notifier.language import _, ngettext
from notifier.notification import OURSELVES, TITLE_LIMIT, Notification

PROBLEMS_LIMIT = 1_000
"""Characters of a bubble about a broken configuration; the log has all of it."""


def broken(error: ConfigurationBroken) -> Notification:
    """What was saved is no configuration."""
    count = len(error.problems)
    title = ngettext("A mistake in the configuration", "{count} mistakes in the configuration", count, count=count)
    problems = plaintext.lines("\n".join(error.problems), PROBLEMS_LIMIT)
    return _of_configuration(title, f"{problems}\n{_('Until it is mended, all goes on as before.')}")


def mended() -> Notification:
    """What was saved after that is one."""
    return _of_configuration(_("The configuration is in order again"), _("It is followed from now on."))


def failed(error: NotifierError) -> Notification:
    """What the person asked for could not be done."""
    return Notification(stream=OURSELVES, title=plaintext.line(str(error), TITLE_LIMIT) or OURSELVES, key="errand")


def _of_configuration(title: str, body: str) -> Notification:
    return Notification(stream=OURSELVES, title=title, body=body, key="configuration")
