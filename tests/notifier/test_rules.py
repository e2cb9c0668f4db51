"""What rules make of streams: each case is rules, a stream, and what a person is told."""

import json
import logging
import tomllib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.notification import Notification, Withdrawal
from notifier.preset import GENERIC, Preset
from notifier.rule import Rule
from notifier.rules import Rules
from notifier.sse import Event
from tests.telling import tell


def made(toml: str, **preset: object) -> Rules:
    rules = [Rule.model_validate(rule) for rule in tomllib.loads(toml).get("rules", [])]
    return Rules("ci", Preset.model_validate({**GENERIC.model_dump(), **preset}), rules, base="https://ci.example")


def events(*values: object, event_type: str = "message") -> str:
    return "".join(f"event: {event_type}\ndata: {json.dumps(value)}\n\n" for value in values)


CASES: dict[str, tuple[str, str, str]] = {
    "no rules": ("", events({"title": "A"}), "A"),
    "words": (
        """
        [[rules]]
        title = "{{ data.job }} {{ data.status }}"
        body = "by {{ data.who|default('nobody') }}"
        urgency = "{{ 'critical' if data.status == 'failed' else 'low' }}"
        link = "{{ base }}/jobs/{{ data.job }}"
        key = "{{ data.job }}"
        identity = "{{ data.job }}/{{ data.run }}"
        """,
        events({"job": "nightly", "status": "failed", "run": 7}),
        """
        nightly failed (critical)
          by nobody
            link https://ci.example/jobs/nightly
            key nightly
            identity nightly/7
        """,
    ),
    "all that a bubble shows": (
        """
        [[rules]]
        title = "{{ data.job }}"
        icon = "{{ data.icon }}"
        image = "{{ base }}/graph.png"
        time = "{{ data.at }}"
        group = "{{ data.team }}"
        sound = "{{ data.sound }}"
        actions = [
            { label = "Log", link = "{{ base }}/log" },
            { label = "Undo {{ data.job }}", link = "{{ data.undo }}" },
        ]
        progress = "{{ data.done * 100 }}"
        transient = true
        resident = true
        """,
        events(
            {"job": "deploy", "icon": "emblem-ok", "at": 1_700_000_000_500, "team": "web", "sound": "complete"}
            | {"done": 0.426, "undo": "https://ci.example/undo"}
        ),
        """
        deploy
          job: deploy · team: web · sound: complete · done: 0.426
            icon emblem-ok
            image https://ci.example/graph.png
            group web
            sound complete
            time 2023-11-14 22:13:20
            progress 42 %
            action Log: https://ci.example/log
            action Undo deploy: https://ci.example/undo
            transient yes
            resident yes
        """,
    ),
    "what a stranger may not choose is not there": (
        """
        [[rules]]
        title = "A"
        body = ""
        link = ""
        icon = "{{ data.icon }}"
        image = "{{ data.image }}"
        time = "{{ data.time }}"
        group = "{{ data.group }}"
        sound = "{{ data.sound }}"
        actions = [{ label = "{{ data.label }}", link = "{{ data.link }}" }, { label = "Go", link = "{{ data.run }}" }]
        progress = "{{ data.progress }}"
        """,
        events(
            {
                "icon": "../../etc/passwd",
                "image": "file:///etc/passwd",
                "time": "soon",
                "group": "\u202e",
                "sound": "/x",
            }
            | {"label": "\u200b", "link": "https://x.example", "run": "javascript:alert(1)", "progress": "-5"},
            {
                "icon": "data:image/png;base64,x",
                "image": "https://a@x.example/",
                "time": 10**400,
                "progress": "9" * 400,
            },
        ),
        "A\n\nA",
    ),
    "numbers stand for themselves": (
        """
        [[rules]]
        title = "A"
        body = ""
        time = 1700000000
        progress = 140
        sound = "none"
        actions = []
        """,
        events({"actions": [{"label": "Go", "url": "https://x.example"}]}),
        """
        A
            sound none
            time 2023-11-14 22:13:20
            progress 100 %
        """,
    ),
    "what is set to nothing is not looked for": (
        """
        [[rules]]
        title = "A"
        image = ""
        """,
        events({"image": "https://x.example/1.png", "icon": "https://x.example/2.png", "message": "B"}),
        """
        A
          B
            icon https://x.example/2.png
        """,
    ),
    "a picture is found, though the words are all set": (
        """
        [[rules]]
        title = "A"
        body = "B"
        urgency = "low"
        link = ""
        key = "k"
        """,
        events({"image": "https://x.example/1.png", "url": "https://x.example/"}),
        """
        A (low)
          B
            image https://x.example/1.png
            key k
        """,
    ),
    "what is not set is found": (
        """
        [[rules]]
        urgency = "critical"
        """,
        events({"title": "A", "message": "B", "url": "https://x.example", "key": "k", "priority": 1}),
        """
        A (critical)
          B
            link https://x.example
            key k
        """,
    ),
    "what is set to nothing is nothing": (
        """
        [[rules]]
        title = "{{ data.nothing }}"
        body = ""
        link = ""
        key = ""
        """,
        events({"title": "A", "message": "B", "url": "https://x.example", "key": "k"}),
        "A",
    ),
    "the first rule that is for it": (
        """
        [[rules]]
        when = "data.level == 'debug'"
        drop = true
        [[rules]]
        when = "event.type == 'alert'"
        title = "Alert"
        [[rules]]
        when = "data.n > 90"
        title = "High"
        """,
        events({"level": "debug", "n": 99}) + events({"n": 99}, event_type="alert") + events({"n": 99}, {"n": 3}),
        """
        Alert
          n: 99

        High
          n: 99

        ci
          n: 3
        """,
    ),
    "signs of life come to no rule": (
        """
        [[rules]]
        title = "Everything"
        """,
        "event: ping\ndata: 1\n\ndata: ping\n\n: ping\n\n",
        "",
    ),
    "previous": (
        """
        [[rules]]
        when = "previous and previous.state != data.state"
        key = "{{ data.id }}"
        title = "{{ data.id }}"
        body = "{{ previous.state }} → {{ data.state }}"
        [[rules]]
        drop = true
        """,
        events(*({"id": i, "state": s} for i, s in ("a1", "b1", "a1", "a2", "b1", "a2", "b3"))),
        """
        a
          1 → 2
            key a

        b
          1 → 3
            key b
        """,
    ),
    "previous is known though another rule took the event": (
        """
        [[rules]]
        when = "data.quiet"
        drop = true
        [[rules]]
        title = "{{ data.n - previous.n if previous else 'first' }}"
        body = ""
        """,
        events({"n": 1}, {"n": 5, "quiet": True}, {"n": 7}),
        """
        first

        2
        """,
    ),
    "changed": (
        """
        [[rules]]
        when = "data.id"
        key = "{{ data.id }}"
        changed = "data.state"
        title = "{{ data.id }}: {{ before }} → {{ after }}"
        body = ""
        """,
        events(*({"id": i, "state": s} for i, s in ("a1", "b1", "a1", "a2", "b1", "a2"))) + events({"note": "other"}),
        """
        a: 1 → 2
            key a

        ci
          other
        """,
    ),
    "hysteresis": (
        """
        [[rules]]
        when = "data.temp is defined"
        problem = "data.temp > 30"
        clear = "data.temp < 28"
        title = "Hot: {{ data.temp }}"
        body = ""
        urgency = "critical"
        recovered = { title = "Cool again: {{ data.temp }}" }
        """,
        events(*({"temp": temp} for temp in (25, 31, 32, 29, 31, 27, 29, 31))),
        """
        Hot: 31 (critical)
            key rule 1

        Cool again: 27
            key rule 1

        Hot: 31 (critical)
            key rule 1
        """,
    ),
    "a problem keeps its name while it lasts": (
        """
        [[rules]]
        problem = "data.temp > 30"
        title = "Hot: {{ data.temp }}"
        body = ""
        """,
        events(*({"temp": temp} for temp in (31, 35, 20))),
        """
        Hot: 31
            key rule 1

        Recovered: Hot: 31
            key rule 1
        """,
    ),
    "for five minutes": (
        """
        [[rules]]
        problem = "data.door == 'open'"
        for = "5m"
        key = "{{ data.id }}"
        title = "{{ data.id }} is open"
        body = ""
        """,
        events({"id": "a", "door": "open"}, {"id": "b", "door": "open"})
        + ": wait 4m\n"
        + events({"id": "b", "door": "closed"}, {"id": "a", "door": "open"})
        + ": wait 2m\n"
        + events({"id": "a", "door": "closed"}),
        """
        a is open
            key a

        Recovered: a is open
            key a
        """,
    ),
    "nothing heard": (
        """
        [[rules]]
        silence = "10m"
        urgency = "critical"
        """,
        ": wait 9m\n" + events({"title": "A"}) + ": wait 9m\n: wait 20m\n" + events({"title": "B"}) + ": wait 1m\n",
        """
        A

        Nothing heard from ci (critical)
            key rule 1

        Heard again: Nothing heard from ci
            key rule 1

        B
        """,
    ),
    "nothing heard at all": (
        """
        [[rules]]
        silence = "10m"
        """,
        ": wait 15m\n",
        """
        Nothing heard from ci
            key rule 1
        """,
    ),
    "a reconnection is nothing heard": (
        """
        [[rules]]
        silence = "10m"
        """,
        ": wait 6m\n: reconnect\n: wait 6m\n",
        """
        Nothing heard from ci
            key rule 1
        """,
    ),
    "nothing heard of one of them": (
        """
        [[rules]]
        when = "data.sensor"
        silence = "10m"
        key = "{{ data.sensor }}"
        [[rules]]
        drop = true
        """,
        events({"sensor": "a"}, {"sensor": "b"}) + ": wait 6m\n" + events({"sensor": "b"}) + ": wait 6m\n",
        """
        Nothing heard from a
            key rule 1 a
        """,
    ),
    "withdrawn": (
        """
        [[rules]]
        when = "data.over"
        withdraw = true
        key = "{{ data.id }}"
        """,
        events({"title": "A", "key": "7"}, {"over": True, "id": 7}, {"over": True}),
        """
        A
            key 7

        (withdrawn)
            key 7
        """,
    ),
    "data that is text": (
        """
        [[rules]]
        when = "'failed' in data"
        title = "{{ data|upper }}"
        body = ""
        """,
        "data: build failed\n\ndata: 12\n\ndata: undefined\n\n",
        """
        BUILD FAILED

        ci
          12

        ci
          undefined
        """,
    ),
}


@pytest.mark.parametrize(("toml", "stream", "told"), CASES.values(), ids=CASES)
def test_rules_say_what_is_told(toml: str, stream: str, told: str) -> None:
    assert tell(stream.encode(), made(toml)) == dedent(told).strip()


def test_a_rule_that_fails_is_logged_once_and_the_default_is_told(caplog: pytest.LogCaptureFixture) -> None:
    rules = made('[[rules]]\ntitle = "{{ data.n / data.zero }}"')
    with caplog.at_level(logging.WARNING):
        told = tell(events({"title": "A", "n": 1, "zero": 0}, {"title": "B", "n": 1, "zero": 0}).encode(), rules)
    assert told == "A\n  n: 1 · zero: 0\n\nB\n  n: 1 · zero: 0"
    [record] = caplog.records
    assert "ci: rule 1 fails" in record.getMessage()
    assert "division by zero" in record.getMessage()


@pytest.mark.parametrize(
    "title",
    [
        "{{ data.n / data.zero }}",
        "{{ data.token|round }}",
        "{{ data[data.token] + 1 }}",
        "{{ data.token.index('x') + data.token }}",
    ],
)
def test_what_is_logged_of_a_rule_that_fails_holds_nothing_of_the_event(
    title: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        tell(
            events({"title": "A", "n": 1, "zero": 0, "token": "hunter2"}).encode(),
            made(f'[[rules]]\ntitle = "{title}"'),
        )
    assert f"ci: rule 1 fails: {title!r}: " in caplog.text
    assert "hunter2" not in caplog.text


def test_a_rule_that_only_listens_hides_no_later_one_when_it_fails() -> None:
    rules = made('[[rules]]\nsilence = "5m"\ntitle = "{{ 1 / 0 }}"\n[[rules]]\ndrop = true')
    assert tell(events({"title": "noise"}).encode(), rules) == ""


@pytest.mark.parametrize(
    "rule",
    [
        'when = "data.n > 3"',
        'key = "{{ 1 / 0 }}"\nchanged = "data.n"',
        'changed = "1 / 0"',
        'problem = "data.n > 3"',
        'problem = "true"\nurgency = "{{ 1 / 0 }}"',
        'silence = "5m"\ntitle = "{{ 1 / 0 }}"',
        'identity = "{{ 1 / 0 }}"',
        'key = "{{ 1 / 0 }}"\nbody = "{{ previous.n }}"',
        'withdraw = true\nkey = "{{ 1 / 0 }}"',
    ],
)
def test_wherever_a_rule_fails_the_default_is_told(rule: str) -> None:
    assert tell(events({"title": "A", "n": "x"}).encode(), made("[[rules]]\n" + rule)) == "A\n  n: x"


def test_what_a_silence_says_does_not_take_the_event_for_its_repetition() -> None:
    rules = made('[[rules]]\nsilence = "10m"', identity="{{ data.id }}")
    stream = events({"title": "A", "id": 1}) + ": wait 20m\n" + events({"title": "Disk full", "id": 2})
    assert tell(stream.encode(), rules) == (
        "A\n    identity 1\n\nNothing heard from ci\n    key rule 1\n\n"
        "Heard again: Nothing heard from ci\n    key rule 1\n\nDisk full\n    identity 2"
    )


def test_an_identity_that_fails_leaves_the_notification_alone() -> None:
    assert tell(events({"title": "A"}).encode(), made("", identity="{{ 1 / 0 }}")) == "A"


def test_lists_are_taken_apart() -> None:
    rules = made('[[rules]]\ntitle = "{{ data.type }}"\nbody = "{{ outer.id }}"', explode="[].data[]")
    stream = events([{"id": 1, "data": [{"type": "a"}, {"type": "b"}]}, {"id": 2, "data": [{"type": "c"}]}], {"x": 1})
    assert tell(stream.encode(), rules) == "a\n  1\n\nb\n  1\n\nc\n  2\n\nci"


def test_a_list_too_long_is_told_in_part() -> None:
    rules = made("", explode="[]")
    assert len(rules.decide(Event("message", json.dumps([{"title": "A"}] * 2_000), ""), 0)) == 500


def test_json_in_a_string_is_read() -> None:
    rules = made('[[rules]]\ntitle = "{{ data.payload.value }}"\nbody = ""', nested_json=("payload", "a.b"))
    assert tell(events({"payload": '{"value": "ON"}'}, {"payload": "text"}, "x").encode(), rules) == "ON\n\nci\n\nci"


def test_what_a_server_repeats_on_opening_is_remembered_and_not_told() -> None:
    rules = made('[[rules]]\nchanged = "data.n"\ntitle = "{{ before }} → {{ after }}"\nbody = ""', settle=3)
    stream = events({"n": 1}) + ": wait 5s\n" + events({"n": 2}) + ": reconnect\n" + events({"n": 3})
    stream += ": wait 5s\n" + events({"n": 3}, {"n": 4})
    assert tell(stream.encode(), rules) == "1 → 2\n\n3 → 4"


def test_a_problem_that_ended_or_began_meanwhile_is_told_though_the_server_repeats_what_was() -> None:
    rules = made('[[rules]]\nproblem = "data.n > 5"\ntitle = "High"\nbody = ""', settle=3)
    stream = (
        ": wait 5s\n"
        + events({"n": 9})
        + ": reconnect\n"
        + events({"n": 1}, {"n": 2})
        + ": reconnect\n"
        + events({"n": 9})
    )
    assert tell(stream.encode(), rules) == (
        "High\n    key rule 1\n\nRecovered: High\n    key rule 1\n\nHigh\n    key rule 1"
    )


def test_an_identity_of_the_preset_counts_where_the_rule_has_none() -> None:
    rules = made('[[rules]]\nwhen = "data.own"\nidentity = "own"', identity="{{ data.id }}")
    stream = events({"id": 1, "title": "A"}, {"own": 1, "id": 2, "title": "B"}, {"title": "C"})
    assert tell(stream.encode(), rules) == ("A\n    identity 1\n\nB\n  own: 1\n    identity own\n\nC")


def test_a_preset_may_drop_what_no_rule_is_for() -> None:
    rules = made('[[rules]]\nwhen = "data.good"', otherwise="drop")
    assert tell(events({"title": "A"}, {"title": "B", "good": True}).encode(), rules) == "B\n  good: yes"


def test_a_preset_may_say_what_is_a_sign_of_life() -> None:
    rules = made("", alive="data.tick")
    assert tell(events({"tick": 1}).encode() + b"data: ping\n\n", rules) == "ci\n  ping"


def test_a_refusal_is_said() -> None:
    rules = made("", refusals=[{"when": "event.type == 'close' and data == 'unauthorized'", "say": "sign in"}])
    assert rules.refusal(Event("close", "unauthorized", "")) == "sign in"
    assert rules.refusal(Event("close", "later", "")) is None


def test_memory_is_bounded_by_forgetting_the_oldest_key() -> None:
    rules = made('[[rules]]\nchanged = "data.n"\nkey = "{{ data.id }}"\nbody = ""')
    for number in range(5_000):
        rules.decide(Event("message", json.dumps({"id": number, "n": 1}), ""), 0)
    assert rules.decide(Event("message", '{"id": 4999, "n": 2}', ""), 0)
    assert not rules.decide(Event("message", '{"id": 0, "n": 2}', ""), 0)


def test_a_key_that_is_heard_of_is_not_forgotten() -> None:
    rules = made('[[rules]]\nchanged = "data.n"\nkey = "{{ data.id }}"\nbody = ""')
    for number in range(1_200):
        if number in (0, 600):
            rules.decide(Event("message", '{"id": "heart", "n": 1}', ""), 0)
        rules.decide(Event("message", json.dumps({"id": number, "n": 1}), ""), 0)
    assert rules.decide(Event("message", '{"id": "heart", "n": 2}', ""), 0)


def test_a_large_event_is_nobodys_previous() -> None:
    rules = made('[[rules]]\ntitle = "{{ previous.n or \'unknown\' }}"\nbody = ""')
    large = events({"n": 2, "text": "x" * 40_000})
    assert tell((events({"n": 1}) + large + events({"n": 3})).encode(), rules) == "unknown\n\n1\n\nunknown"


def test_long_identities_differ_where_their_ends_do() -> None:
    rules = made('[[rules]]\nidentity = "{{ data }}"')
    first, second = (rules.decide(Event("message", "x" * 500 + end, ""), 0)[0] for end in "ab")
    assert isinstance(first, Notification)
    assert isinstance(second, Notification)
    assert first.identity != second.identity
    assert len(first.identity or "") <= 200


EVERYTHING = """
[[rules]]
when = "data.a.b == previous.a.b"
title = "{{ data.a }} {{ previous.b }}"
[[rules]]
when = "event.type"
problem = "data.a > 3"
clear = "data.b"
for = 5
key = "{{ data.b }}"
link = "{{ data.b }}"
icon = "{{ data.a }}"
image = "{{ data.b }}"
time = "{{ data.a }}"
group = "{{ data.b }}"
sound = "{{ data }}"
actions = [{ label = "{{ data.a }}", link = "{{ data.b }}" }]
progress = "{{ data.a }}"
[[rules]]
silence = 3
key = "{{ data }}"
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "payload"]) | st.text(), inner),
    max_leaves=10,
)


@given(st.lists(st.tuples(st.text(), JSON.map(json.dumps) | st.text()), max_size=5))
def test_no_event_breaks_rules(stream: list[tuple[str, str]]) -> None:
    rules = made(EVERYTHING, explode="[].a[]", nested_json=("payload.a",), identity="{{ data.a }}")
    for now, (event_type, data) in enumerate(stream):
        for decision in [*rules.decide(Event(event_type, data, ""), now), *rules.due(now)]:
            assert isinstance(decision, Notification | Withdrawal)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"when": "data."}, "no expression"),
        ({"title": "{{ data"}, "no template"),
        ({"when": "data.x = 3"}, 'write "==" to compare'),
        ({"when": "data.x =="}, "unexpected the end"),
        ({"urgency": "Criticall"}, "did you mean critical"),
        ({"urgency": "banana"}, "write low, normal or critical"),
        ({"titel": "x"}, "Extra inputs"),
        ({"for": "5m"}, "need a problem"),
        ({"clear": "x"}, "need a problem"),
        ({"problem": "x", "for": "5 minuets"}, "no length of time"),
        ({"problem": "x", "for": -1}, "greater than or equal to 0"),
        ({"problem": "x", "for": True}, "no length of time"),
        ({"drop": True, "changed": "x"}, "drop and changed exclude each other"),
        ({"withdraw": True}, "needs the key"),
        ({"recovered": {"title": "x"}}, "recovered needs"),
        ({"silence": 0}, "longer than nothing"),
        ({"problem": "x", "recovered": {"title": "{{"}}, "no template"),
        ({"icon": "{{"}, "no template"),
        ({"progress": True}, "valid string"),
        ({"transient": "yes"}, "valid boolean"),
        ({"actions": [{"label": "Go"}]}, "Field required"),
        ({"actions": [{"label": "Go", "link": "{{"}]}, "no template"),
        ({"actions": [{"label": "Go", "link": "https://x.example"}] * 4}, "at most 3"),
    ],
)
def test_a_slip_of_the_pen_is_found_when_the_rule_is_read(rule: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rule.model_validate(rule)


@pytest.mark.parametrize(
    ("written", "length"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("5m", 300),
        ("1h 30m", 5400),
        ("2d", 172_800),
        ("250ms", 0.25),
        ("1.5h", 5400),
    ],
)
def test_lengths_of_time_are_read_as_people_write_them(written: object, length: float) -> None:
    assert Rule.model_validate({"problem": "x", "for": written}).delay == length
