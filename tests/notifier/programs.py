"""Programs of a desktop that write down what they were asked for."""

import os
import sys
from pathlib import Path

LASTING = 15.0
"""Seconds that a program stays which does not end at once."""


class Programs:
    """A PATH of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "bin"
        self._directory.mkdir()
        self.environ = {**os.environ, "PATH": str(self._directory)}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            self.environ.pop(name, None)

    def add(self, name: str, *, code: int = 0, lasts: bool = False) -> None:
        """A program that notes its arguments and what it reads, and then ends, or stays."""
        script = self._directory / name
        notes = self._directory / f"{name}.notes"
        wait = f"import time; time.sleep({LASTING})" if lasts else ""
        script.write_text(
            f"#!{sys.executable}\nimport os, sys\n"
            f"data = sys.stdin.buffer.read()\n"
            f"new = {str(notes)!r} + f'.{{os.getpid()}}'\n"  # some are asked several times at once
            f"with open(new, 'wb') as notes: "
            f"notes.write('\\n'.join(sys.argv[1:]).encode() + b'\\0' + data)\n"
            f"os.rename(new, {str(notes)!r})\n{wait}\nsys.exit({code})\n"
        )
        script.chmod(0o755)

    def remove(self, name: str) -> None:
        """The program, and what it was asked."""
        for file in (self._directory / name, self._directory / f"{name}.notes"):
            file.unlink(missing_ok=True)

    def asked(self, name: str) -> tuple[list[str], bytes] | None:
        """The arguments and the input of the program; None if it was not asked."""
        notes = self._directory / f"{name}.notes"
        if not notes.exists():
            return None
        arguments, _, data = notes.read_bytes().partition(b"\0")
        return arguments.decode().splitlines(), data
