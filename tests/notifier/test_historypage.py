"""The page of the history: everything is there, and nothing of it acts."""

import re
from datetime import datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.entry import State
from notifier.history import Row
from notifier.historypage import ROWS_LIMIT, page
from notifier.notification import Notification, Urgency, is_plain

NOW = datetime(2026, 11, 25, 12).astimezone()
HARMLESS = {"meta", "title", "style", "h1", "h2", "p", "ol", "li", "time", "div", "span", "strong", "a"}


def row(number: int, title: str = "A title", body: str = "", link: str | None = None, **options: object) -> Row:
    told = Notification(stream="ci", title=title, body=body, link=link, urgency=options.get("urgency", Urgency.NORMAL))  # type: ignore[arg-type]
    received = NOW.timestamp() - 3_600 * (100 - number)
    state = options.get("state", State.SHOWN)
    assert isinstance(state, State)
    return Row(id=number, notification=told, event_type="message", event_id=None, received=received, state=state)


class Reader(HTMLParser):
    """What a browser finds on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_newest_comes_first_below_its_day() -> None:
    read = Reader(page([row(1, "First"), row(2, "Second"), row(99, "Third", "two\nlines")], NOW))
    order = [
        read.text.index(text) for text in ("3 notifications", "2026-11-25", "Third", "two\nlines", "Second", "First")
    ]
    assert order == sorted(order)
    assert len([tag for tag, _ in read.tags if tag == "h2"]) == 2


def test_links_and_what_a_row_is_are_told() -> None:
    read = Reader(
        page([row(1, link="https://a.example/?a=1&b=2", state=State.READ), row(2, urgency=Urgency.CRITICAL)], NOW)
    )
    assert [found["href"] for tag, found in read.tags if tag == "a"] == ["https://a.example/?a=1&b=2"]
    assert [found["class"] for tag, found in read.tags if tag == "li"] == ["critical", "read"]


def test_before_anything_was_told_it_says_so() -> None:
    assert "Nothing yet" in page([], NOW)


def test_a_long_history_is_cut() -> None:
    text = page([row(n % 100, f"Number {n:04d}", "b" * 2_000) for n in range(ROWS_LIMIT + 5)], NOW)
    assert text.count("<li") == ROWS_LIMIT
    assert "Number 0004" not in text
    assert "Number 0005" in text


plain = st.text(min_size=1, max_size=60).filter(lambda text: is_plain(text) and bool(text.strip()))


@settings(max_examples=40)
@given(plain, plain)
def test_nothing_that_strangers_wrote_is_markup(title: str, body: str) -> None:
    read = Reader(page([row(1, title, body, "https://a.example/'onclick=%22x%22<script>")], NOW))
    assert {tag for tag, _ in read.tags} <= HARMLESS
    assert not [name for _, found in read.tags for name in found if name.startswith("on")]
    assert title in read.text
    assert body in read.text


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>"])
def test_the_page_loads_and_runs_nothing(evil: str) -> None:
    text = page([row(1, evil, evil)], NOW)
    assert evil not in text
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|img|link|iframe)", text)
