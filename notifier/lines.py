"""The text of a TOML file in, the line of each of its keys out.  Pure.

It reads no values and checks nothing: the text is one that `tomllib` has taken.  Follows TOML 1.0 (and the line
breaks in inline tables of 1.1).
"""

import re
import tomllib
from bisect import bisect_right

Path = tuple[str | int, ...]
"""Keys, and places in arrays counted from 0: ``("streams", 1, "tls", "ca")``."""

SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
BARE = re.compile(r"[A-Za-z0-9_-]+")
STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
SCALAR = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> dict[Path, int]:
    """The line, counted from 1, on which each table, key and element of an array first begins."""
    return _Reader(text).read()


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of the innermost table or key on the way to `path` that the text has."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}

    def read(self) -> dict[Path, int]:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._take("[["):
                table = self._header(is_array=True)
                self._take("]]")
            elif self._take("["):
                table = self._header(is_array=False)
                self._take("]")
            else:
                self._pair(table)
            self._skip()
        return self._lines

    def _header(self, *, is_array: bool) -> Path:
        self._skip()
        start = self._at
        *parents, last = self._key()
        path: Path = ()
        for part in parents:
            path = self._enter((*path, part), start)
        path = (*path, last)
        if not is_array:
            self._note(path, start)
            return path
        self._note(path, start)
        index = self._lengths.get(path, 0)
        self._lengths[path] = index + 1
        path = (*path, index)
        self._note(path, start)
        return path

    def _enter(self, path: Path, start: int) -> Path:
        self._note(path, start)
        # `[streams.tls]` means the last of the streams.
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path, start)
        self._take("=")
        self._skip()
        self._value(path)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip()
            if quoted := STRING.match(self._text, self._at):
                parts.append(next(iter(tomllib.loads(f"{quoted[0]} = 0"))))
                self._at = quoted.end()
            else:
                bare = BARE.match(self._text, self._at)
                assert bare is not None, "tomllib has taken this text"
                parts.append(bare[0])
                self._at = bare.end()
            self._skip()
            if not self._take("."):
                return parts

    def _value(self, path: Path) -> None:
        if self._take("["):
            index = 0
            while not self._ends("]"):
                self._note((*path, index), self._at)
                self._value((*path, index))
                index += 1
        elif self._take("{"):
            while not self._ends("}"):
                self._pair(path)
        else:
            found = STRING.match(self._text, self._at) or SCALAR.match(self._text, self._at)
            assert found is not None, "it matches nothing at all too"
            self._at = found.end()

    def _ends(self, bracket: str) -> bool:
        self._skip()
        self._take(",")
        self._skip()
        return self._take(bracket)

    def _take(self, token: str) -> bool:
        if taken := self._text.startswith(token, self._at):
            self._at += len(token)
        return taken

    def _skip(self) -> None:
        space = SPACE.match(self._text, self._at)
        assert space is not None, "it matches nothing at all too"
        self._at = space.end()

    def _note(self, path: Path, at: int) -> None:
        self._lines.setdefault(path, bisect_right(self._breaks, at) + 1)
