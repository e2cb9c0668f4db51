"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

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
