"""What becomes of a stranger's text."""

import unicodedata
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import plaintext
from notifier.notification import is_plain, is_web_link

LINES = {
    "plain": ("Hello, world!", "Hello, world!"),
    "spaces": ("  a \t\u00a0 b\u3000c ", "a b c"),
    "line ends": ("a\r\nb\rc\nd\u2028e\u2029f\x85g\x0bh\x0ci", "a\nb\nc\nd\ne\nf\ng\nh\ni"),
    "blank lines": ("\n\na  \n \n\n\n  b\n", "a\n\nb"),
    "colours": ("\x1b[1;31mred\x1b[0m \x9b32mgreen\x9b0m", "red green"),
    "terminal title": ("\x1b]0;evil\x07a\x1b]8;;https://x\x1b\\b", "ab"),
    "unfinished sequences": ("a\x1b[31", "a31"),
    "lonely escape": ("a\x1b", "a"),
    "control characters": ("a\x00b\x07c\x7fd\x9fe", "abcde"),
    "halves of characters": ("a\ud800b\udfffc", "a\ufffdb\ufffdc"),
    "right to left override": ("photo\u202egpj.exe", "photogpj.exe"),
    "isolates": ("\u2066a\u2069\u2067b", "ab"),
    "zero width": ("p\u200ba\u2060y\ufeffp\u00ada\u200dl", "paypal"),
    "blanks that are letters": ("a\u3164b\u2800c", "a b c"),
    "hidden tags": ("a\U000e0041\U000e0042b", "ab"),
    "family": ("👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥"),
    "flag of Scotland": ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!",) * 2,
    "Persian": ("\u0645\u06cc\u200c\u062e\u0648",) * 2,
    "Hindi": ("क्\u200dष", "क्\u200dष"),
    "Hebrew": ("שָׁלוֹם", "שָׁלוֹם"),
    "pile of marks": ("e" + "\u0301" * 50 + "x", "e" + "\u0301" * 4 + "x"),
    "selectors": ("a\ufe0f\ufe0e\ufe0f", "a\ufe0f"),
    "no characters": ("a\uffffb\ufdd0", "a\ufffdb\ufffd"),
    "markup": ("<b>a</b> &amp; *b*", "<b>a</b> &amp; *b*"),
    "private signs": ("\ue0b0 ok", "\ue0b0 ok"),
    "nothing": ("\u200b\n \x00", ""),
}


@pytest.mark.parametrize(("text", "expected"), LINES.values(), ids=LINES)
def test_lines_keep_what_can_be_read_and_nothing_else(text: str, expected: str) -> None:
    assert plaintext.lines(text, 100) == expected
    assert plaintext.line(text, 100) == " ".join(expected.split())


CUTS = {
    "short": ("abcdef", "abcdef"),
    "long": ("abcdefg", "abcde…"),
    "at a space": ("abcd efg", "abcd…"),
    "in an accent": ("abcde\u0301fg", "abcd…"),
    "in a family": ("abc👩\u200d👩\u200d👧", "abc…"),
    "in a skin": ("abcd👍🏽x", "abcd…"),
    "in a flag": ("abcd🇫🇷x", "abcd…"),
    "after a flag": ("abc🇫🇷xy", "abc🇫🇷…"),
    "in a flag of a country": ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "…"),
}


@pytest.mark.parametrize(("text", "expected"), CUTS.values(), ids=CUTS)
def test_text_is_cut_between_characters_as_a_reader_sees_them(text: str, expected: str) -> None:
    assert plaintext.shorten(text, 6) == expected


@given(st.text(st.characters(codec=None, categories=None)), st.integers(1, 50))
def test_any_text_becomes_safe_and_short(text: str, limit: int) -> None:
    line, lines = plaintext.line(text, limit), plaintext.lines(text, limit)
    assert is_plain(line)
    assert is_plain(lines.replace("\n", ""))
    assert len(line) <= limit
    assert len(lines) <= limit
    assert line == line.strip()
    assert not any(
        unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI", "PDI") for c in lines
    )


@given(st.text(st.characters(codec=None, categories=None)), st.integers(1, 50))
def test_safe_text_stays_as_it_is(text: str, limit: int) -> None:
    once = plaintext.lines(text, limit)
    assert plaintext.lines(once, limit) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://x.example/a.", "https://x.example/a"),
        ("(https://x.example/a)", "https://x.example/a"),
        ("https://en.example/wiki/A_(b)", "https://en.example/wiki/A_(b)"),
        ("<https://x.example>", "https://x.example"),
        ("HTTPS://X.example/!", "HTTPS://X.example/"),
        ("https://x.example and https://x.example.", "https://x.example"),
        ("https://x.example and https://y.example", None),
        ("https://good.example@evil.example", None),
        ("ftp://x.example", None),
        ("https://", None),
        ("no link", None),
    ],
)
def test_the_only_link_in_a_text_is_found(text: str, expected: str | None) -> None:
    assert plaintext.only_link_in(text) == expected


@given(st.text() | st.text("htps:/@\\.[]#?% a1").map("https://".__add__))
def test_what_is_taken_for_a_link_is_one(text: str) -> None:
    link = plaintext.link(text)
    assert link is None or (is_web_link(link) and urlsplit(link).username is None)
