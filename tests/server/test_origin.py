"""server.origin: which requests a loopback server believes."""

import pytest

from server import origin


@pytest.mark.parametrize(
    ("host", "believed"),
    [
        ("localhost", True),
        ("LOCALHOST:8080", True),
        ("localhost.:8080", True),
        ("tray.localhost:1", True),
        ("127.0.0.1:8080", True),
        ("127.9.9.9", True),
        ("[::1]:8080", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("notlocalhost", False),
        ("0.0.0.0:8080", False),
        ("192.168.1.7:8080", False),
        ("evil.example@localhost", False),
        ("localhost@evil.example", False),
        ("[::1", False),
        ("", False),
    ],
)
def test_only_names_of_the_machine_itself_are_believed(host: str, believed: bool) -> None:
    assert origin.is_expected(host, ()) is believed


@pytest.mark.parametrize(
    ("host", "believed"),
    [
        ("events.example", True),
        ("EVENTS.example:443", True),
        ("localhost", True),
        ("x.events.example", False),
        ("events.example.evil.example", False),
    ],
)
def test_a_name_that_was_allowed_is_believed_too(host: str, believed: bool) -> None:
    assert origin.is_expected(host, {"events.example"}) is believed


@pytest.mark.parametrize(
    ("sender", "host", "foreign"),
    [
        (None, "localhost:8080", False),
        ("http://localhost:8080", "localhost:8080", False),
        ("http://LOCALHOST:8080", "localhost:8080", False),
        ("https://events.example", "events.example", False),
        ("http://localhost:3000", "localhost:8080", True),
        ("http://127.0.0.1:8080", "localhost:8080", True),
        ("https://evil.example", "localhost:8080", True),
        ("null", "localhost:8080", True),
        ("", "", True),
        ("file://", "", True),
        ("http://[", "localhost", True),
    ],
)
def test_a_page_of_another_origin_is_foreign(sender: str | None, host: str, foreign: bool) -> None:
    assert origin.is_foreign(sender, host) is foreign
