"""`config`: the configuration file: write it, check it, describe it."""

import json
from pathlib import Path

import typer

from notifier import config
from notifier.cli.options import File
from notifier.cli.paper import Paper
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
    paper = Paper()
    paper.line(_("{path} is written.", path=made.path))
    paper.line(_("Look at a stream and add it: sse-notifier probe URL --save NAME{there}", there=made.option))
    paper.line(_("Then follow it: sse-notifier run{there}", there=made.option))


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
    paper = Paper()
    paper.line(
        ngettext(
            "{path} is in order: {count} stream",
            "{path} is in order: {count} streams",
            count,
            path=checked.path,
            count=count,
        )
    )
    if count:
        paper.line(
            ngettext(
                "Follow it: sse-notifier run{there}",
                "Follow them: sse-notifier run{there}",
                count,
                there=checked.option,
            )
        )
    else:
        paper.line(_("Look at a stream and add it: sse-notifier probe URL --save NAME{there}", there=checked.option))


def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    print(json.dumps(config.schema(), indent=2))
