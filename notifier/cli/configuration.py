"""`config`: the configuration file: write it, check it, describe it."""

import json
import shlex
from pathlib import Path

import typer

from notifier import config
from notifier.cli.options import File
from notifier.cli.place import config_file
from notifier.language import _, ngettext


def add(app: typer.Typer) -> None:
    """Give `app` these commands."""
    group = typer.Typer(name="config", help="The configuration file: write it, check it, describe it.")
    group.command("init")(init)
    group.command("path")(path)
    group.command("check")(check)
    group.command("schema")(schema)
    app.add_typer(group)


def init(file: File = None) -> None:
    """Write a commented file to begin with; one that is there is left alone."""
    made = config_file(file)
    made.create()
    there = "" if file is None else f" --config {shlex.quote(str(file))}"
    print(_("{path} is written; add your streams to it, then: sse-notifier run{there}", path=made.path, there=there))


def path(file: File = None) -> None:
    """Show where the configuration file is, or would be."""
    print(config_file(file).path)


def check(file: File = None) -> None:
    """Look for mistakes in the configuration file, and tell all of them."""
    checked = config_file(file)
    settings = checked.read()
    if settings.tray.icon is not None:
        from notifier.tray.picture import read_picture

        read_picture(Path(settings.tray.icon))
    count = len(settings.streams)
    print(
        ngettext(
            "{path} is in order: {count} stream",
            "{path} is in order: {count} streams",
            count,
            path=checked.path,
            count=count,
        )
    )
    if not count:
        there = "" if file is None else f" --config {shlex.quote(str(file))}"
        print(_("Look at a stream and add it: sse-notifier probe URL --save NAME{there}", there=there))


def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    print(json.dumps(config.schema(), indent=2))
