"""Where the program keeps its files."""

import os
import shlex
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_state_path

from notifier.configfile import ConfigFile

SNAPS = ("firefox", "chromium", "brave", "opera", "vivaldi")
"""Browsers that may be Snaps, Ubuntu's own first."""


def config_file(path: Path | None) -> ConfigFile:
    usual = user_config_path("sse-notifier", appauthor=False) / "config.toml"
    return ConfigFile(path or usual, os.environ, option="" if path is None else f" --config {shlex.quote(str(path))}")


def state_path() -> Path:
    return user_state_path("sse-notifier", appauthor=False)


def history_path() -> Path:
    return state_path() / "history.db"


def page_path(snaps: Path = Path("/snap/bin")) -> Path:
    """For pages that the browser is to show: they need not outlast the login, but where the system has no such place.

    A browser that is a Snap, as Ubuntu's is, reads nothing there, but what lies in its own part of the home directory.
    """
    for name in SNAPS:
        own = Path.home() / "snap" / name / "common"
        if (snaps / name).exists() and own.is_dir():
            return own / "sse-notifier"
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "sse-notifier"
    return user_cache_path("sse-notifier", appauthor=False)
