"""One line of text in, lines that fit into so many columns of a terminal out.  Pure; no styles, no escape sequences."""

import re
from collections.abc import Iterator
from unicodedata import combining, east_asian_width

_WORD = re.compile(r"\s*\S+")


def wrapped(text: str, columns: int) -> list[str]:
    """Lines that are broken between words, as wide letters of East Asia take two columns.

    A word that is wider than a line is broken within; a path or an address is not, since it is copied.
    """
    lines: list[str] = []
    line, width = "", 0
    for word in _WORD.findall(text):
        wide = columns_of(word)
        if line and width + wide > columns:
            lines.append(line)
            line, width, word = "", 0, word.lstrip()
            wide = columns_of(word)
        if not line and wide > columns and "/" not in word:
            *full, word = _chopped(word, columns)
            lines += full
            wide = columns_of(word)
        line, width = line + word, width + wide
    return [*lines, line] if line or not lines else lines


def columns_of(text: str) -> int:
    """How many columns it takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(letter: str) -> int:
    if combining(letter):
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


def _chopped(word: str, columns: int) -> Iterator[str]:
    """Pieces of at most `columns`, or of one letter."""
    piece, width = "", 0
    for letter in word:
        wide = _width(letter)
        if piece and width + wide > columns:
            yield piece
            piece, width = "", 0
        piece, width = piece + letter, width + wide
    yield piece
