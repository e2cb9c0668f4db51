"""Where files lie."""

from pathlib import Path

import pytest

from notifier.cli.place import page_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


def test_a_page_lies_where_a_browser_that_is_a_snap_may_read_it(home: Path) -> None:
    snaps = home / "bin"
    snaps.mkdir()
    assert page_path(snaps) == home / "run" / "sse-notifier"
    (snaps / "chromium").touch()
    assert page_path(snaps) == home / "run" / "sse-notifier", "it was never started, so it has no place yet"
    own = home / "snap" / "chromium" / "common"
    own.mkdir(parents=True)
    assert page_path(snaps) == own / "sse-notifier"


def test_without_a_runtime_directory_a_page_lies_in_the_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    assert page_path(home / "bin") == home / "cache" / "sse-notifier"
