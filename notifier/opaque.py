"""A part of an address in, whether it looks like a secret out; and a path without such parts.  Pure.

It guesses by the shape: what somebody named reads as a few words, what a machine drew changes between capitals, small
letters and digits all the time.  A secret of small letters alone is not seen.
"""

import re

SHORTEST = 16
"""Characters; who could guess a shorter one needs no address bar."""
LONGEST_WORDS = 3.0
"""Characters on average, above which the parts are words."""
MOST_WORDS = 5
"""Parts that a name may have, however short they are."""
HIDDEN = "…"

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SEPARATOR = re.compile(r"[-._~]")
_PLAIN = re.compile(r"[A-Za-z0-9._~+=%-]+")


def is_opaque(text: str) -> bool:
    """Whether a machine seems to have drawn it."""
    if len(text) < SHORTEST or not _PLAIN.fullmatch(text):
        return False
    return any(map(_is_drawn, [text, *(part for part in _SEPARATOR.split(text) if len(part) >= SHORTEST)]))


def masked(path: str) -> str:
    """The path, with `HIDDEN` for each part that looks like a secret."""
    return "/".join(HIDDEN if is_opaque(part) else part for part in path.split("/"))


def _is_drawn(text: str) -> bool:
    words = _WORD.findall(text)
    return len(words) > MOST_WORDS and sum(map(len, words)) / len(words) < LONGEST_WORDS
