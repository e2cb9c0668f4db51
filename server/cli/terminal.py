"""What the commands share: where they print, how they fail, and where the tokens are."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

TokensFile = Annotated[
    Path | None, typer.Option("--tokens", help="File of tokens, instead of the usual one.", metavar="FILE")
]


class OutputFailed(Exception):
    """Standard output cannot be written; one sentence for a person."""


class NobodyReads(OutputFailed):
    """Whoever read it has enough; to most commands that is no failure."""


class Output(io.TextIOWrapper):
    """Standard output that fails as such, so that nobody takes it for a trouble of the network.

    Raises:
        OutputFailed: it cannot be written.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._gone(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> OutputFailed:
        # Python would flush what is left at exit, and complain (docs: "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        kind = NobodyReads if isinstance(error, BrokenPipeError) else OutputFailed
        return kind(f"the output cannot be written: {error.strerror}")


def claim_output() -> None:
    """Make standard output an `Output`, which prints what the terminal does not know in another way."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        encoding, is_terminal = sys.stdout.encoding, sys.stdout.line_buffering
        sys.stdout = Output(sys.stdout.detach(), encoding, "backslashreplace", line_buffering=is_terminal)


def failed(sentence: str) -> typer.Exit:
    print(f"sse-server: {sentence}", file=sys.stderr)
    return typer.Exit(1)


def tokens_path() -> Path:
    return platformdirs.user_config_path("sse-server") / "tokens.json"
