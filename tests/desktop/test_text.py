"""Text for desktops that can take less than a notification holds."""

import pytest

from notifier.desktop.text import clamp, identifier, with_progress
from tests.desktop.notifications import BUILD, plain


@pytest.mark.parametrize(
    ("text", "units", "clamped"),
    [
        ("x" * 63, 63, "x" * 63),
        ("x" * 64, 63, "x" * 62 + "…"),
        ("🚀" * 31, 63, "🚀" * 31),
        ("🚀" * 32, 63, "🚀" * 31 + "…"),
        ("x" + "🚀" * 31, 63, "x" + "🚀" * 31),
        ("x" + "🚀" * 32, 63, "x" + "🚀" * 30 + "…"),
        ("word " * 20, 63, ("word " * 20)[:62].rstrip() + "…"),
        ("", 63, ""),
    ],
)
def test_a_clamp_counts_utf16_units_and_cuts_no_character(text: str, units: int, clamped: str) -> None:
    assert clamp(text, units) == clamped
    assert len(clamped.encode("utf-16-le")) <= 2 * units


@pytest.mark.parametrize(
    ("body", "progress", "told"),
    [("Copying", None, "Copying"), ("Copying", 0, "0 %\nCopying"), ("", 100, "100 %")],
)
def test_progress_is_told_in_words_before_the_body(body: str, progress: int | None, told: str) -> None:
    assert with_progress(body, progress) == told


def test_bubbles_share_a_name_if_they_share_stream_and_key_and_only_then() -> None:
    names = {identifier(plain("x").__class__(stream=s, title="t", key=k)) for s, k in [("a b", "c"), ("a", "b c")]}
    assert len(names) == 2
    assert identifier(BUILD) == identifier(BUILD)
    assert identifier(plain("no key")) is None
    assert len(identifier(BUILD) or "") <= 64
