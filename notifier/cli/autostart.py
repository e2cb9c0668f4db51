"""`autostart`: start at login, or not."""

import asyncio
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from notifier.autostart import Autostart, State, choose, command_of
from notifier.cli.options import File
from notifier.cli.place import config_file
from notifier.cli.terminal import print_line, say
from notifier.errors import NotifierError
from notifier.language import _

Way = Annotated[
    str | None,
    typer.Option(
        "--way", metavar="WAY", help="On Linux: desktop (the autostart folder; usual) or systemd (a user unit)."
    ),
]


def add(app: typer.Typer) -> None:
    """Give `app` these commands."""
    group = typer.Typer(name="autostart", help="Start at login: on, off, status.")
    group.command()(on)
    group.command()(off)
    group.command()(status)
    app.add_typer(group)


def on(file: File = None, way: Way = None) -> None:
    """Start at login, with the configuration file as it is then.

    sse-notifier autostart on
    """
    autostart = autostart_of(file)
    asyncio.run(autostart.switch(on=True, way=way))
    print_line(_("sse-notifier starts at login ({place})", place=autostart.place()))
    try:
        config_file(file).read_to_follow()
    except NotifierError as error:
        say(_("as yet it could not start: {problem}", problem=error))


def off() -> None:
    """Do not start at login."""
    asyncio.run(autostart_of(None).switch(on=False))
    print_line(_("sse-notifier does not start at login"))


def status(file: File = None) -> int:
    """Tell whether it starts at login; exit code 0 if it does, 1 if not."""
    autostart = autostart_of(file)
    match autostart.state():
        case State.ON:
            print_line(_("on ({place})", place=autostart.place()))
            return 0
        case State.OTHER:
            again = shlex.join(["sse-notifier", "autostart", "on", *(["--config", str(file)] if file else [])])
            sentence = _(
                "on, but it starts another program or configuration than this one ({place}); to start this: {again}",
                place=autostart.place(),
                again=again,
            )
            print_line(sentence)
            return 0
        case State.OFF:
            print_line(_("off"))
            return 1


def autostart_of(file: Path | None) -> Autostart:
    """What starts this program at login, with this configuration file or the usual one."""
    return choose(os.environ, command_of(sys.argv[0], sys.executable, file))
