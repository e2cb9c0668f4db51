"""server.subscription: what clients ask of the stream."""

import pytest

from server.subscription import InvalidSubscription, Subscription, subscription
from server.view import View

NOW = 1_000_000.0


def asked(query: list[tuple[str, str]], header: str | None = None) -> Subscription:
    return subscription(query, last_event_id=header, chunked=True, now=NOW)


@pytest.mark.parametrize(
    ("query", "header", "expected"),
    [
        ([], None, Subscription(View())),
        ([], "e:1", Subscription(View(), "e:1")),
        ([], "", Subscription(View())),
        ([("last_event_id", "e:2")], None, Subscription(View(), "e:2")),
        ([("last_event_id", "e:2")], "e:3", Subscription(View(), "e:3")),
        ([("topic", "b"), ("topic", "a*"), ("topic", "b")], None, Subscription(View(topics=("a*", "b")))),
        ([("type", "log"), ("type", "build")], None, Subscription(View(types=("build", "log")))),
        ([("envelope", "json")], None, Subscription(View(envelope=True))),
        ([("since", "all")], None, Subscription(View(), since=0.0)),
        ([("since", "90s")], None, Subscription(View(), since=NOW - 90)),
        ([("since", "10m")], None, Subscription(View(), since=NOW - 600)),
        ([("since", "2h")], None, Subscription(View(), since=NOW - 7_200)),
        ([("since", "1d")], None, Subscription(View(), since=NOW - 86_400)),
        ([("since", "1w")], None, Subscription(View(), since=NOW - 604_800)),
        ([("since", "1700000000")], None, Subscription(View(), since=1_700_000_000.0)),
        ([("since", "1970-01-02")], None, Subscription(View(), since=86_400.0)),
        ([("since", "1970-01-01T01:00:00Z")], None, Subscription(View(), since=3_600.0)),
        ([("since", "1970-01-01T02:00:00 01:00")], None, Subscription(View(), since=3_600.0)),
    ],
)
def test_a_request_is_read(query: list[tuple[str, str]], header: str | None, expected: Subscription) -> None:
    assert asked(query, header) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", ""),
        ("since", "soon"),
        ("since", "-1h"),
        ("since", "1y"),
        ("since", "²"),
        ("since", "9" * 400),
        ("since", "2026-13-01"),
        ("topic", ""),
        ("topic", "a b"),
        ("topic", "[a-z]"),
        ("topic", "a?"),
        ("topic", "x" * 129),
        ("envelope", "xml"),
        ("nonsense", "1"),
    ],
)
def test_what_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSubscription, match=f"^{name}: "):
        asked([(name, value)])


def test_choices_are_bounded() -> None:
    with pytest.raises(InvalidSubscription, match="topic: at most 20"):
        asked([("topic", f"t{number}") for number in range(21)])
