"""What was seen of a stream in, what that means out: what is right, what is odd, what is wrong and what to do.  Pure.

Each check looks at one matter and says nothing where there is nothing to say.  A finding is never a guess that is told
as a fact: what may have two causes names both.
"""

from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime

from notifier.finding import Finding, Level
from notifier.language import _
from notifier.observation import Answer, Observation
from notifier.refusal import UNBUFFER, answered, certificate, plain, way
from notifier.rhythm import MANY, bursts, counts_from_zero, cuts, longest_silence, rhythm

SLOW = 3.0
"""Seconds until an answer begins that are worth a word."""
SKEW = 60.0
"""Seconds that a server's clock and ours may differ."""
SHORT = 2.0
"""Seconds; a connection that ends sooner was hardly a stream."""
NO_EVENT = 100
"""Bytes that hold an event in most streams; fewer may be a retry: alone."""
LOOK_LONGER = 45.0
"""Seconds of silence within which most servers show a sign of life."""


def diagnose(seen: Observation) -> list[Finding]:
    """All that there is to say, what is wrong first."""
    found = [finding for check in CHECKS for finding in check(seen)]
    return sorted(found, key=lambda finding: -finding.level)


def _buffering(seen: Observation) -> Iterator[Finding]:
    answer = seen.answer
    if answer is None or seen.opened is None:
        return
    if found := cuts(seen.chunks):
        first, gap = found[0]
        yield Finding(
            Level.WRONG,
            "buffering",
            _(
                "it comes in portions: {size:,} bytes that end in the middle of a line, the rest {gap:.1f} s later",
                size=first,
                gap=gap,
            ),
            _("something on the way fills a buffer before it passes anything on{who}", who=_who(answer)),
            _(UNBUFFER),
        )
    elif together := bursts(seen):
        yield Finding(
            Level.NOTE,
            "bursts",
            _("events come many at a time: {count} bursts, {gap:.1f} s apart", count=together[0], gap=together[1]),
            _("the server collects them, or something on the way does{who}", who=_who(answer)),
            _(UNBUFFER),
        )
    if seen.asked is not None and seen.opened - seen.asked > SLOW:
        yield Finding(
            Level.NOTE,
            "slow-answer",
            _("the answer began only after {seconds:.1f} s", seconds=seen.opened - seen.asked),
            _("some servers answer with their first event; or something on the way holds the answer back"),
        )
    if "content-length" in answer.headers:
        yield Finding(
            Level.WRONG,
            "length",
            _("the answer says how long it is ({size} bytes)", size=answer.headers["content-length"][:20]),
            _("a live stream has no end: something collects all of it before it is passed on, or it is a file"),
            _(UNBUFFER),
        )
    if encoding := answer.headers.get("content-encoding", "").lower().replace("identity", ""):
        yield Finding(
            Level.NOTE,
            "compression",
            _("the stream is compressed ({encoding}) although we ask for it plain", encoding=encoding[:20]),
            _("a compressor holds events back until its block is full"),
            _("switch compression off for this address, in the server or in the proxy in front of it"),
        )
    if answer.version == "1.0":
        yield Finding(
            Level.NOTE,
            "http-1.0",
            _("the answer is HTTP/1.0"),
            _("whether a stream ended in good order cannot be seen then; often a proxy does it (nginx by default)"),
            _("in nginx: proxy_http_version 1.1;"),
        )


def _life(seen: Observation) -> Iterator[Finding]:
    if seen.answer is not None and seen.answer.status == 204:
        yield Finding(
            Level.WRONG,
            "closed",
            _("the server asks not to be asked again (204)"),
            _("a client that obeys it gets nothing from this address"),
            _("see in the server's documentation when it answers so, and which address has the events"),
        )
    if seen.opened is None:
        return
    size = sum(chunk.size for chunk in seen.chunks if not chunk.is_comment)
    if size > NO_EVENT and not seen.events and not seen.alive:
        yield Finding(
            Level.WRONG,
            "no-event",
            _("{size:,} bytes came, and not one event", size=size),
            _("an event is made of lines such as data: TEXT, in UTF-8, and ends with an empty line"),
            _("have the server end each event with an empty line; curl -N shows what it sends"),
        )
    watched = seen.lasted - seen.opened
    quiet = longest_silence(seen)
    if seen.idle is not None and not seen.ended and quiet > seen.idle:
        yield Finding(
            Level.WRONG,
            "keep-alive",
            _("not one byte for {seconds:.0f} s", seconds=quiet),
            _("streams of this kind show a sign of life sooner; something on the way holds them back"),
            _(UNBUFFER),
        )
    elif every := rhythm(seen):
        yield Finding(Level.FINE, "keep-alive", _("a sign of life every {seconds:.0f} s", seconds=every))
    elif not seen.chunks and not seen.ended:
        yield Finding(
            Level.NOTE,
            "silence",
            _("open, and not one byte in {seconds:.0f} s", seconds=watched),
            _("nothing happens there now, or something on the way holds the events back"),
            _("look longer with --for 2m, and have something happen meanwhile"),
        )
    elif quiet > LOOK_LONGER:
        yield Finding(
            Level.NOTE,
            "keep-alive",
            _("no sign of life in {seconds:.0f} s of silence", seconds=quiet),
            _("a connection that died cannot be told from a quiet one, and is noticed late"),
            _("have the server send a comment (a line with a colon) every 30 s, or set idle_timeout"),
        )


def _resume(seen: Observation) -> Iterator[Finding]:
    if not seen.events or seen.resume not in ("auto", "last-event-id"):
        if seen.events and seen.resume == "none":
            yield Finding(
                Level.NOTE,
                "resume",
                _("what happens while the connection is away is lost"),
                _("streams of this kind cannot be asked for it"),
            )
        return
    ids = [each for each in seen.ids if each is not None]
    if not any(ids):
        yield Finding(
            Level.NOTE,
            "no-ids",
            _("its events have no IDs"),
            _("so the server cannot be asked for what happens while the connection is away; that is lost"),
            _("have the server send id: lines, if it is yours"),
        )
    elif counts_from_zero(ids, seen.first_again) and seen.first_again is None:
        yield Finding(
            Level.NOTE,
            "counter",
            _("its IDs count from {first}", first=ids[0]),
            _("if they do so on each connection, they name no place in the stream, and what happens while it is away "
              "is lost"),
            _('probe it once more; where they count from {first} again, say so: resume = "none"', first=ids[0]),
        )  # fmt: skip
    elif counts_from_zero(ids, seen.first_again):
        yield Finding(
            Level.NOTE,
            "counter",
            _("its IDs count from {first} on each connection", first=ids[0]),
            _("they name no place in the stream, so what happens while the connection is away is lost"),
            _('say so, that nothing is taken for known by mistake: resume = "none"'),
        )
    elif len(set(ids)) < len(ids) and len(set(ids)) == 1 and len(ids) >= MANY:
        yield Finding(
            Level.NOTE,
            "same-id",
            _("all of its events have the same ID"),
            _("it names no place in the stream, so what happens while the connection is away is lost"),
        )
    else:
        yield Finding(
            Level.FINE,
            "resume",
            _("its events have IDs: it is asked for what comes while it is away"),
            _("one ID alone does not tell whether they begin anew on each connection; --for 2m may")
            if len(ids) == 1
            else "",
        )


def _ends(seen: Observation) -> Iterator[Finding]:
    if seen.opened is None or not seen.ended or seen.closes:
        return
    lived = seen.ended[0] - seen.opened
    if lived < SHORT and len(seen.ended) == 1 and seen.lasted - seen.ended[0] < SHORT and not seen.trouble:
        return
    if lived < SHORT:
        yield Finding(
            Level.NOTE,
            "short-lived",
            _("the connection was over within {seconds:.1f} s", seconds=max(lived, 0.1)),
            _("the server answers and hangs up, or something on the way cuts what is quiet"),
            _("look into the server's log, and at the timeouts of what is in front of it"),
        )


def _clock(seen: Observation) -> Iterator[Finding]:
    for answer in seen.answers[-1:]:
        try:
            date = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except (ValueError, OverflowError, TypeError):
            return
        # A cache in front gives the date at which it got the answer.
        skew = date - answer.wall_clock + _seconds(answer.headers.get("age", ""))
        if abs(skew) > SKEW:
            yield Finding(
                Level.NOTE,
                "clock",
                _("the clock of {host} is {seconds:+,.0f} s from ours", host=answer.host, seconds=skew),
                _("one of them is wrong; certificates and quiet hours go by ours"),
                _("set this computer's clock by the network (timedatectl set-ntp true)"),
            )


def _fine(seen: Observation) -> Iterator[Finding]:
    answer = seen.answer
    if seen.opened is None or answer is None or seen.trouble is not None:
        return
    if answer.headers.get("x-accel-buffering", "").strip().lower() == "no":
        yield Finding(
            Level.FINE, "unbuffered", _("the server asks proxies not to hold it back (X-Accel-Buffering: no)")
        )


CHECKS: Sequence[Callable[[Observation], Iterator[Finding]]] = (
    way, answered, plain, certificate, _buffering, _ends, _life, _resume, _clock, _fine,
)  # fmt: skip


def _who(answer: Answer) -> str:
    """Who is on the way, as far as the headers tell."""
    named = [
        f"{name}: {answer.headers[name.lower()][:40]}" for name in ("Via", "Server") if name.lower() in answer.headers
    ]
    shown = ", ".join("".join(c for c in each if c.isprintable()) for each in named)
    return f" ({shown})" if shown else ""


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
