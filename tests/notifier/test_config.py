"""Arguments and files in, a configuration or one clear sentence out."""

import pytest

from notifier import config
from notifier.errors import UsageError


def test_a_url_is_a_stream() -> None:
    (stream,) = config.from_arguments(["http://localhost:8080/events"]).streams
    assert (stream.name, stream.url) == ("localhost:8080", "http://localhost:8080/events")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://localhost:8080/events", "localhost:8080"),
        ("https://ntfy.sh/ops/sse", "ntfy.sh/ops"),
        ("https://www.example.org/", "example.org"),
        ("https://stream.wikimedia.org/v2/stream/recentchange", "stream.wikimedia.org/recentchange"),
        ("http://ann:s3cret@example.org/events?auth=t0ken", "example.org"),
        ("http://[::1]:8080/events", "::1:8080"),
        ("http://example.org/" + "x" * 500, "example.org/" + "x" * 44),
    ],
)
def test_a_stream_is_named_after_its_host_and_topic_and_never_after_a_secret(url: str, name: str) -> None:
    assert config.name_of(url) == name


def test_streams_of_one_host_get_names_of_their_own() -> None:
    streams = config.from_arguments(["http://a/events", "http://a/sse", "http://a/stream"]).streams
    assert [stream.name for stream in streams] == ["a", "a 2", "a 3"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("localhost:8080/events", "localhost:8080/events is no http:// or https:// URL; did you mean http://localhost"),
        ("example.org", "did you mean http://example.org ?"),
        ("ftp://example.org/x", "is no http:// or https:// URL$"),
        ("http://", "is no http:// or https:// URL"),
        ("http://example.org:port/", "is no URL"),
        ("http://exa mple.org/", "holds a space"),
        ("http://example.org/\x1b[31m", "holds a space or a control character"),
        ("", "is no http"),
    ],
)
def test_what_is_no_stream_address_is_refused_in_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        config.from_arguments([url])


def test_a_refused_address_does_not_tell_its_query() -> None:
    with pytest.raises(UsageError) as caught:
        config.from_arguments(["example.org/sse?auth=s3cret"])
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("Authorization Bearer s3cret", "written 'Name: value'"),
        ("Auth orization: s3cret", "is no header name"),
        (": s3cret", "is no header name"),
        ("Accept: s3cret", "set by sse-notifier itself"),
        ("last-event-id: s3cret", "set by sse-notifier itself"),
        ("X-Key: s3cret\r\nX-Evil: 1", "holds a line break"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_without_telling_its_value(header: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        config.from_arguments(["http://a/"], [header])
    assert "s3cret" not in str(caught.value)


def test_a_header_goes_to_every_stream_and_hides_in_reprs() -> None:
    settings = config.from_arguments(["http://a/", "http://b/"], ["Authorization: Bearer s3cret"])
    assert [s.headers["Authorization"].get_secret_value() for s in settings.streams] == ["Bearer s3cret"] * 2
    assert "s3cret" not in repr(settings)
