"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.duration import seconds
from notifier.errors import UsageError
from notifier.language import _

Urls = Annotated[
    list[str] | None,
    typer.Argument(metavar="URL...", help="Address of an event stream.  Without one, the configuration file counts."),
]
File = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration file, in place of the usual one.")
]
Url = Annotated[str, typer.Argument(metavar="URL", help="Address of an event stream, http or https.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="'Name: value'", help="Send this header too; may be repeated."),
]
PlainCredentials = Annotated[
    bool, typer.Option("--allow-plain-credentials", help="Send headers over http:// too, where others can read them.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell each step on standard error.")]
NoTray = Annotated[bool, typer.Option("--no-tray", help="Show notifications without an icon in the tray.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def length(text: str) -> float:
    """Seconds of a ``--for``, where a number alone is seconds.

    Raises:
        UsageError: it is no length of time, or not one that somebody waits for.
    """
    try:
        found = float(text) if text.replace(".", "", 1).isdigit() else seconds(text)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from None
    if not 0.1 <= found <= 7 * 86_400:
        raise UsageError(_("--for is between 0.1s and 7d"))
    return found
