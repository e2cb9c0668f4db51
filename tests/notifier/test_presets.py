"""Every preset against a recorded stream: the exact notifications it must make, and none that it must not.

``presets/NAME.sse`` are the bytes of a stream, ``presets/NAME.told`` is what a person is told of it.
"""

import json
from pathlib import Path

import pytest

from notifier import preset, presets
from notifier.errors import UsageError
from notifier.notification import Notification, Withdrawal
from notifier.rules import Rules
from notifier.sse import Event
from tests.telling import tell

RECORDINGS = Path(__file__).parent / "presets"


def rules_of(name: str) -> Rules:
    return Rules(name, presets.bundled(name), base="https://host.example")


def test_every_preset_has_a_recording_and_every_recording_a_preset() -> None:
    assert set(presets.names()) == {path.stem for path in RECORDINGS.glob("*.sse")}
    assert set(presets.names()) == {path.stem for path in RECORDINGS.glob("*.told")}


@pytest.mark.parametrize("name", presets.names())
def test_what_the_program_takes_as_proven_is_without_mistakes(name: str) -> None:
    text = Path(presets.__file__).with_name(f"{name}.toml").read_text("utf-8")
    assert preset.parse(text, name) == presets.bundled(name)


@pytest.mark.parametrize("name", presets.names())
def test_a_recorded_stream_is_told_exactly_so(name: str) -> None:
    told = tell((RECORDINGS / f"{name}.sse").read_bytes(), rules_of(name))
    assert told + "\n" == (RECORDINGS / f"{name}.told").read_text("utf-8")


@pytest.mark.parametrize("name", presets.names())
def test_no_rule_of_a_preset_fails_on_its_stream(name: str, caplog: pytest.LogCaptureFixture) -> None:
    tell((RECORDINGS / f"{name}.sse").read_bytes(), rules_of(name))
    assert not caplog.records


STRANGE = [
    "",
    "text",
    "null",
    "12",
    "[]",
    "{}",
    "[[1]]",
    '{"data": 1, "event": 2, "envelope": [], "pipeline": "x", "meta": 3, "topic": [], "type": {}, "path": 9}',
    '{"event": "message", "topic": {}, "priority": [], "click": "javascript:alert(1)", "message": 5}',
    json.dumps(dict.fromkeys(("data", "event", "envelope", "pipeline", "meta", "topic", "type", "path"))),
]


@pytest.mark.parametrize("name", presets.names())
@pytest.mark.parametrize(
    "event_type", ["message", "notification", "state", "put", "job", "notification-count", "delete"]
)
def test_no_stream_of_another_kind_breaks_a_preset(name: str, event_type: str) -> None:
    rules = rules_of(name)
    for now, data in enumerate(STRANGE):
        rules.decide(Event(event_type, data, ""), now)


@pytest.mark.parametrize(
    ("name", "event_type", "data", "sentence"),
    [
        ("gitea", "close", "unauthorized", "cookie"),
        ("gitea", "logout", "here", "signed out"),
        ("firebase", "cancel", "null", "rules"),
        ("firebase", "auth_revoked", "credential is no longer valid", "new one"),
    ],
)
def test_a_server_that_answers_200_and_means_no_is_understood(
    name: str, event_type: str, data: str, sentence: str
) -> None:
    assert sentence in (rules_of(name).refusal(Event(event_type, data, "")) or "")


def test_a_preset_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"no preset 'nfty'; there are .*ntfy"):
        presets.bundled("nfty")


def test_a_persons_own_preset_wins() -> None:
    mine = preset.parse('name = "ntfy"\ntitle = "My ntfy"', "ntfy.toml")
    other = preset.parse('name = "zoo"\ntitle = "Zoo"', "zoo.toml")
    known = presets.known([mine, other])
    assert list(known)[:2] == ["ntfy", "zoo"]
    assert known["ntfy"].title == "My ntfy"
    assert set(known) == {*presets.names(), "zoo"}


MONSTERS = [
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"event":"message","topic":"x","content_type":"text/markdown","message":"' + "*a " * 300_000 + '"}',
    '{"account":{"acct":"x"},"content":"' + "<p" * 400_000 + '"}',
    "[" + ",".join(['{"type":"update","data":[{"type":"light","on":{"on":true}}]}'] * 5_000) + "]",
    '{"topic":"' + "/" * 900_000 + '","payload":"' + "[" * 90_000 + '","type":"ItemStateChangedEvent"}',
    '{"envelope":{"source":"' + "\\u202e" * 100_000 + '","timestamp":1,"dataMessage":{"message":"x"}}}',
    '{"path":"/k","data":{"title":' + "9" * 5_000 + ',"name":"' + "\\ud800" * 1_000 + '"}}',
    "\x1b[" * 500_000,
]


@pytest.mark.parametrize("name", presets.names())
@pytest.mark.parametrize("data", MONSTERS, ids=lambda data: data[:20])
def test_no_monster_breaks_a_preset(name: str, data: str) -> None:
    rules = rules_of(name)
    for now, event_type in enumerate(("message", "update", "put", "state")):
        for decision in rules.decide(Event(event_type, data, ""), now):
            assert isinstance(decision, Notification | Withdrawal)


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("name = ", "mine.toml:1: the value is not TOML"),
        ('name = "a b"\ntitle = "x"', "mine.toml:1: name"),
        ('name = "a"', "mine.toml:1: title is missing"),
        ('name = "a"\ntitle = "x"\nexplode = "a..b"', "no path"),
        ('name = "a"\ntitle = "x"\nresume = "sometimes"', "resume"),
        ('name = "a"\ntitle = "x"\n[signs]\nurl = ["("]', "no regular expression"),
        ('name = "a"\ntitle = "x"\n[[rules]]\nwhen = "("', "mine.toml:4: .*no expression"),
        ('name = "a"\ntitle = "x"\n[[rules]]\ncommand = ["rm"]', "a preset runs no command"),
    ],
)
def test_a_slip_of_the_pen_in_a_preset_is_found(toml: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        preset.parse(toml, "mine.toml")
