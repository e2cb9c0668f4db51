"""Where to go on after a break."""

import pytest

from notifier.resume import Resume
from notifier.sse import Event, EventStreamParser


def events(*data: str) -> list[Event]:
    return EventStreamParser().feed("".join(f"data: {line}\n\n" for line in data).encode())


@pytest.mark.parametrize("how", ["auto", "last-event-id"])
def test_the_standards_way_sends_the_last_event_id_back(how: str) -> None:
    resume = Resume(how, "41")
    assert (resume.last_event_id, resume.query) == ("41", {})
    assert resume.take(events("a"), "42") == "42"
    assert (resume.last_event_id, resume.query) == ("42", {})
    assert resume.take([], "") == ""


def test_none_sends_nothing() -> None:
    resume = Resume("none", "41")
    assert resume.take(events("a"), "42") == ""
    assert (resume.last_event_id, resume.query, resume.uses_ids) == ("", {}, False)


def test_a_query_is_filled_from_the_newest_event_that_has_the_value() -> None:
    resume = Resume("query:since={{ data.time }}")
    assert resume.query == {}
    assert resume.take(events('{"time": 5}', '{"time": 7}', '{"event": "open"}', "text"), "") == "query:since=7"
    assert (resume.last_event_id, resume.query) == ("", {"since": "7"})
    assert resume.take(events("[]"), "9") == "query:since=7"


def test_a_query_goes_on_from_an_earlier_run() -> None:
    assert Resume("query:since={{ data.time }}", "query:since=5").query == {"since": "5"}


def test_a_place_in_a_query_is_asked_for_before_the_kind_of_stream_is_known_again() -> None:
    resume = Resume("auto", "query:since=5")
    assert (resume.last_event_id, resume.query) == ("", {"since": "5"})
    assert resume.take(events("a"), "") == "query:since=5"
    assert (resume.take(events("a"), "42"), resume.last_event_id, resume.query) == ("42", "42", {})


def test_an_id_that_looks_like_a_place_in_a_query_is_sent_back_as_the_id_that_it_is() -> None:
    resume = Resume("auto")
    place = resume.take([], "query:since=now")
    for same in (resume, Resume("auto", place)):
        assert (same.last_event_id, same.query) == ("query:since=now", {})
    assert Resume("query:since={{ data.time }}", place).query == {}


def test_a_place_of_another_way_is_not_asked_for() -> None:
    assert Resume("query:after={{ data.id }}", "query:since=5").query == {}
    assert Resume("query:after={{ data.id }}", "41").query == {}


@pytest.mark.parametrize("data", ['{"time": "a\\nb"}', '{"time": "' + "9" * 3_000 + '"}', '{"time": ""}', '{"x": 1}'])
def test_what_is_no_place_in_a_stream_is_not_taken(data: str) -> None:
    resume = Resume("query:since={{ data.time }}", "query:since=5")
    assert resume.take(events(data), "") == "query:since=5"
