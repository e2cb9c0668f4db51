"""What was seen of a stream in, what that means out: what is right, what is odd, what is wrong and what to do.  Pure.

Each check looks at one matter and says nothing where there is nothing to say.  A finding is never a guess that is told
as a fact: what may have two causes names both.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import IntEnum
from itertools import pairwise
from statistics import median

from notifier.language import N_, _, ngettext
from notifier.observation import Answer, Chunk, Observation, Trouble
from notifier.opaque import masked

SLOW = 3.0
"""Seconds until an answer begins that are worth a word."""
PAUSE = 1.0
"""Seconds between two pieces of one line that no server makes by itself."""
BURST = 0.25
"""Seconds; what comes within it came together."""
MANY = 5
"""Events or pieces that are too many for chance."""
SKEW = 60.0
"""Seconds that a server's clock and ours may differ."""
SHORT = 2.0
"""Seconds; a connection that ends sooner was hardly a stream."""
LOOK_LONGER = 45.0
"""Seconds of silence within which most servers show a sign of life."""
EXPIRES_SOON = 14 * 86_400.0
LOGIN = re.compile(r"log-?in|sign-?in|auth|sso|oauth|session|account", re.IGNORECASE)
STREAM = "text/event-stream"


class Level(IntEnum):
    """How much a finding matters."""

    FINE = 0
    NOTE = 1
    """Works, and the person should know."""
    WRONG = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out."""

    level: Level
    topic: str
    """What it is about, the same in every language and version: "buffering", "tls-expired", …"""
    what: str
    """What was seen."""
    why: str = ""
    """What it means."""
    todo: str = ""
    """What to do about it."""


def diagnose(seen: Observation) -> list[Finding]:
    """All that there is to say, what is wrong first."""
    found = [finding for check in CHECKS for finding in check(seen)]
    return sorted(found, key=lambda finding: -finding.level)


def _way(seen: Observation) -> Iterator[Finding]:
    trouble = seen.trouble
    if trouble in (None, Trouble.REFUSED_BY_SERVER):
        return
    assert trouble is not None
    if trouble is Trouble.NO_ANSWER and seen.connected is not None:
        yield Finding(
            Level.WRONG,
            "buffering",
            _("{host} takes the connection and answers nothing in {seconds:g} s", host=seen.host, seconds=_tenth(seen)),
            _("either the server is stuck, or something on the way holds its answer back until a buffer is full"),
            _(_UNBUFFER),
        )
        return
    yield Finding(Level.WRONG, trouble.value, seen.reason, _(_MEANS.get(trouble, "")), _mend_tls(seen))


def _mend_tls(seen: Observation) -> str:
    if not seen.fingerprint:
        return ""
    return _(
        'if you know that the certificate is the right one, believe exactly it: tls = {{ fingerprint = "{found}" }}',
        found=seen.fingerprint,
    )


def _answered(seen: Observation) -> Iterator[Finding]:
    answer = seen.answer
    if seen.trouble is not Trouble.REFUSED_BY_SERVER:
        return
    if answer is None:
        why = _(
            "servers of this kind want to be asked for more than the stream, and it did not come to asking for that"
        )
        yield Finding(Level.WRONG, "handshake", seen.reason, why)
        return
    topic, why, todo = "status", "", ""
    kind = answer.content_type
    if len(seen.answers) > 1 and kind == "text/html" and answer.path != seen.answers[0].path:
        topic = "login" if LOGIN.search(answer.path) else "redirect"
        why = _("the server led from {there} to {here}", there=masked(seen.answers[0].path), here=masked(answer.path))
        todo = _("give it what it wants to know: a token (--header), or the cookie of your browser's session")
        if topic == "redirect":
            todo = _("if that is no login page, take the address that the server's documentation gives for its events")
    elif answer.status == 426 or "websocket" in answer.headers.get("upgrade", "").lower():
        topic = "websocket"
        why = _("this address speaks WebSocket, another protocol, and not Server-Sent Events")
        todo = _("see whether the server has a second address for event streams (ntfy: /sse instead of /ws)")
    elif answer.status in (401, 407):
        topic = "token"
        if scheme := answer.headers.get("www-authenticate", "").split(" ")[0].strip(","):
            why = _("it asks for {scheme}", scheme=scheme[:30])
    elif answer.status == 403:
        topic = "forbidden"
    elif answer.status == 406:
        topic = "accept"
        why = _("we ask for text/event-stream, and for nothing else")
    elif answer.status == 200 and kind == "text/html":
        topic = "html"
        why = _(
            "that is a page for persons; the stream is at another address, or something in front shows a login page"
        )
        todo = _("open the address in a browser to see which page it is, and take the one of the stream")
    elif answer.status == 200 and ("json" in kind or "ndjson" in kind):
        topic = "json"
        why = _("JSON, one document or one a line, is not an event stream")
        todo = _("see whether the server has a second address for event streams (ntfy: /sse instead of /json)")
    elif answer.status == 200 and kind != STREAM:
        topic = "content-type"
    yield Finding(Level.WRONG, topic, seen.reason, why, todo)


def _plain(seen: Observation) -> Iterator[Finding]:
    if seen.scheme != "http" or seen.is_here:
        return
    if seen.has_credentials or seen.secret_in_url:
        yield Finding(
            Level.NOTE,
            "plain-http",
            _("credentials go to {host} unencrypted", host=seen.host),
            _("everybody on the way can read them"),
            _("use https:// if the server has it"),
        )


def _certificate(seen: Observation) -> Iterator[Finding]:
    if seen.scheme == "https" and not seen.verifies:
        yield Finding(
            Level.NOTE,
            "tls-unverified",
            _("the certificate of {host} is not checked", host=seen.host),
            _("anybody on the way can read and change everything"),
            _("name the one certificate to believe: tls.fingerprint"),
        )
    ends = [answer for answer in seen.answers if answer.certificate_ends is not None]
    if ends and (left := (ends[-1].certificate_ends or 0.0) - ends[-1].wall_clock) < EXPIRES_SOON:
        yield Finding(
            Level.NOTE,
            "tls-expires",
            ngettext(
                "the certificate of {host} expires within {days} day",
                "the certificate of {host} expires within {days} days",
                int(left // 86_400) + 1,
                host=seen.host,
                days=int(left // 86_400) + 1,
            ),
            todo=_("have its owner renew it"),
        )


def _buffering(seen: Observation) -> Iterator[Finding]:
    answer = seen.answer
    if answer is None or seen.opened is None:
        return
    if cuts := _cuts(seen.chunks):
        first, gap = cuts[0]
        yield Finding(
            Level.WRONG,
            "buffering",
            _(
                "it comes in portions: {size:,} bytes that end in the middle of a line, the rest {gap:.1f} s later",
                size=first,
                gap=gap,
            ),
            _("something on the way fills a buffer before it passes anything on{who}", who=_who(answer)),
            _(_UNBUFFER),
        )
    elif bursts := _bursts(seen):
        yield Finding(
            Level.NOTE,
            "bursts",
            _("events come many at a time: {count} bursts, {gap:.1f} s apart", count=bursts[0], gap=bursts[1]),
            _("the server collects them, or something on the way does{who}", who=_who(answer)),
            _(_UNBUFFER),
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
            _(_UNBUFFER),
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
    if seen.opened is None:
        return
    watched = seen.lasted - seen.opened
    quiet = _longest_silence(seen)
    if seen.idle is not None and not seen.ended and quiet > seen.idle:
        yield Finding(
            Level.WRONG,
            "keep-alive",
            _("not one byte for {seconds:.0f} s", seconds=quiet),
            _("streams of this kind show a sign of life sooner; something on the way holds them back"),
            _(_UNBUFFER),
        )
    elif rhythm := _rhythm(seen):
        yield Finding(Level.FINE, "keep-alive", _("a sign of life every {seconds:.0f} s", seconds=rhythm))
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
    elif _counts_from_zero(ids, seen.first_again):
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
            _("the connection was over after {seconds:.1f} s", seconds=lived),
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
    _way, _answered, _plain, _certificate, _buffering, _ends, _life, _resume, _clock, _fine,
)  # fmt: skip

_UNBUFFER = N_(
    "switch buffering off there: in nginx proxy_buffering off; (or have the server send X-Accel-Buffering: no), "
    "elsewhere response buffering and compression for this address"
)
_MEANS = {
    Trouble.SELF_SIGNED: N_("the server made its certificate itself, as devices at home do"),
    Trouble.UNTRUSTED: N_("this computer does not know who signed it"),
    Trouble.WRONG_NAME: N_("it may be another server, or the same one under another name"),
}


def _tenth(seen: Observation) -> float:
    return round(seen.lasted - (seen.connected or 0.0), 1)


def _who(answer: Answer) -> str:
    """Who is on the way, as far as the headers tell."""
    named = [
        f"{name}: {answer.headers[name.lower()][:40]}" for name in ("Via", "Server") if name.lower() in answer.headers
    ]
    shown = ", ".join("".join(c for c in each if c.isprintable()) for each in named)
    return f" ({shown})" if shown else ""


def _cuts(chunks: Sequence[Chunk]) -> list[tuple[int, float]]:
    """Size of each portion that ended within a line, and the seconds until the line went on."""
    found = []
    size = 0
    for here, following in pairwise(chunks):
        size += here.size
        gap = following.at - here.at
        if gap >= PAUSE:
            if not here.ends_line:
                found.append((size, gap))
            size = 0
    return found


def _bursts(seen: Observation) -> tuple[int, float] | None:
    """How many bursts there were after the first bytes, and how far apart; None if events come as they happen."""
    starts = [b.at for a, b in pairwise(seen.chunks) if b.at - a.at > BURST]
    gaps = [b - a for a, b in pairwise(starts)]
    told = seen.events - len(seen.alive)
    if len(starts) < 3 or told < MANY * (len(starts) + 1) or median(gaps) < 2 * PAUSE:
        return None
    return len(starts) + 1, median(gaps)


def _longest_silence(seen: Observation) -> float:
    assert seen.opened is not None
    end = seen.ended[0] if seen.ended else seen.lasted
    moments = [seen.opened, *(chunk.at for chunk in seen.chunks if chunk.at <= end), end]
    return max(b - a for a, b in pairwise(moments))


def _rhythm(seen: Observation) -> float | None:
    """Seconds between signs of life, where they have a rhythm."""
    moments = sorted([*seen.alive, *(chunk.at for chunk in seen.chunks if chunk.is_comment or not seen.events)])
    gaps = [b - a for a, b in pairwise(moments) if b - a > BURST]
    if len(gaps) < 2 or (usual := median(gaps)) < PAUSE:
        return None
    steady = sum(abs(gap - usual) <= 0.2 * usual for gap in gaps)
    return usual if steady >= 0.7 * len(gaps) else None


def _counts_from_zero(ids: Sequence[str], first_again: str | None) -> bool:
    """One ID is no counter, unless a second connection began with it too."""
    if not ids or ids[0] not in ("0", "1") or (len(ids) == 1 and first_again != ids[0]):
        return False
    return all(each.isascii() and each.isdigit() and int(each) == int(ids[0]) + n for n, each in enumerate(ids[:MANY]))


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
