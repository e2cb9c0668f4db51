"""A field's name or a word in, what people mean by it out.  Tables; it never looks at a whole value.

Names are compared without case, spaces and punctuation: ``html_url``, ``htmlUrl`` and ``HTML-URL`` are one.
Urgencies of words and numbers follow syslog (RFC 5424, 6.2.1), ntfy (priorities 1 to 5) and the freedesktop
levels (0 to 2); a word that means something else somewhere, such as the level of a tank, is none.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from notifier.notification import Urgency


def _set_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROLES: Mapping[str, str] = {
    "title": "title subject headline heading",
    "name": (
        "fullname displayname friendlyname name label alertname alertrule alarmname rulename checkname jobname"
        " shortmessage summary"
    ),
    "sender": "from sender sendername author user username nick nickname login actor sourcename",
    "subject": (
        "syslogidentifier service servicename app application component logger unit device sensor entity job check"
        " monitor host hostname repo repository project channel room topic category source"
    ),
    "kind": "event eventtype eventname detailtype type kind action",
    "body": (
        "body message text description content fullmessage details detail msg comment note reason errormessage error"
        " excerpt snippet commitmessage summary alert notification"
    ),
    "link": (
        "link click clickurl htmlurl weburl permalink url href titlelink titleurl targeturl externalurl actionurl"
        " clickaction detailsurl uri"
    ),
    "key": "key dedupkey dedupekey collapsekey",
}
"""What a field of that name is for; earlier names of a role are better ones, a name may have several roles."""

WRAPPERS = _set_of(
    "data payload event alert notification message msg body content object objectattributes attributes annotations"
    " commonannotations labels commonlabels detail details params result record item fields properties entry envelope"
    " alerts events items notifications records entries attachments embeds error aps links"
)
"""Names of objects that only wrap what is meant."""
PLACES = _set_of("repository repo project channel chat room organization org workspace team group board site host")
"""Names of objects that say where, not what."""
PERSONS = _set_of(ROLES["sender"]) | _set_of(
    "account creator assignee assignees owner reporter committer pusher member customer profile reviewer"
)
"""Names of objects that say who, not what."""
ASIDES = _set_of(
    "avatar image images icon logo thumbnail photo picture banner footer self api old oldstate previous previousstate"
    " before prev oldvalue oldvalues actions buttons"
)
"""Names of objects that say nothing a person wants to be told: pictures, buttons, and how it was before."""

_ROLES_OF: dict[str, dict[str, int]] = {}
for _role, _names in ROLES.items():
    for _rank, _name in enumerate(_names.split()):
        _ROLES_OF.setdefault(_name, {})[_role] = _rank

_LINK_WORDS = _set_of("url link href uri")
_NOT_A_PAGE = _set_of(
    "api avatar image img icon logo thumb thumbnail photo picture banner hook hooks webhook callback clone git ssh svn"
    " upload archive media stream schema asset assets static download feed token redirect self src base logout"
    " unsubscribe"
)
_NOISE = _set_of(
    "id uid uuid guid time timestamp ts date datetime datestamp created updated published modified received sent"
    " version specversion schema nonce signature token secret password apikey icon image avatar sequence seq at"
    " actions buttons"
)
_DULL = _set_of(
    "message event events update notification data object text json default none null info msg state string"
)
_ALIVE = _set_of("ping pong keepalive heartbeat alive")
_OPENED = _set_of("open ready")
_SETTLED = _set_of("resolved ok okay recovered closed success succeeded passed fixed cleared up normal")

_WORDS = {
    Urgency.LOW: "low lowest verylow minor min minimal trivial debug trace verbose p5 sev5",
    Urgency.NORMAL: (
        "normal default medium moderate average high higher veryhigh major information informational info notice"
        " warning warn error err important p2 p3 p4 sev2 sev3 sev4"
    ),
    Urgency.CRITICAL: (
        "critical crit fatal emergency emerg panic alert urgent highest blocker max maximum disaster severe p0 p1 sev0"
        " sev1"
    ),
}
_URGENCY_OF = {word: urgency for urgency, words in _WORDS.items() for word in words.split()}
_LEVELS = _set_of("level loglevel severitytext")
_URGENCY_NAMES = _LEVELS | _set_of("urgency priority severity prio importance criticality")
_FLAGS = _set_of("urgent critical")
_LOG_LEVELS = _set_of(
    "debug trace verbose info information informational notice warning warn error err critical crit fatal emergency"
    " emerg panic alert"
)
_NTFY = {
    1: Urgency.LOW,
    2: Urgency.LOW,
    3: Urgency.NORMAL,
    4: Urgency.NORMAL,
    5: Urgency.CRITICAL,
}
_SYSLOG = dict.fromkeys((0, 1, 2), Urgency.CRITICAL) | dict.fromkeys((3, 4, 5, 6), Urgency.NORMAL) | {7: Urgency.LOW}
_PINO = dict.fromkeys((10, 20), Urgency.LOW) | dict.fromkeys((30, 40, 50), Urgency.NORMAL) | {60: Urgency.CRITICAL}
_SYSLOG_SIGNS = _set_of("facility syslogfacility syslogidentifier shortmessage cursor")
_PINO_SIGNS = _set_of("pid hostname")
_RANKED_WORD = re.compile(r"\s*(?:\d{1,2}\s*[-:.]\s*)?([a-z][a-z _-]{0,20}[a-z]|(?:p|sev-?)\s?\d)\s*$", re.IGNORECASE)

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+")
NAME_LIMIT = 60
"""Characters of a name that are looked at."""


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in any spelling: ``jobName``, ``job_name`` and ``job-name`` are job and name."""
    found = _WORD.findall(_HUMP.sub(" ", name[:NAME_LIMIT]))
    return tuple(word if word.isupper() and len(word) > 1 else word.lower() for word in found)


@lru_cache(maxsize=4096)
def bare(name: str) -> str:
    """The name without case, spaces and punctuation."""
    return "".join(_WORD.findall(name[:NAME_LIMIT])).casefold()


def roles(name: str) -> Mapping[str, int]:
    """What a field of this name is for, and how good a name it is for that: 0 is best."""
    return _ROLES_OF.get(bare(name), {})


@lru_cache(maxsize=4096)
def names_a_page(name: str) -> bool:
    """Whether a field of this name holds the address of a page for persons: ``dashboard_url``, not ``avatar_url``."""
    parts = {word.lower() for word in words(name)}
    joined = next((word for word in _LINK_WORDS if bare(name).endswith(word)), None)
    return joined is not None and not parts & _NOT_A_PAGE


def may_be_a_page(name: str) -> bool:
    """Whether a field of this name may hold the address of a page where all fields hold addresses."""
    return not {word.lower() for word in words(name)} & _NOT_A_PAGE


@lru_cache(maxsize=4096)
def names_a_person(name: str) -> bool:
    """Whether an object of this name is somebody: ``sender``, ``memberCreator``."""
    return not PERSONS.isdisjoint((bare(name), *(word.lower() for word in words(name)[-1:])))


@lru_cache(maxsize=4096)
def is_noise(name: str) -> bool:
    """Whether a field of this name is for machines: identifiers, times, versions, secrets."""
    parts = [word.lower() for word in words(name)]
    return bool(parts) and (parts[-1] in _NOISE or bare(name) in _NOISE)


def is_dull(word: str) -> bool:
    """Whether a kind of event says nothing: every event is an ``update``."""
    return bare(word.rpartition(".")[2]) in _DULL


def is_alive(word: str) -> bool:
    """Whether this word as data, or as a kind of event, only says that the stream is alive."""
    return len(word) < NAME_LIMIT and word.strip(' \n"').replace("-", "").replace("_", "").lower() in _ALIVE


def is_alive_type(event_type: str) -> bool:
    """Whether events of this type only say that the stream is alive or has begun."""
    return bare(event_type) in _ALIVE | _OPENED


def is_settled(word: str) -> bool:
    """Whether a status says that the trouble is over."""
    return bare(word) in _SETTLED


def urgency(name: str, value: object, siblings: frozenset[str]) -> Urgency | None:
    """How urgent `value` is under `name`; `siblings` are the bare names beside it.  None: it is no urgency."""
    name = bare(name)
    if name not in _URGENCY_NAMES and name not in _FLAGS:
        return None
    if isinstance(value, bool):
        return Urgency.CRITICAL if value and name in _FLAGS else None
    if isinstance(value, str):
        if not value.strip().isdecimal():
            return _urgency_of_word(name, value)
        value = int(value.strip()[:4])
    if not isinstance(value, int):
        return None
    if name in ("priority", "severity", "level") and siblings & _SYSLOG_SIGNS:
        return _SYSLOG.get(value)
    if name == "level" and siblings & _PINO_SIGNS:
        return _PINO.get(value)
    if name == "urgency":
        return Urgency(value) if value in (0, 1, 2) else None
    return _NTFY.get(value) if name in ("priority", "prio", "importance") else None


def _urgency_of_word(name: str, value: str) -> Urgency | None:
    match = _RANKED_WORD.match(value[:40]) if name in _URGENCY_NAMES else None
    if not match:
        return None
    word = bare(match[1])
    return _URGENCY_OF.get(word) if name not in _LEVELS or word in _LOG_LEVELS else None
