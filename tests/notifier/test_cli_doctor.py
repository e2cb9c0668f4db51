"""`sse-notifier doctor` as a person types it, on a machine without a desktop: what persons and programs read."""

import json
import os
import re
import time
from pathlib import Path

from notifier.store import Store
from tests.notifier.loopback import OK, Act, loopback
from tests.notifier.test_cli import command

PRINTED = """
This machine
  ✓ sse-notifier VERSIONS
    PACKAGES
  ! there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set
    notifications are shown in the terminal
    → start it in a desktop session
  ✗ there is no session bus
    bubbles and the tray icon both need one
    → start it in a desktop session, or with dbus-run-session (Debian package dbus)
  ✗ the configuration has a mistake
    config.toml:6: url is no http:// or https:// URL
    → mend it; sse-notifier config check tells all (in order, and looked at below: 1 stream)
  ✗ The history HOME/.local/state/sse-notifier/history.db cannot be read because it is damaged; \
the next start of the program will move it aside
    what cannot be kept in it is kept in memory, and gone with the program
    → start the program; it moves a damaged history aside and begins a new one
  ✓ it does not start at login (sse-notifier autostart on)
  ✓ the clock is plausible; streams tell more
  ✓ the environment names no proxy

Streams, each looked at for 0.5 s
  ✓ ci: its events have IDs: it is asked for what comes while it is away
    one ID alone does not tell whether they begin anew on each connection; --for 2m may

3 things are wrong
"""


def spoil(home: Path) -> Path:
    """A history that is no database any more; its place."""
    place = home / ".local" / "state" / "sse-notifier" / "history.db"
    place.parent.mkdir(parents=True)
    Store(place, clock=time.time, tell=print).close()
    place.write_bytes(b"no database at all" * 100)
    return place


def configure(home: Path, url: str, *, is_right: bool) -> Path:
    config = home / "config.toml"
    mistake = "" if is_right else '\n[[streams]]\nurl = "https://"\n'
    config.write_text(f'[[streams]]\nurl = "{url}"\nname = "ci"\n{mistake}')
    return config


async def test_what_a_person_reads(tmp_path: Path) -> None:
    place = spoil(tmp_path)
    before = place.read_bytes()
    async with loopback([OK, b"id: 1\ndata: hello\n\n", Act.HANG]) as server:
        config = configure(tmp_path, server.url, is_right=False)
        async with command(tmp_path, "doctor", "--seconds", "0.5", "--config", str(config)) as tool:
            code, out, errors = await tool.result()
    out = re.sub(r"sse-notifier \d.*\n    aiohttp .*", "sse-notifier VERSIONS\n    PACKAGES", out)
    assert out.replace(str(tmp_path), "HOME") == PRINTED
    assert (code, errors) == (1, "")
    assert place.read_bytes() == before, "it looks, and changes nothing"


async def test_what_programs_read(tmp_path: Path) -> None:
    spoil(tmp_path)
    async with loopback([OK, b"id: 1\ndata: hello\n\n", Act.HANG]) as server:
        config = configure(tmp_path, server.url, is_right=True)
        words = ("doctor", "--json", "--seconds", "0.5", "--config", str(config))
        async with command(tmp_path, *words) as tool:
            code, out, errors = await tool.result()
    assert (code, errors) == (1, "")
    told = json.loads(out)
    assert (set(told), told["version"]) == ({"version", "findings"}, 1)
    assert {tuple(finding) for finding in told["findings"]} == {("stream", "level", "topic", "what", "why", "todo")}
    assert {(finding["topic"], finding["level"], finding["stream"]) for finding in told["findings"]} == {
        ("versions", "fine", None),
        ("display", "note", None),
        ("bus", "wrong", None),
        ("configuration", "fine", None),
        ("history", "wrong", None),
        ("autostart", "fine", None),
        ("clock", "fine", None),
        ("proxy", "fine", None),
        ("resume", "fine", "ci"),
    }


async def test_a_stream_of_a_kind_of_one_s_own_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.toml").write_text('name = "mine"\ntitle = "Mine"\n')
    async with loopback([OK, b"id: 1\ndata: hello\n\n", Act.HANG]) as server:
        config = tmp_path / "config.toml"
        config.write_text(f'[[streams]]\nurl = "{server.url}"\nname = "ci"\npreset = "mine"\n')
        async with command(tmp_path, "doctor", "--seconds", "0.5", "--config", str(config)) as tool:
            _code, out, errors = await tool.result()
    assert "✓ ci: its events have IDs" in out
    assert errors == ""


async def test_a_home_that_does_not_answer_keeps_nobody(tmp_path: Path) -> None:
    """A pipe that nobody writes to: to open it takes as long as to open a file on a drive that is away."""
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    began = time.monotonic()
    async with command(tmp_path, "doctor", "--config", str(pipe)) as tool:
        code, out, errors = await tool.result()
    assert time.monotonic() - began < 20
    assert f"✗ {pipe} does not answer" in out
    assert "✓ there is no history yet" in out
    assert (code, errors) == (1, "")
