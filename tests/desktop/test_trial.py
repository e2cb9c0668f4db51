"""`sse-notifier test`: one bubble of each kind, for real, and what it says of each."""

import asyncio
import sys
from pathlib import Path

import pytest

from notifier.desktop.trial import Trial, kinds, open_desktop, replaced
from notifier.errors import BubbleFailed, UsageError
from tests.desktop.notifications import Person
from tests.desktop.rig import Piece, Rig, eventually


async def run(rig: Rig, tmp_path: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "notifier", "test", *arguments,
        env=rig.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_each_kind_is_shown_and_it_says_so(rig: Rig, dunst: Piece, tmp_path: Path) -> None:
    process = await run(rig, tmp_path, "--wait", "0")
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    head, *told = out.decode().splitlines()
    assert head.startswith("Bubbles are shown by dunst 1.")
    titles = [each.title for each in kinds()] + [each.title for pair in replaced() for each in pair] + ["Taken back"]
    assert told == [f"{title}: shown" for title in titles]
    assert rig.bubbles() + int(rig.run("dunstctl", "count", "waiting")) == len(titles) - 2
    rig.screenshot("bubbles-test")


async def test_what_the_person_does_comes_back(rig: Rig, dunst: Piece) -> None:
    told: list[str] = []
    trial = Trial(told.append)
    desktop, complaint = await open_desktop("dbus", rig.environ, trial, print)
    assert complaint is None
    running = asyncio.create_task(trial.run(desktop, 8.0))
    await eventually("all were shown", lambda: "Taken back: shown" in told)
    rig.choose("Yes")
    await eventually("the button came back", lambda: "With buttons: the button Yes" in told)
    while not running.done():
        rig.run("dunstctl", "close-all")
        await asyncio.sleep(0.05)
    await running
    assert "Low urgency: closed by you" in told
    assert trial.failed == []
    await desktop.close()


@pytest.mark.usefixtures("no_daemon")
async def test_what_fails_is_told_and_the_exit_code_says_so(rig: Rig, tmp_path: Path) -> None:
    process = await run(rig, tmp_path, "--backend", "dbus")
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"sse-notifier: No notification daemon answers on the session bus")


async def test_the_terminal_shows_them_too(rig: Rig, tmp_path: Path) -> None:
    process = await run(rig, tmp_path, "--backend", "terminal", "--wait", "600")
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.startswith(b"Bubbles are shown by this terminal, where they cannot be clicked.\n")
    assert "42 %" in out.decode()
    assert "Yes: https://example.org/yes" in out.decode()


async def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    with pytest.raises(BubbleFailed, match="needs the package desktop-notifier in the environment"):
        await open_desktop("native", {}, Person(), print)


@pytest.mark.usefixtures("no_daemon")
async def test_a_desktop_that_shows_nothing_is_let_go_of(rig: Rig) -> None:
    before = open_files()
    with pytest.raises(BubbleFailed):
        await open_desktop("dbus", rig.environ, Person(), print)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_another_backend_is_refused() -> None:
    with pytest.raises(UsageError, match="a backend is one of dbus, portal, native, plyer, terminal"):
        await open_desktop("growl", {}, Person(), print)
    with pytest.raises(UsageError, match="needs a session bus"):
        await open_desktop("portal", {}, Person(), print)
