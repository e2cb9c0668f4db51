"""One stream and what is known of it; no clock, no network."""

import pytest

from notifier.entry import Entry
from notifier.exchange import Response
from notifier.line import SILENT_FOR, Line
from notifier.notification import Notification, Withdrawal
from notifier.preset import GENERIC
from notifier.presets import known
from notifier.rule import Rule
from notifier.rules import Rules
from notifier.sse import Event, EventStreamParser
from notifier.stream import Stream

PRESETS = {GENERIC.name: GENERIC} | known()
NTFY = 'data: {"id":"b2","time":1700000009,"event":"message","topic":"ops","title":"Disk","message":"/ is 95%"}\n\n'


def line(url: str = "https://example.org/events", cursor: str | None = None, **settings: object) -> Line:
    stream = Stream.model_validate({"url": url, "name": "ops"} | settings)
    return Line(stream, PRESETS, cursor)


def opened(line: Line, **headers: str) -> bool:
    line.source.connect()
    line.source.respond(Response(200, "text/event-stream", headers=headers), 0.0, 0.0)
    return line.changed("", 0.0)


def told(line: Line, text: str) -> list[str]:
    parser = EventStreamParser()
    decided, _ = line.decide(parser.feed(text.encode()), parser.last_event_id, 0.0)
    return [each.notification.title for each in decided if isinstance(each, Entry)]


def test_a_stream_of_a_known_kind_is_recognised_by_its_url() -> None:
    ntfy = line("https://ntfy.sh/ops/sse")
    assert ntfy.preset.name == "ntfy"
    assert told(ntfy, NTFY) == ["Disk"]


def test_a_stream_is_recognised_by_its_first_events() -> None:
    ntfy = line("https://push.example.org/ops")
    opened(ntfy)
    assert ntfy.preset is GENERIC
    told(ntfy, 'event: open\ndata: {"id":"a1","time":1700000000,"event":"open","topic":"ops"}\n\n')
    assert ntfy.preset.name == "ntfy"
    assert told(ntfy, NTFY) == ["Disk"]


def test_our_own_server_is_recognised_by_its_headers_and_its_events_are_told_once() -> None:
    ours = line()
    opened(ours, server="sse-server")
    assert ours.preset.name == "sse-server"
    parser = EventStreamParser()
    [entry], place = ours.decide(parser.feed(b"id: k3:2\ndata: Hello, world!\n\n"), "k3:2", 0.0)
    assert isinstance(entry, Entry)
    assert (entry.dedupe_key, place) == ("k3:2", "k3:2")


def test_a_bug_costs_the_words_of_one_event_and_not_the_event(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Rules):
        def decide(self, event: Event, now: float) -> list[Notification | Withdrawal]:
            raise ZeroDivisionError

    ci = line(name="ci", preset="generic")
    ci._rules = Broken("ci", GENERIC, ())
    assert told(ci, 'data: {"title": "Disk full"}\n\n') == ["ci"]
    assert "ci: an event could not be understood, and is told as it is" in caplog.text


def test_a_stream_is_what_the_person_says() -> None:
    assert line("https://ntfy.sh/ops/sse", preset="generic").preset is GENERIC
    assert line(preset="mastodon").preset.name == "mastodon"


def test_ntfy_is_asked_for_what_came_since_the_last_message() -> None:
    ntfy = line("https://ntfy.sh/ops/sse?since=all&auth=x", cursor="query:since=1700000000")
    request = ntfy.source.connect()
    assert request.url == "https://ntfy.sh/ops/sse?auth=x&since=1700000000"
    assert "Last-Event-ID" not in request.headers
    parser = EventStreamParser()
    assert ntfy.decide(parser.feed(NTFY.encode()), "", 0.0)[1] == "query:since=1700000009"
    assert ntfy.source.connect().url.endswith("&since=1700000009")


def test_another_stream_is_asked_by_its_last_event_id() -> None:
    assert line(cursor="41").source.connect().headers["Last-Event-ID"] == "41"


def test_on_the_first_subscription_nothing_old_is_asked_for() -> None:
    request = line("https://ntfy.sh/ops/sse").source.connect()
    assert (request.url, request.headers.get("Last-Event-ID")) == ("https://ntfy.sh/ops/sse", None)


@pytest.mark.parametrize(
    ("url", "settings", "cursor", "back", "missed"),
    [
        ("https://example.org/events", {}, None, False, False),
        ("https://example.org/events", {}, "41", True, False),
        ("https://example.org/events", {}, "", True, True),
        ("https://example.org/events", {"resume": "none"}, "41", True, True),
        ("https://ntfy.sh/ops/sse", {}, "query:since=1700000000", True, False),
    ],
)
def test_who_cannot_be_asked_for_what_was_missed_is_marked(
    url: str, settings: dict[str, str], cursor: str | None, back: bool, missed: bool
) -> None:
    one = line(url, cursor, **settings)
    assert (opened(one), one.may_have_missed) == (back, missed)
    assert one.status().caution == ("may have missed events" if missed else "")


def test_after_an_outage_what_comes_was_missed_but_not_after_a_planned_close() -> None:
    one = line(cursor=None)
    opened(one)
    one.source.lose(60.0, 0.5)
    one.changed("", 60.0)
    assert not opened(one)
    one.source.lose(0.1, 0.5)
    one.changed("nothing listens", 60.0)
    assert opened(one)
    assert one.may_have_missed


def test_an_event_that_says_never_to_come_back_fails_the_stream() -> None:
    gitea = line("https://git.example.org/user/events", preset="gitea")
    assert gitea.refusal is None
    count = 'event: notification-count\ndata: {"UserID":1,"Count":3}\n\n'
    assert told(gitea, count + "event: close\ndata: unauthorized\n\n" + count) == ["ops"]
    assert gitea.refusal is not None


def test_a_gap_that_the_server_tells_of_is_marked() -> None:
    ours = line()
    opened(ours, server="sse-server")
    assert told(ours, 'event: reset\nid: k4:0\ndata: {"reason":"unknown","title":"Some may be missing"}\n\n')
    assert ours.status().caution == "may have missed events"


def test_a_connection_that_was_cut_or_left_may_have_missed_something() -> None:
    for away in ("cut", "left", "closed"):
        one = line()
        opened(one)
        if away == "left":
            one.left()
        one.source.lose(60.0, 0.5, cut=away == "cut")
        one.changed("", 60.0)
        assert opened(one) is (away != "closed")
        assert one.may_have_missed is (away != "closed")


def test_rules_of_the_person_come_first() -> None:
    rules = [Rule(when="data.topic == 'ops'", title="Look: {{ data.title }}"), Rule(drop=True)]
    one = line(rules=[rule.model_dump(exclude_unset=True) for rule in rules])
    assert told(one, NTFY + "data: other\n\n") == ["Look: Disk"]


def test_the_watchdog_knows_which_kinds_are_silent() -> None:
    assert line().source.idle_timeout == 120
    assert line("https://ntfy.sh/ops/sse").source.idle_timeout == 120
    assert line(preset="hue").source.idle_timeout == (PRESETS["hue"].idle or SILENT_FOR)
    assert line(preset="hue", idle_timeout=7).source.idle_timeout == 7


def test_events_of_one_identity_are_recorded_with_it() -> None:
    ntfy = line("https://ntfy.sh/ops/sse")
    parser = EventStreamParser()
    [entry], _ = ntfy.decide(parser.feed(NTFY.encode()), "", 0.0)
    assert isinstance(entry, Entry)
    assert (entry.dedupe_key, entry.lifetime) == ("b2", 86_400.0)


def test_what_a_server_takes_back_is_taken_back() -> None:
    ntfy = line("https://ntfy.sh/ops/sse")
    gone = 'data: {"id":"c3","time":1700000011,"event":"message_delete","topic":"ops","sequence_id":"b2"}\n\n'
    decided, _ = ntfy.decide(EventStreamParser().feed((NTFY + gone + NTFY).encode()), "", 0.0)
    first, taken_back, anew = decided
    assert isinstance(first, Entry)
    assert isinstance(anew, Entry)
    assert [first.notification.key, anew.notification.key] == ["b2", "b2"]
    assert taken_back == Withdrawal(stream="ops", key="b2")


@pytest.mark.parametrize(("told", "missed"), [("41", False), ("40", True), ("", True), (None, False)])
def test_a_hub_that_goes_on_somewhere_else_is_marked(told: str | None, missed: bool) -> None:
    hub = line("https://hub.example.org/.well-known/mercure?topic=x", cursor="41")
    headers = {} if told is None else {"mercure-last-event-id": told}
    hub.source.connect()
    hub.source.respond(Response(200, "text/event-stream", headers=headers), 0.0, 0.0)
    assert (hub.changed("", 0.0), hub.may_have_missed) == (True, missed)


def test_it_says_for_what_kind_it_is_taken_and_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ours = line("https://push.example/events")
    assert ours.status().kind == ""
    ours.decide([Event("message", '{"id":"b","time":1,"event":"message","topic":"ops"}', "")], "", 0.0)
    assert ours.status().kind == "ntfy"
    assert caplog.messages[-1].endswith("it is taken for ntfy: its events give it away")
    line("https://ntfy.sh/ops/sse")
    assert caplog.messages[-1].endswith("it is taken for ntfy: its URL gives it away")


def heard(line: Line, data: str, now: float, event_type: str = "message") -> list[str]:
    decided, _ = line.decide([Event(event_type, data, "")], "", now)
    return [each.notification.title for each in decided if isinstance(each, Entry)]


SENSOR = '{"id":"binary_sensor-door","value":true,"state":"ON"}'


def test_a_silence_goes_on_when_the_kind_is_found_out_by_an_event() -> None:
    rule = Rule.model_validate({"when": "data.id == 'sensor-heat'", "silence": "5m", "title": "Nothing heard"})
    one = line("http://192.168.0.9/feed", rules=[rule])
    opened(one)
    heard(one, SENSOR, 1.0, "state")
    assert one.preset.name == "esphome"
    assert one.next_due(1.0) == 300.0
    assert [entry.notification.title for entry in one.due(301.0)] == ["Nothing heard"]


def test_a_problem_that_was_told_before_the_kind_was_found_out_recovers() -> None:
    rule = Rule.model_validate({"problem": "data.n > 30", "title": "Hot", "key": "k"})
    one = line(rules=[rule])
    opened(one)
    ntfy = Event("open", '{"id":"a1","time":1700000000,"event":"open","topic":"ops"}', "")
    decided, _ = one.decide([Event("message", '{"n": 31}', ""), ntfy, Event("message", '{"n": 1}', "")], "", 0.0)
    assert one.preset.name == "ntfy"
    assert [each.notification.title for each in decided if isinstance(each, Entry)] == ["Hot", "Recovered: Hot"]
    assert one.learned(0.0, 0.0)
    assert one.learned(0.0, 0.0) == {}
