"""What a person reads of events that nobody configured anything for."""

import json
import sys
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.default import decide
from notifier.notification import BODY_LIMIT, TITLE_LIMIT, Notification, Urgency
from notifier.sse import Event

LOW, NORMAL, CRITICAL = Urgency


class Told(NamedTuple):
    """What the notification must say; the stream is called "ci"."""

    title: str
    body: str = ""
    urgency: Urgency = NORMAL
    link: str | None = None
    key: str | None = None


def told(data: object, event_type: str = "message") -> Told | None:
    text = data if isinstance(data, str) else json.dumps(data)
    notification = decide("ci", Event(event_type, text, ""))
    if notification is None:
        return None
    assert notification.stream == "ci"
    return Told(notification.title, notification.body, notification.urgency, notification.link, notification.key)


TEXT = {
    "hello": ("Hello, world!", Told("ci", "Hello, world!")),
    "curl -d 'Backup done'": ("Backup done", Told("ci", "Backup done")),
    "lines": ("Backup failed\n\n\n\n  disk   full\r\n", Told("ci", "Backup failed\n\ndisk full")),
    "the name of the stream": ("ci", Told("ci")),
    "a link": ("Built: https://ci.example/7.", Told("ci", "Built: https://ci.example/7.", link="https://ci.example/7")),
    "two links": ("https://a.example https://b.example", Told("ci", "https://a.example https://b.example")),
    "html": ("<b>hi</b> &amp; bye", Told("ci", "<b>hi</b> &amp; bye")),
    "template": ("{{ 7 * 7 }} {% x %}", Told("ci", "{{ 7 * 7 }} {% x %}")),
    "colours": ("\x1b[0;36m[D][sensor:094]: 21.5\x1b[0m", Told("ci", "[D][sensor:094]: 21.5")),
    "broken json": ('{"title": "x', Told("ci", '{"title": "x')),
    "a number": ("1072144", Told("ci", "1072144")),
    "a sensor's number": ("21.700000000000003", Told("ci", "21.7")),
    "a JSON string": ('"Backup done"', Told("ci", "Backup done")),
    "true": ("true", Told("ci", "yes")),
    "null": ("null", Told("ci", "null")),
    "an empty object": ("{}", Told("ci", "{}")),
    "an empty list": ("[]", Told("ci", "[]")),
    "so is a ping with feeling": ("Ping!", Told("ci", "Ping!")),
    "ready is something to say": ("ready", Told("ci", "ready")),
}

NAMED = {
    "type and text": ("build_failed", "12", Told("Build failed", "12")),
    "type with dots": ("order.created", "12", Told("order.created", "12")),
    "type in capitals": ("DISK_FULL", "db1", Told("Disk full", "db1")),
    "type in humps": ("buildFailed", "12", Told("Build failed", "12")),
    "a proper name": ("GitHub", "12", Told("GitHub", "12")),
    "type alone": ("deploy", "", Told("Deploy")),
    "type and nothing": ("filters_changed", "undefined", Told("Filters changed")),
    "type and null": ("logout", "null", Told("Logout")),
    "type and empty object": ("reload", "{}", Told("Reload")),
    "type and fields": ("order", '{"status":"paid","order":42}', Told("Order", "status: paid · order: 42")),
    "type and title": ("alert", '{"title":"Low stock","level":"WARN"}', Told("Low stock")),
    "type and message": ("alert", '{"message":"Low stock"}', Told("Alert", "Low stock")),
    "type and sender": ("mention", '{"from":"Ann","text":"hi"}', Told("Mention · Ann", "hi")),
}

SILENT = {
    "blank": ("message", " \n "),
    "invisible": ("message", "\u200b\u2060"),
    "ping of Home Assistant": ("message", "ping"),
    "ping in JSON": ("message", '"ping"'),
    "keep-alive of Firebase": ("keep-alive", "null"),
    "keepalive of ntfy": ("keepalive", '{"id":"c3","event":"keepalive","topic":"ops"}'),
    "open of ntfy": ("open", '{"id":"a1","event":"open","topic":"ops"}'),
    "ready of smee": ("ready", "{}"),
    "heartbeat": ("HeartBeat", "x"),
    "ping": ("Ping", ""),
    "alive of openHAB": ("alive", '{"type":"ALIVE","interval":10}'),
    "alive without a type": ("message", '{"type":"ALIVE","interval":10}'),
    "ping as a kind": ("message", '{"event":"ping","ts":1700000000}'),
    "keep_alive": ("keep_alive", "1"),
}

GITHUB_PEOPLE = {"login": "ann", "html_url": "https://github.com/ann", "avatar_url": "https://a.example/1.png"}
GITHUB_REPOSITORY = {"full_name": "o/r", "name": "r", "html_url": "https://github.com/o/r", "owner": GITHUB_PEOPLE}

SHAPES: dict[str, tuple[object, Told]] = {
    "own server": (
        {"title": "Disk full", "body": "db1", "urgency": "critical", "link": "https://x.example/1", "key": "disk"},
        Told("Disk full", "db1", CRITICAL, "https://x.example/1", "disk"),
    ),
    "own server, low": ({"title": "T", "body": "", "urgency": "low"}, Told("T", "", LOW)),
    "own server, body only": ({"body": "Backup done", "urgency": "normal"}, Told("ci", "Backup done")),
    "status and job": ({"status": "failed", "job": "build 12"}, Told("ci", "status: failed · job: build 12")),
    "title and rest": ({"title": "Disk full", "host": "db1", "used": 97}, Told("Disk full", "host: db1 · used: 97")),
    "capitals": ({"TITLE": "Up", "Message": "db1"}, Told("Up", "db1")),
    "subject": ({"subject": "Re: hi", "from": "ann@x.example", "text": "see you"}, Told("Re: hi", "see you")),
    "name and status": ({"name": "nightly", "status": "passed"}, Told("nightly", "status: passed")),
    "title over name": ({"name": "cpu", "title": "CPU high", "description": "97 %"}, Told("CPU high", "97 %")),
    "chat": ({"user": "ann", "text": "hi", "channel": "#ops"}, Told("ann", "hi")),
    "chat with a person": ({"author": {"id": 1, "display_name": "Ann"}, "content": "hi"}, Told("Ann", "hi")),
    "service and message": ({"service": "api", "message": "down"}, Told("api", "down")),
    "kind and message": ({"event": "deploy_done", "message": "v2 is live"}, Told("Deploy done", "v2 is live")),
    "kind and sender": (
        {"event": "deploy", "author": "ann", "message": "v2 is live"},
        Told("Deploy · ann", "v2 is live"),
    ),
    "a dull kind": ({"type": "update", "value": 3}, Told("ci", "type: update · value: 3")),
    "wrapped": (
        {"alert": {"title": "CPU", "text": "97 %", "severity": "critical"}, "id": 7},
        Told("CPU", "97 %", CRITICAL),
    ),
    "wrapped twice": ({"data": {"attributes": {"title": "Deep"}}}, Told("Deep")),
    "one object": (
        {"build": {"status": "failed", "number": 12}},
        Told("Build", "status: failed · number: 12"),
    ),
    "nested beside": (
        {"build": {"status": "failed"}, "branch": "main"},
        Told("ci", "build status: failed · branch: main"),
    ),
    "list of one": ([{"title": "A", "body": "B"}], Told("A", "B")),
    "list of objects": ([{"title": "A"}, {"title": "B", "body": "C"}], Told("ci", "A\nB: C")),
    "long list": (
        [{"title": f"T{n}"} for n in range(7)],
        Told("ci", "T0\nT1\nT2\nT3\nT4\n… +2"),
    ),
    "list of numbers": ([1, 2.5, None, True], Told("ci", "1, 2.5, yes")),
    "list inside": ({"failed": ["unit", "lint"], "files": [{"a": 1}]}, Told("ci", "failed: unit, lint · files: 1")),
    "numbers are no titles": ({"title": 12, "name": True, "subject": None}, Told("ci", "title: 12 · name: yes")),
    "identifiers are no names": (
        {"name": "9beaf0d2-8d6c-4d3f-b2a1-0123456789ab", "message": "gone"},
        Told("ci", "gone"),
    ),
    "a title is enough": ({"title": "Up", "id": 5, "ts": 1700000000}, Told("Up")),
    "machine fields are left out": (
        {"id": 5, "created_at": "2026-01-01T00:00:00Z", "state": "open", "uuid": "x"},
        Told("ci", "state: open"),
    ),
    "nothing but machine fields": ({"id": 5, "version": 2}, Told("ci", "id: 5 · version: 2")),
    "humps in names": ({"usedGB": 12, "freeSpace": 3}, Told("ci", "used GB: 12 · free space: 3")),
    "body is title": ({"title": "Up", "message": "Up"}, Told("Up")),
    "empty title": ({"title": " ", "message": "Up"}, Told("ci", "Up")),
    "empty message beside error": ({"message": "", "error": "disk full"}, Told("ci", "disk full")),
    "twice encoded": ('"{\\"title\\": \\"A\\"}"', Told("A")),
    "repeated names": ('{"title": "A", "title": "B"}', Told("B")),
    "NaN and infinity": ('{"a": NaN, "b": -Infinity, "c": 1}', Told("ci", "c: 1")),
    "a long number": ('{"n": ' + "9" * 5000 + "}", Told("ci", "n: " + "9" * 119 + "…")),
    "1e999": ('{"n": 1e999}', Told("ci", "n: 1e999")),
    "halves of characters": ('{"title": "a\\ud800b"}', Told("a\ufffdb")),
    "markup": ({"title": "<b>A</b>", "body": "a &lt; b"}, Told("<b>A</b>", "a &lt; b")),
    "link in the text": (
        {"title": "Deployed", "text": "see https://x.example/7."},
        Told("Deployed", "see https://x.example/7.", link="https://x.example/7"),
    ),
    "ntfy": (
        {
            "id": "b2", "time": 1700000009, "event": "message", "topic": "ops", "title": "Disk",
            "message": "/ is 95%", "priority": 5, "tags": ["warning"], "click": "https://x.example/y",
        },
        Told("Disk", "/ is 95%", CRITICAL, "https://x.example/y"),
    ),
    "ntfy without a title": (
        {"id": "b2", "time": 1, "event": "message", "topic": "ops", "message": "triggered", "priority": 2},
        Told("ops", "triggered", LOW),
    ),
    "GitHub issue": (
        {
            "action": "opened",
            "issue": {
                "url": "https://api.github.com/repos/o/r/issues/1", "html_url": "https://github.com/o/r/issues/1",
                "title": "Crash on start", "body": "It crashes.", "user": GITHUB_PEOPLE,
            },
            "repository": GITHUB_REPOSITORY, "sender": GITHUB_PEOPLE,
        },
        Told("Crash on start", "It crashes.", link="https://github.com/o/r/issues/1"),
    ),
    "GitHub push": (
        {
            "ref": "refs/heads/main", "compare": "https://github.com/o/r/compare/a...b",
            "head_commit": {"message": "Fix typo", "url": "https://github.com/o/r/commit/b"},
            "repository": GITHUB_REPOSITORY, "pusher": {"name": "ann"},
        },
        Told("o/r", "Fix typo", link="https://github.com/o/r/commit/b"),
    ),
    "Alertmanager, firing": (
        {
            "version": "4", "status": "firing", "externalURL": "https://am.example", "alerts": [],
            "commonLabels": {"alertname": "HighCPU", "severity": "critical"},
            "commonAnnotations": {"summary": "CPU over 90 %"},
        },
        Told("HighCPU", "CPU over 90 %", CRITICAL, "https://am.example"),
    ),
    "Alertmanager, resolved": (
        {
            "status": "resolved", "commonLabels": {"alertname": "HighCPU", "severity": "critical"},
            "commonAnnotations": {"summary": "CPU over 90 %"},
        },
        Told("HighCPU", "CPU over 90 %"),
    ),
    "push message": (
        {"notification": {"title": "Ann", "body": "hi", "click_action": "https://x.example"}, "data": {"n": "1"}},
        Told("Ann", "hi", link="https://x.example"),
    ),
    "Slack": (
        {"text": "Deploy", "attachments": [{"title": "v2", "title_link": "https://x.example/v2", "text": "ok"}]},
        Told("v2", "Deploy", link="https://x.example/v2"),
    ),
    "Discord": (
        {"username": "B", "content": "", "embeds": [{"title": "v2", "url": "https://x.example", "description": "ok"}]},
        Told("v2", "ok", link="https://x.example"),
    ),
    "Telegram": (
        {"message": {"from": {"username": "ann"}, "chat": {"title": "Family", "type": "group"}, "text": "dinner?"}},
        Told("ann", "dinner?"),
    ),
    "journal": (
        {"PRIORITY": "2", "SYSLOG_IDENTIFIER": "sshd", "MESSAGE": "no space left", "_HOSTNAME": "db1"},
        Told("sshd", "no space left", CRITICAL),
    ),
    "pino": (
        {"level": 60, "time": 1700000000000, "pid": 7, "hostname": "db1", "msg": "died"},
        Told("db1", "died", CRITICAL),
    ),
    "Jira": (
        {"issue": {"key": "OPS-1", "fields": {"summary": "Disk full", "priority": {"name": "Highest"}}}},
        Told("Disk full", "key: OPS-1", CRITICAL),
    ),
    "Stellar payment": (
        {"id": "1", "paging_token": "1-1", "type": "payment", "amount": "5.0", "asset_code": "USD",
         "created_at": "2026-01-01T00:00:00Z"},
        Told("Payment", "amount: 5.0 · asset code: USD"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), TEXT.values(), ids=TEXT)
def test_text_and_values_are_told_under_the_name_of_the_stream(data: str, expected: Told) -> None:
    assert told(data) == expected


@pytest.mark.parametrize(("event_type", "data", "expected"), NAMED.values(), ids=NAMED)
def test_the_event_type_is_the_title_where_the_data_names_none(event_type: str, data: str, expected: Told) -> None:
    assert told(data, event_type) == expected


@pytest.mark.parametrize(("event_type", "data"), SILENT.values(), ids=SILENT)
def test_signs_of_life_and_blank_events_are_not_told(event_type: str, data: str) -> None:
    assert told(data, event_type) is None


@pytest.mark.parametrize(("data", "expected"), SHAPES.values(), ids=SHAPES)
def test_objects_are_told_as_a_person_would(data: object, expected: Told) -> None:
    actual = told(data)
    sys.stdout.write(f"{json.dumps(data, ensure_ascii=False)[:200]}\n    {actual}\n")
    assert actual == expected


URGENCIES: list[tuple[object, Urgency]] = [
    *(({"title": "T", "priority": number}, NORMAL) for number in (-1, 0, 3, 4, 6, 10)),
    *(({"title": "T", "priority": number}, LOW) for number in (1, 2)),
    ({"title": "T", "priority": 5}, CRITICAL),
    ({"title": "T", "priority": "5"}, CRITICAL),
    ({"title": "T", "priority": "urgent"}, CRITICAL),
    ({"title": "T", "priority": "1 - Critical"}, CRITICAL),
    ({"title": "T", "priority": "P1"}, CRITICAL),
    ({"title": "T", "priority": "sev-1"}, CRITICAL),
    ({"title": "T", "priority": "³"}, NORMAL),
    ({"title": "T", "priority": True}, NORMAL),
    ({"title": "T", "priority": 5.0}, NORMAL),
    ({"title": "T", "priority": "not critical at all"}, NORMAL),
    ({"title": "T", "urgency": 2}, CRITICAL),
    ({"title": "T", "urgency": 0}, LOW),
    ({"title": "T", "urgency": 5}, NORMAL),
    ({"title": "T", "urgent": True}, CRITICAL),
    ({"title": "T", "urgent": "true"}, NORMAL),
    ({"title": "T", "severity": "Emergency"}, CRITICAL),
    ({"title": "T", "severity": "high"}, NORMAL),
    ({"title": "T", "severity": 0}, NORMAL),
    ({"title": "T", "severity": 0, "facility": "kern"}, CRITICAL),
    ({"title": "T", "severity": 7, "facility": "kern"}, LOW),
    ({"title": "T", "level": "FATAL"}, CRITICAL),
    ({"title": "T", "level": "debug"}, LOW),
    ({"title": "Tank", "level": "low"}, NORMAL),
    ({"title": "Tank", "level": 1}, NORMAL),
    ({"title": "Battery", "level": 2}, NORMAL),
    ({"title": "T", "status": "critical"}, NORMAL),
    ({"title": "critical", "text": "priority: 5"}, NORMAL),
    ({"title": "T", "priority": "9" * 5000}, NORMAL),
    ({"title": "T", "state": "ok", "severity": "critical"}, NORMAL),
    ({"title": "T", "severity": "critical", "last_build": {"status": "ok"}}, CRITICAL),
]  # fmt: skip


@pytest.mark.parametrize(("data", "urgency"), URGENCIES)
def test_only_what_is_an_urgency_is_one(data: object, urgency: Urgency) -> None:
    actual = told(data)
    assert actual is not None
    assert actual.urgency == urgency


LINKS: list[tuple[object, str | None]] = [
    ({"title": "T", "url": "https://x.example/a?b=c#d"}, "https://x.example/a?b=c#d"),
    ({"title": "T", "html_url": "https://x.example/page", "url": "https://x.example/json"}, "https://x.example/page"),
    ({"title": "T", "dashboardUrl": "https://x.example"}, "https://x.example"),
    ({"title": "T", "links": {"html": {"href": "https://x.example/h"}}}, "https://x.example/h"),
    ({"title": "T", "url": "javascript:alert(1)"}, None),
    ({"title": "T", "url": "file:///etc/passwd"}, None),
    ({"title": "T", "url": "/job/build/12"}, None),
    ({"title": "T", "url": "//x.example"}, None),
    ({"title": "T", "url": "https://good.example@evil.example"}, None),
    ({"title": "T", "url": "https://good.example\\@evil.example"}, None),
    ({"title": "T", "url": "https://x.example/\u202egpj.exe"}, None),
    ({"title": "T", "url": "https://x.example:99999/"}, None),
    ({"title": "T", "url": "https://[::1"}, None),
    ({"title": "T", "url": "https://x.example/" + "a" * 3000}, None),
    ({"title": "T", "url": True}, None),
    ({"title": "T", "avatar_url": "https://x.example/a"}, None),
    ({"title": "T", "image": {"url": "https://x.example/a"}}, None),
    ({"title": "T", "webhook_url": "https://x.example/secret"}, None),
    ({"title": "T", "url": "https://api.x.example/v1"}, None),
    ({"title": "T", "user": {"url": "https://x.example/ann"}}, None),
    ({"title": "T", "homepage": "https://x.example"}, None),
    ({"title": "T", "_links": {"self": {"href": "https://x.example/json"}}}, None),
]


@pytest.mark.parametrize(("data", "link"), LINKS)
def test_only_what_is_a_page_is_a_link(data: object, link: str | None) -> None:
    actual = told(data)
    assert actual is not None
    assert actual.link == link


KEYS: list[tuple[object, str | None]] = [
    ({"title": "T", "key": "disk"}, "disk"),
    ({"title": "T", "key": 7}, "7"),
    ({"title": "T", "dedup_key": "a/b"}, "a/b"),
    ({"title": "T", "key": True}, None),
    ({"title": "T", "key": ""}, None),
    ({"title": "T", "key": "x" * 500}, None),
    ({"key": "temperature", "value": 3}, None),
]


@pytest.mark.parametrize(("data", "key"), KEYS)
def test_a_key_replaces_only_where_there_is_something_to_tell(data: object, key: str | None) -> None:
    actual = told(data)
    assert actual is not None
    assert actual.key == key


@pytest.mark.parametrize(
    "data",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"title": "' + "A" * (1 << 20) + '"}',
        '{"title": "' + "\\u200b" * 200_000 + '"}',
        "a" * (16 << 20),
        '{"a":1,' * 10,
        "{" + ",".join(f'"k{n}":{{"title":1}}' for n in range(50_000)) + "}",
        "[" + ",".join(["{}"] * 200_000) + "]",
        '{"n": -' + "1" * 900_000 + "}",
        '{"n": 0.' + "1" * 900_000 + "}",
        "\x1b]" * 300_000,
        "\x9d" * 300_000,
        "e\u0301" * 300_000,
        "\ud800" * 1000,
        "https://" * 100_000,
        "'\"(((" * 100_000,
    ],
    ids=lambda data: f"{len(data)} of {data[:12]!r}",
)
@pytest.mark.parametrize("event_type", ["message", "\x00\x1b[31m\u202e", "x" * 100_000])
def test_monstrous_events_are_told_or_not_but_never_break(data: str, event_type: str) -> None:
    notification = decide("ci", Event(event_type, data, ""))
    assert notification is None or isinstance(notification, Notification)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["title", "message", "url", "priority", "level", "key", "user", "data", "status", "type"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=20,
)
ANY_TEXT = st.text(st.characters(codec=None, categories=None) | st.sampled_from('\x1b[]\u200d\u202e\ud800👩\u0301{}"'))


@given(stream=ANY_TEXT, event_type=ANY_TEXT, data=ANY_TEXT | JSON.map(json.dumps))
@example(stream="", event_type="message", data="x")
@example(stream="\u200b", event_type="message", data="x")
def test_every_event_becomes_a_notification_that_can_exist_or_none(stream: str, event_type: str, data: str) -> None:
    notification = decide(stream, Event(event_type, data, ""))
    if notification is not None:
        assert 1 <= len(notification.title) <= TITLE_LIMIT
        assert len(notification.body) <= BODY_LIMIT
        assert not set("\u202e\u2066\u200b\x1b") & set(notification.title + notification.body)
