"""What the commands share: how they fail, and where the tokens are."""

import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

TokensFile = Annotated[
    Path | None, typer.Option("--tokens", help="File of tokens, instead of the usual one.", metavar="FILE")
]


def failed(sentence: str) -> typer.Exit:
    print(f"sse-server: {sentence}", file=sys.stderr)
    return typer.Exit(1)


def tokens_path() -> Path:
    return platformdirs.user_config_path("sse-server") / "tokens.json"
