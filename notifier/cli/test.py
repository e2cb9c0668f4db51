"""`test`: one bubble of each kind, and what came of each."""

import asyncio
import os
from typing import Annotated

import typer

from notifier.cli.terminal import print_line, say
from notifier.desktop.trial import Trial, open_desktop
from notifier.language import _

Backend = Annotated[
    str | None,
    typer.Option(
        "--backend", metavar="NAME", help="dbus, portal, native, plyer or terminal, in place of the one used here."
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, max=600, help="For clicks and closings, at most so long."),
]


def add(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command("test")(try_out)


def try_out(backend: Backend = None, wait: Wait = 20.0) -> int:
    """Show one bubble of each kind and tell what came back; exit code 1 if one was not shown.

    sse-notifier test
    """
    return asyncio.run(_try_out(backend, wait))


async def _try_out(backend: str | None, wait: float) -> int:
    trial = Trial(print_line)
    desktop, complaint = await open_desktop(backend, os.environ, trial, print_line)
    try:
        if complaint:
            say(complaint)
        if desktop.hears:
            told = _(
                "Bubbles are shown by {name}; click or close them within {seconds} s.",
                name=desktop.name,
                seconds=f"{wait:g}",
            )
        else:
            told = _("Bubbles are shown by {name}, where they cannot be clicked.", name=desktop.name)
        print_line(told)
        await trial.run(desktop, wait)
    finally:
        await desktop.close()
    if trial.failed:
        say(_("not shown: {titles}", titles=", ".join(trial.failed)))
    return 1 if trial.failed else 0
