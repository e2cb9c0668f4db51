"""`doctor`: what is fine here, what is not, and what to do about it."""

import asyncio
import json as jsons
import logging
import os
from dataclasses import asdict
from typing import Annotated

import typer

from notifier.checkup import examine
from notifier.cli.autostart import autostart_of
from notifier.cli.options import File
from notifier.cli.paper import Paper
from notifier.cli.place import config_file, history_path
from notifier.cli.terminal import log_from, print_line
from notifier.doctor import look_at_machine, look_at_streams
from notifier.finding import Finding, Level
from notifier.language import _, ngettext
from notifier.preset import GENERIC
from notifier.presets import known

Lasting = Annotated[
    float, typer.Option("--seconds", metavar="SECONDS", min=0.5, max=600, help="How long each stream is looked at.")
]


def add(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command()(doctor)


def doctor(
    file: File = None,
    seconds: Lasting = 5.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object with all that was found.")] = False,
) -> int:
    """Check desktop, configuration, history and streams, and say what to do where something is wrong.

    sse-notifier doctor

    Exit code 0 if nothing is wrong, 1 if something is.
    """
    log_from(logging.ERROR)
    paper = None if json else Paper()
    found = asyncio.run(_look(file, seconds, paper))
    wrong = sum(finding.level is Level.WRONG for _about, finding in found)
    if paper is None:
        print_line(jsons.dumps({"version": 1, "findings": [_as_json(about, finding) for about, finding in found]}))
    else:
        paper.line()
        if wrong:
            paper.line(ngettext("{count} thing is wrong", "{count} things are wrong", wrong, count=wrong), style="bold")
        else:
            paper.line(_("nothing is wrong"), style="bold")
    return 1 if wrong else 0


async def _look(file: File, seconds: float, paper: Paper | None) -> list[tuple[str, Finding]]:
    configuration = config_file(file)
    machine, config = await look_at_machine(configuration, history_path(), autostart_of(file), os.environ)
    found = [("", finding) for finding in examine(machine)]
    if paper is not None:
        paper.head(_("This machine"))
        for _about, finding in found:
            paper.finding(finding)
    if not config.streams:
        return found
    if paper is not None:
        paper.head(_("Streams, each looked at for {seconds} s", seconds=f"{seconds:g}"))
    presets = {GENERIC.name: GENERIC} | known(config.presets)
    for name, findings in await look_at_streams(config.streams, presets, seconds):
        told = findings or [Finding(Level.FINE, "stream", _("nothing is wrong with it"))]
        if paper is not None:
            for finding in told:
                paper.finding(finding, about=f"{name}: ")
        found += [(name, finding) for finding in told]
    return found


def _as_json(about: str, finding: Finding) -> dict[str, object]:
    return {"stream": about or None, **asdict(finding), "level": finding.level.name.lower()}
