"""Which kind of stream it is, by its URL, its headers and its first events."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import preset, presets
from notifier.preset import GENERIC
from notifier.recognition import EVENTS_LIMIT, Recognition
from notifier.sse import Event, EventStreamParser

ALL = tuple(presets.bundled(name) for name in presets.names())
RECORDINGS = Path(__file__).parent / "presets"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ntfy.sh/alerts/sse", "ntfy"),
        ("https://push.example/alerts,ops/sse?auth=secret", "ntfy"),
        ("https://hub.example/.well-known/mercure?topic=https%3A%2F%2Fx", "mercure"),
        ("https://stream.wikimedia.org/v2/stream/recentchange", "wikimedia"),
        ("https://mastodon.example/api/v1/streaming/user/notification", "mastodon"),
        ("http://homeassistant.local:8123/api/stream?restrict=state_changed", "home-assistant"),
        ("https://192.168.1.2/eventstream/clip/v2", "hue"),
        ("http://openhab:8080/rest/events?topics=openhab/items/*/statechanged", "openhab"),
        ("https://codeberg.example/user/events", "gitea"),
        ("https://ci.example/api/stream/events", "woodpecker"),
        ("https://jenkins.example/sse-gateway/listen/x", "jenkins"),
        ("https://smee.io/AbCdEf", "smee"),
        ("https://x-default-rtdb.firebaseio.com/orders.json", "firebase"),
        ("https://x.europe-west1.firebasedatabase.app/orders.json?auth=x", "firebase"),
        ("https://horizon.stellar.org/accounts/G/payments?cursor=now", "stellar"),
        ("https://horizon-testnet.stellar.org/ledgers", "stellar"),
        ("http://127.0.0.1:8080/events", "generic"),
        ("https://example.org/stream?next=https://ntfy.sh/alerts/sse", "generic"),
        ("https://ntfy.sh.evil.example/events", "generic"),
        ("https://[::1/", "generic"),
        ("", "generic"),
    ],
)
def test_a_url_may_give_the_kind_away(url: str, name: str) -> None:
    recognition = Recognition(url, ALL)
    assert recognition.preset.name == name
    assert ("URL" in recognition.reason) is (name != "generic")


SILENT = {"mercure", "spring", "sse-server"}
"""Their events are whatever the publisher says."""


@pytest.mark.parametrize("name", sorted(set(presets.names()) - SILENT - {"hue"}))
def test_the_first_events_give_the_kind_away(name: str) -> None:
    recognition = Recognition("https://proxy.example/events", ALL)
    for event in EventStreamParser().feed((RECORDINGS / f"{name}.sse").read_bytes()):
        recognition.see(event)
    assert (recognition.preset.name, recognition.reason) == (name, "its events give it away")


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_kind_without_signs_stays_generic(name: str) -> None:
    recognition = Recognition("https://proxy.example/events", ALL)
    for event in EventStreamParser().feed((RECORDINGS / f"{name}.sse").read_bytes()):
        recognition.see(event)
    assert recognition.preset is GENERIC


MINE = preset.parse('name = "mine"\ntitle = "Mine"\nsigns = { headers = { x-powered-by = "^Mine/" } }', "mine.toml")


OTHER = preset.parse('name = "other"\ntitle = "Other"\nsigns = { headers = { server = "^Other$" } }', "other.toml")


def test_a_header_is_surer_than_the_url() -> None:
    recognition = Recognition("https://ntfy.sh/alerts/sse", [*ALL, MINE, OTHER])
    assert recognition.answer({"content-type": "text/event-stream"}).name == "ntfy"
    assert recognition.answer({"x-powered-by": "Mine/2"}).name == "mine"
    assert recognition.reason == "the header x-powered-by gives it away"
    assert recognition.answer({"server": "Other"}).name == "mine"


def test_it_stops_looking_after_some_events() -> None:
    recognition = Recognition("https://example.org/events", ALL)
    for _ in range(EVENTS_LIMIT):
        assert recognition.is_open
        recognition.see(Event("message", "hello", ""))
    assert not recognition.is_open
    assert recognition.see(Event("message", '{"paging_token": "1"}', "")) is GENERIC


@given(st.text(), st.text(), st.text())
def test_nothing_breaks_it(url: str, event_type: str, data: str) -> None:
    assert Recognition(url, ALL).see(Event(event_type, data, "")) in (*ALL, GENERIC)
