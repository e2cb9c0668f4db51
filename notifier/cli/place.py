"""Where the program keeps its files."""

import os
import shlex
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_state_path

from notifier.configfile import ConfigFile


def config_file(path: Path | None) -> ConfigFile:
    usual = user_config_path("sse-notifier", appauthor=False) / "config.toml"
    return ConfigFile(path or usual, os.environ, option="" if path is None else f" --config {shlex.quote(str(path))}")


def state_path() -> Path:
    return user_state_path("sse-notifier", appauthor=False)


def history_path() -> Path:
    return state_path() / "history.db"


def runtime_path() -> Path:
    """For what need not outlast the login; where the system has no such place, it lasts."""
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / "sse-notifier"
    return user_cache_path("sse-notifier", appauthor=False)
