"""`rules`: what the rules of the configuration, as they are now, would make of the past."""

import json as jsons
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from notifier import plaintext
from notifier.cli.options import File, Json
from notifier.cli.paper import Paper
from notifier.cli.place import config_file, history_path
from notifier.cli.terminal import log, print_line
from notifier.comparison import Difference, Outcome, Result, Timed, compare, told
from notifier.config import Config
from notifier.errors import UsageError
from notifier.history import read_history
from notifier.language import _
from notifier.line import Line
from notifier.notification import Notification
from notifier.past import past_of
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.recorder import load
from notifier.recording import Head, Step, head_of
from notifier.replay import play
from notifier.sample import Sample
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
    past: Annotated[Path, typer.Argument(metavar="FILE", help="A recording, made by sse-notifier record.")],
    name: Annotated[
        str | None, typer.Option("--stream", metavar="NAME", help="By the rules of this stream of the configuration.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare with an older configuration, not with the history."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show what stays the same, too.")] = False,
    file: File = None,
    json: Json = False,
) -> None:
    """Show what changed rules would have told of the past; nothing is shown on the desktop, recorded or run.

    sse-notifier rules try morning.jsonl --stream ntfy

    sse-notifier rules try morning.jsonl --against config.toml.old
    """
    log(verbose=False)
    configuration = config_file(file)
    settings = configuration.read()
    head, steps = load(past)
    stream = _named(settings, name, configuration.path) if name is not None else _recorded(settings, head)
    began = _moment(head)
    now = _played(steps, stream, settings, began)
    if against is not None:
        before = config_file(against).read()
        was: Sequence[Timed | None] = _played(steps, _named(before, stream.name, against), before, began)
    else:
        rows = read_history(history_path(), stream=stream.name, limit=EVERYTHING)
        was = past_of([(at, sample.event) for at, sample in now if sample.event is not None], rows)
    found = compare(was, now, by_history=against is None)
    show = _as_json if json else _as_text
    show(found, stream.name, everything=everything)


def _named(settings: Config, name: str, path: Path) -> Stream:
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


def _played(steps: Sequence[Step], stream: Stream, settings: Config, began: float) -> list[tuple[float, Sample]]:
    line = Line(stream, {GENERIC.name: GENERIC} | known(settings.presets), None)
    return [(began + at, sample) for at, sample in play(steps, line)]


def _as_text(found: Sequence[Difference], _stream: str, *, everything: bool) -> None:
    paper = Paper()
    shown = [difference for difference in found if everything or _matters(difference)]
    for difference in shown:
        _show(paper, difference)
    if shown:
        paper.line()
    paper.line(_summed_up(found))


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


def _as_json(found: Sequence[Difference], stream: str, *, everything: bool) -> None:
    for difference in found:
        if everything or _matters(difference):
            print_line(jsons.dumps(_fields(difference, stream)))
    counts = Counter(difference.result for difference in found)
    print_line(jsons.dumps({"stream": stream, "summary": {result.value: counts[result] for result in Result}}))


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
