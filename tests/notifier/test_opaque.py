"""notifier.opaque: what in an address looks like a secret."""

import pytest

from notifier.opaque import is_opaque, masked


@pytest.mark.parametrize(
    "secret",
    [
        "9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c",
        "550e8400-e29b-41d4-a716-446655440000",
        "AbCdEfGhIjKlMnOp",
        "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy",
    ],
)
def test_what_a_machine_drew_is_a_secret(secret: str) -> None:
    assert is_opaque(secret)
    assert masked(f"/hook/{secret}/events") == "/hook/…/events"


@pytest.mark.parametrize(
    "name",
    [
        "", "events", "mytopic", "mediawiki.recentchange", "RecentChangesEventStreamService", "eventstream-clip-v2",
        "sse-notifications-production-2026", "home-assistant-core", "1234567890123456789", "build.linux-x86_64.log",
    ],
)  # fmt: skip
def test_what_somebody_named_is_none(name: str) -> None:
    assert not is_opaque(name)
    assert masked(f"/{name}/x") == f"/{name}/x"
