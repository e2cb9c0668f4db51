"""`probe`: what a stream is, what would become of its events, what is wrong with it, and how to write it down."""

import asyncio
import contextlib
import json as jsons
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from notifier import config, plaintext
from notifier.block import Block, block
from notifier.cli.options import File, Headers, PlainCredentials, Url, length
from notifier.cli.paper import Paper
from notifier.cli.place import config_file
from notifier.cli.terminal import ending, log_from, print_line
from notifier.desktop.log import MARKS
from notifier.diagnosis import diagnose
from notifier.errors import NotifierError, UsageError
from notifier.finding import Finding, Level
from notifier.language import _, ngettext
from notifier.notification import Notification, Urgency
from notifier.observation import Observation, Trouble
from notifier.opaque import is_opaque
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.probe import Probe
from notifier.sample import Sample

USUAL = 10.0
"""Seconds that a stream is looked at."""
ENOUGH = 5
"""Events that are enough to know."""
AWAY = {Trouble.REFUSED, Trouble.UNREACHABLE, Trouble.NO_ANSWER, Trouble.CUT, Trouble.PROXY}
"""What may be over in a moment, and says nothing of the stream."""
BUSY = {408, 425, 429, 500, 502, 503, 504}
"""Statuses that say as little."""
SHOWN = 100
"""Columns of an event that led to nothing."""

Lasting = Annotated[
    str | None,
    typer.Option("--for", metavar="TIME", help="Look for exactly so long: 30s, 2m.  [default: 5 events or 10s]"),
]


def add(app: typer.Typer) -> None:
    """Give `app` this command."""
    app.command()(probe)


def probe(
    url: Url,
    lasting: Lasting = None,
    header: Headers = None,
    allow_plain_credentials: PlainCredentials = False,
    save: Annotated[
        str | None, typer.Option("--save", metavar="NAME", help="Add it to the configuration file by this name.")
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", metavar="NAME", help="It is this kind of stream; auto finds out.")
    ] = "auto",
    file: File = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object with all that was found.")] = False,
) -> int:
    """Look at a stream: its kind, what its events would become, what is wrong, and what to write down.

    sse-notifier probe https://ntfy.sh/mytopic/sse

    sse-notifier probe https://ci.example.org/events -H 'Authorization: Bearer TOKEN' --for 1m --save CI

    Exit code 0 if it can be followed, 1 if something is wrong.
    """
    log_from(logging.ERROR)
    settings = config.from_arguments([url], header or (), os.environ, allow_plain_credentials=allow_plain_credentials)
    (stream,) = settings.streams
    presets = {GENERIC.name: GENERIC} | known()
    if preset not in ("auto", *presets):
        raise UsageError(_("there is no preset {name!r}; there are {names}", name=preset, names=", ".join(known())))
    stream = stream.model_copy(update={"preset": preset})
    watched = USUAL if lasting is None else length(lasting)
    samples: list[Sample] = []
    paper = Paper()

    def tell(sample: Sample) -> None:
        if json:
            samples.append(sample)
        else:
            show_sample(paper, sample, is_first=looked.seen.events == 1)

    looked = Probe(stream, presets, tell)
    if not json:
        paper.line(_("Looking at {name}, at what comes from now on …", name=looked.seen.host), style="dim")
    seen = asyncio.run(_look(looked, watched, None if lasting else ENOUGH))
    found = diagnose(seen)
    kind = looked.line.preset
    made = block(
        stream,
        save or "/".join(part for part in stream.name.split("/") if not is_opaque(part)),
        preset="" if kind is GENERIC and preset == "auto" else kind.name,
        fingerprint=seen.fingerprint,
    )
    can_be_followed = seen.opened is not None or bool(seen.fingerprint)
    if json:
        print_line(_as_json(looked, samples, found, made))
    else:
        _show_look(paper, looked, found)
        if save is None and can_be_followed:
            _show_block(paper, made, file)
    is_away = seen.opened is None and _is_away(seen) and (kind is not GENERIC or preset != "auto")
    if save is not None and not can_be_followed and not is_away:
        raise NotifierError(_("{name} was not added, since it cannot be followed as it is", name=save))
    if save is not None:
        kept = config_file(file)
        kept.add(made.text, save, made.variables)
        if not json:
            paper.line()
            paper.line(_("{path} has it now, as {name}.", path=kept.path, name=save))
            if is_away:
                paper.finding(_unseen(kind.title, looked.line.sign if preset == "auto" else _("--preset says so")))
            _show_variables(paper, made)
    return 1 if any(finding.level is Level.WRONG for finding in found) else 0


def _is_away(seen: Observation) -> bool:
    """Whether it may be there again in a moment."""
    return seen.trouble in AWAY or (seen.answer is not None and seen.answer.status in BUSY)


def _unseen(kind: str, sign: str) -> Finding:
    return Finding(
        Level.NOTE,
        "unseen",
        _("it was not seen: it is down, and is taken for {kind} because {sign}", kind=kind, sign=sign),
        _("unknown is whether it lets you in, whether its events have IDs, whether it shows signs of life, and what "
          "its events would become"),
        _("probe it again once it is there"),
    )  # fmt: skip


async def _look(looked: Probe, lasts: float, enough: int | None) -> Observation:
    task = asyncio.current_task()
    assert task is not None
    stop = asyncio.Event()
    # Ctrl-C ends the look, and what was seen until then is told.
    with contextlib.suppress(NotImplementedError):
        for number in ending():
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    look = asyncio.ensure_future(looked.run(lasts, enough))
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait({look, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if stop.is_set():
        looked.leave()
    return await look


def show_sample(paper: Paper, sample: Sample, *, is_first: bool) -> None:
    """What would become of one event."""
    if is_first:
        paper.head(_("What its events would become"))
    for outcome in sample.outcomes:
        if not isinstance(outcome, Notification):
            paper.line(_("takes back the bubble {key}", key=outcome.key), mark="↶", mark_style="cyan", indent=2)
            continue
        style = {Urgency.CRITICAL: "bold red", Urgency.LOW: "dim"}.get(outcome.urgency, "green")
        urgency = "" if outcome.urgency is Urgency.NORMAL else f"  [{outcome.urgency.name.lower()}]"
        paper.line(f"{outcome.title}{urgency}", mark=MARKS[outcome.urgency], mark_style=style, style="bold", indent=2)
        for line in outcome.body.splitlines():
            paper.line(line, indent=4)
        for name, value in (("link", outcome.link), ("key", outcome.key), ("image", outcome.image)):
            if value:
                paper.line(value, mark=name, mark_style="dim", indent=4)
    if not sample.outcomes and sample.event is not None:
        shown = plaintext.line(f"{sample.event.type}: {sample.event.data}", SHOWN)
        paper.line(
            _("nothing, because {why}: {event}", why=sample.silent, event=shown), mark="-", style="dim", indent=2
        )


def _show_look(paper: Paper, looked: Probe, found: list[Finding]) -> None:
    seen, preset = looked.seen, looked.line.preset
    fields = []
    if answer := seen.first_answer:
        how = ["HTTP/" + answer.version, answer.headers.get("transfer-encoding", "")]
        told = " ".join(filter(None, [str(answer.status), answer.content_type, f"({' '.join(filter(None, how))})"]))
        fields.append((_("answer"), _("{told} after {seconds:.2f} s", told=told, seconds=answer.at)))
    if seen.opened is not None:
        fields.append((_("kind"), f"{preset.title} ({looked.line.sign})"))
        count = ngettext("{count} event in {seconds:.1f} s", "{count} events in {seconds:.1f} s", seen.events,
                         count=seen.events, seconds=seen.lasted - seen.opened)  # fmt: skip
        first = _(", the first byte after {seconds:.2f} s", seconds=seen.chunks[0].at) if seen.chunks else ""
        fields.append((_("heard"), count + first))
    paper.head(_("What it is"))
    if fields:
        paper.fields(fields)
    for finding in found:
        paper.finding(finding)
    if not found:
        paper.line(_("nothing is wrong with it"), mark="✓", mark_style="green", indent=2)


def _show_block(paper: Paper, made: Block, file: Path | None) -> None:
    paper.head(_("For {path}", path=config_file(file).path))
    paper.block(made.text)
    paper.line()
    paper.line(_("have it added: the same once more, with --save NAME"), mark="→", mark_style="cyan", indent=2)
    _show_variables(paper, made)


def _show_variables(paper: Paper, made: Block) -> None:
    if made.variables:
        paper.line()
        paper.line(_("Its secrets come from the environment; set them where sse-notifier starts:"))
        for name in made.variables:
            paper.block(f"export {name}=…")


def _as_json(looked: Probe, samples: list[Sample], found: list[Finding], made: Block) -> str:
    seen, answer = looked.seen, looked.seen.answer
    document = {
        "version": 1,
        "host": seen.host,
        "preset": looked.line.preset.name,
        "sign": looked.line.sign,
        "status": answer.status if answer else None,
        "content_type": answer.content_type if answer else None,
        "http": answer.version if answer else None,
        "opened": seen.opened,
        "first_byte": seen.chunks[0].at if seen.chunks else None,
        "lasted": seen.lasted,
        "events": [
            {
                "type": sample.event.type,
                "data": sample.event.data,
                "id": sample.event.id,
                "silent": sample.silent or None,
                "notifications": [
                    {key: value for key, value in asdict(each).items() if key not in ("row", "stream")}
                    for each in sample.outcomes
                ],
            }
            for sample in samples
            if sample.event is not None
        ],
        "findings": [asdict(finding) | {"level": finding.level.name.lower()} for finding in found],
        "block": made.text,
    }
    return jsons.dumps(document)
