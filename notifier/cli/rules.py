"""`rules`: what the rules of the configuration, as they are now, would make of the past."""

import json as jsons
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from notifier import moment, plaintext
from notifier.cli.options import File, Json
from notifier.cli.paper import Paper
from notifier.cli.place import config_file, history_path
from notifier.cli.terminal import log_from, print_line
from notifier.comparison import Difference, Outcome, Result, Timed, compare, told
from notifier.config import Config
from notifier.errors import UsageError
from notifier.history import read_history
from notifier.kept import Kind, read_kept
from notifier.language import _, ngettext
from notifier.line import Line
from notifier.notification import Notification
from notifier.past import past_of, told_of
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.recorder import load
from notifier.recording import Head, Step, head_of
from notifier.replay import play
from notifier.rerun import Rerun
from notifier.stream import Stream

MARKS = {
    Result.SAME: ("=", "dim"),
    Result.CHANGED: ("~", "yellow"),
    Result.NEW: ("+", "green"),
    Result.DROPPED: ("-", "red"),
    Result.UNKNOWN: ("?", "cyan"),
}
TEXT = 200
"""Columns of a field."""
EVENT = 100
"""Columns of an event."""
EVERYTHING = 1_000_000
"""Rows."""
HISTORY = "history"
"""In place of the name of a file."""

By = tuple[Stream, Config]
"""A stream, and the configuration that it is in."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying the rules of one stream."""

    found: Sequence[Difference]
    too_large: int = 0
    """Events that were not kept for it."""
    too_fast: int = 0
    title: str = ""
    is_kept: bool = True
    """Whether the history keeps any events."""


def add(app: typer.Typer) -> None:
    """Give `app` these commands."""
    group = typer.Typer(name="rules", help="Rules: what they would make of the past.")
    # With one command alone, typer would leave out its name.
    group.callback()(_rules)
    group.command("try")(try_)
    app.add_typer(group)


def _rules() -> None:
    """Rules: what they would make of the past."""


def try_(
    past: Annotated[
        str,
        typer.Argument(
            metavar="FILE|history",
            help="A recording, made by sse-notifier record; or the events that the history keeps.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--stream", metavar="NAME", help="By the rules of this stream of the configuration.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", help="30m, 2h, 3d or 2026-11-23.")] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare with an older configuration, not with the history."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what stays the same, too.")] = False,
    file: File = None,
    json: Json = False,
) -> None:
    """Show what changed rules would have told of the past; nothing is shown on the desktop, recorded or run.

    sse-notifier rules try history --since 2d

    sse-notifier rules try morning.jsonl --stream ntfy

    sse-notifier rules try morning.jsonl --against config.toml.old
    """
    log_from(logging.WARNING)
    now = datetime.now().astimezone()
    earliest = float("-inf") if since is None else moment.parse(since, now)
    configuration = config_file(file)
    settings, path = configuration.read_to_follow(), configuration.path
    before = config_file(against).read() if against is not None else None
    tell = partial(_tell_as_json if json else _tell_as_text, everything=everything)
    if past == HISTORY:
        tried = settings.streams if name is None else [_named(settings, name, path)]
        if before is not None and name is None:
            # A stream that is new has no older rules.
            tried = [stream for stream in tried if any(each.name == stream.name for each in before.streams)]
        for stream in tried:
            older = (_named(before, stream.name, against), before) if before is not None else None
            tell(stream.name, _of_history((stream, settings), older, earliest, now.timestamp()))
        return
    head, steps = load(Path(past))
    stream = _named(settings, name, path) if name is not None else _recorded(settings, head)
    older = (_named(before, stream.name, against), before) if before is not None else None
    tell(stream.name, _of_recording(head, steps, (stream, settings), older, earliest))


def _of_history(by: By, older: By | None, earliest: float, now: float) -> Trial:
    name = by[0].name
    rows = read_kept(history_path(), name)
    rerun = Rerun(partial(_line, *by))
    played = list(rerun.play(rows, now))
    if older is not None:
        was: Sequence[Timed | None] = list(Rerun(partial(_line, *older)).play(rows, now))
    else:
        told_then = read_history(history_path(), stream=name, limit=EVERYTHING)
        was = told_of(rerun.events, told_then, rows[0].received if rows else 0.0)
    found = compare(was, played, by_history=older is None)
    return Trial(
        [difference for difference in found if difference.at >= earliest],
        rerun.too_large,
        rerun.too_fast,
        title=name,
        is_kept=any(row.kind is Kind.EVENT for row in rows),
    )


def _of_recording(head: Head, steps: Sequence[Step], by: By, older: By | None, earliest: float) -> Trial:
    began = _moment(head)
    now = [(began + at, sample) for at, sample in play(steps, _line(*by))]
    if older is not None:
        was: Sequence[Timed | None] = [(began + at, sample) for at, sample in play(steps, _line(*older))]
    else:
        rows = read_history(history_path(), stream=by[0].name, limit=EVERYTHING)
        events = [(at, sample.event) for at, sample in now if sample.event is not None]
        was = past_of(events, rows, read_kept(history_path(), by[0].name))
    found = compare(was, now, by_history=older is None)
    return Trial([difference for difference in found if difference.at >= earliest])


def _named(settings: Config, name: str, path: Path | None) -> Stream:
    found = next((stream for stream in settings.streams if stream.name == name), None)
    if found is None:
        raise UsageError(_("{path} has no stream {name}", path=path, name=name))
    return found


def _recorded(settings: Config, head: Head) -> Stream:
    found = [stream for stream in settings.streams if head_of(stream.url, "").url == head.url]
    if len(found) != 1:
        names = ", ".join(stream.name for stream in settings.streams)
        raise UsageError(
            _("which stream of the configuration is this? Say it with --stream; there are {names}", names=names)
        )
    return found[0]


def _moment(head: Head) -> float:
    """Seconds since 1970; 0 if the recording does not say when it began."""
    try:
        return datetime.fromisoformat(head.started).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _line(stream: Stream, settings: Config) -> Line:
    return Line(stream, {GENERIC.name: GENERIC} | known(settings.presets), None)


def _tell_as_text(_name: str, trial: Trial, *, everything: bool) -> None:
    paper = Paper()
    shown = [difference for difference in trial.found if everything or _matters(difference)]
    if trial.title:
        paper.head(trial.title)
    for difference in shown:
        _show(paper, difference)
    if shown:
        paper.line()
    if trial.is_kept:
        paper.line(_summed_up(trial.found))
    else:
        paper.line(
            _("The history holds no events of it yet; sse-notifier run keeps them, unless keep_events is false.")
        )
    if trial.too_large:
        paper.line(
            ngettext(
                "{count} event was too large to be kept, and is not tried.",
                "{count} events were too large to be kept, and are not tried.",
                trial.too_large,
                count=trial.too_large,
            )
        )
    if trial.too_fast:
        paper.line(
            ngettext(
                "{count:,} event of which nothing was told came too fast to be kept.",
                "{count:,} events of which nothing was told came too fast to be kept.",
                trial.too_fast,
                count=trial.too_fast,
            )
        )


def _matters(difference: Difference) -> bool:
    """Whether it is, or may be, another than it was."""
    return bool(difference.pairs) and difference.result is not Result.SAME


def _show(paper: Paper, difference: Difference) -> None:
    mark, style = MARKS[difference.result]
    words = {
        Result.SAME: _("the same"),
        Result.CHANGED: _("changed"),
        Result.NEW: _("new"),
        Result.DROPPED: _("dropped"),
        Result.UNKNOWN: _("not in the history"),
    }
    when = datetime.fromtimestamp(difference.at).astimezone()
    paper.line(
        f"{when:%Y-%m-%d %H:%M:%S} {words[difference.result]}: {_event(difference)}",
        mark=mark, mark_style=style, style="dim" if difference.result is Result.SAME else "bold",
    )  # fmt: skip
    for pair in difference.pairs:
        if pair.was is None or pair.now is None:
            sign, outcome = ("+", pair.now) if pair.was is None else ("-", pair.was)
            assert outcome is not None, "one of a pair is there"
            paper.line(_outcome(outcome), mark=sign, mark_style="green" if sign == "+" else "red", indent=4)
        elif not pair.changes:
            paper.line(_outcome(pair.now), mark="=", style="dim", indent=4)
        for change in pair.changes:
            was, now = (plaintext.line(text, TEXT) or _("(nothing)") for text in (change.was, change.now))
            paper.line(f"{was} → {now}", mark=f"{change.field:<7}", mark_style="dim", indent=4)
    if difference.silent and not any(pair.now for pair in difference.pairs):
        paper.line(_("nothing is told, because {why}", why=difference.silent), style="dim", indent=4)


def _event(difference: Difference) -> str:
    event = difference.event
    if event is None:
        return _("time has passed")
    identified = f" {event.id}" if event.id else ""
    return plaintext.line(f"{event.type}{identified}: {event.data}", EVENT)


def _outcome(outcome: Outcome) -> str:
    fields = told(outcome)
    if not isinstance(outcome, Notification):
        return _("takes back the bubble {key}", key=outcome.key)
    urgency = f" [{fields['urgency']}]" if "urgency" in fields else ""
    body = f": {fields['body']}" if "body" in fields else ""
    return plaintext.line(f"{outcome.title}{urgency}{body}", TEXT)


def _summed_up(found: Sequence[Difference]) -> str:
    counts = Counter(difference.result for difference in found)
    said = _(
        "{same} the same, {changed} changed, {new} new, {dropped} dropped",
        same=counts[Result.SAME], changed=counts[Result.CHANGED], new=counts[Result.NEW],
        dropped=counts[Result.DROPPED],
    )  # fmt: skip
    if unknown := counts[Result.UNKNOWN]:
        said += "; " + _("{count} not in the history (--against FILE compares with a configuration)", count=unknown)
    return said


def _tell_as_json(name: str, trial: Trial, *, everything: bool) -> None:
    for difference in trial.found:
        if everything or _matters(difference):
            print_line(jsons.dumps(_fields(difference, name)))
    counts = Counter(difference.result for difference in trial.found)
    summary = {result.value: counts[result] for result in Result}
    summary |= {"too_large": trial.too_large, "too_fast": trial.too_fast}
    print_line(jsons.dumps({"stream": name, "summary": summary}))


def _fields(difference: Difference, stream: str) -> dict[str, object]:
    event = difference.event
    return {
        "time": datetime.fromtimestamp(difference.at).astimezone().isoformat(timespec="milliseconds"),
        "stream": stream,
        "type": event.type if event else None,
        "event_id": event.id if event else None,
        "data": event.data if event else None,
        "result": difference.result.value,
        "was": [told(pair.was) for pair in difference.pairs if pair.was is not None],
        "now": [told(pair.now) for pair in difference.pairs if pair.now is not None],
        "changes": {
            change.field: [change.was, change.now]
            for change in chain.from_iterable(pair.changes for pair in difference.pairs)
        },
        "silent": difference.silent or None,
    }
