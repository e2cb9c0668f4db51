"""What was seen on the way to a stream in, findings out: why there is none, and who else could read it.  Pure.

What is to be said of a stream that is there is the matter of `diagnosis`.
"""

import re
from collections.abc import Iterator

from notifier.finding import Finding, Level
from notifier.language import N_, _, ngettext
from notifier.observation import Observation, Trouble
from notifier.opaque import masked

EXPIRES_SOON = 14 * 86_400.0
"""Seconds that are left to a certificate."""
LOGIN = re.compile(r"log-?in|sign-?in|auth|sso|oauth|session|account", re.IGNORECASE)
STREAM = "text/event-stream"
SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][\w-]*)(?=\s+[\w~+/.-]+(?:=|$)|\s*(?:,|$))", re.ASCII)
"""A way to log in, of those in WWW-Authenticate (RFC 9110 11.6.1)."""

UNBUFFER = N_(
    "switch buffering off there: in nginx proxy_buffering off; (or have the server send X-Accel-Buffering: no), "
    "elsewhere response buffering and compression for this address"
)
"""What to do about whatever holds a stream back."""
MEANS = {
    Trouble.SELF_SIGNED: N_("the server made its certificate itself, as devices at home do"),
    Trouble.UNTRUSTED: N_("this computer does not know who signed it"),
    Trouble.WRONG_NAME: N_("it may be another server, or the same one under another name"),
}


def way(seen: Observation) -> Iterator[Finding]:
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
            _(UNBUFFER),
        )
        return
    yield Finding(Level.WRONG, trouble.value, seen.reason, _(MEANS.get(trouble, "")), _mend(seen))


def answered(seen: Observation) -> Iterator[Finding]:
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
        if schemes := SCHEME.findall(answer.headers.get("www-authenticate", "")):
            why = _("it asks for {scheme}", scheme=", ".join(dict.fromkeys(schemes))[:60])
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


def plain(seen: Observation) -> Iterator[Finding]:
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


def certificate(seen: Observation) -> Iterator[Finding]:
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


def _mend(seen: Observation) -> str:
    if seen.trouble is Trouble.CUT and seen.scheme == "http" and not seen.answers:
        return _("see whether the server wants TLS: then its address begins with https://")
    if not seen.fingerprint:
        return ""
    return _(
        'if you know that the certificate is the right one, believe exactly it: tls = {{ fingerprint = "{found}" }}',
        found=seen.fingerprint,
    )


def _tenth(seen: Observation) -> float:
    return round(seen.lasted - (seen.connected or 0.0), 1)
