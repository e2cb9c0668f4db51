"""A link opens in the person's browser, and nothing else does."""

import asyncio
import os
from pathlib import Path

import pytest

from notifier.desktop.link import open_link
from notifier.errors import LinkFailed

HOSTILE = "https://ci.example/b?q=$(touch%20x)&a='\";touch${IFS}y;%s#-x"


def browser(folder: Path, script: str) -> dict[str, str]:
    """An environment whose browser is this shell script."""
    program = folder / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "BROWSER": f"{program} %s"}


async def test_the_browser_of_the_person_gets_the_link_as_it_is(tmp_path: Path) -> None:
    environ = browser(tmp_path, f'printf "%s" "$#:$1" >"{tmp_path}/url"')
    await open_link(HOSTILE, environ)
    assert (tmp_path / "url").read_text() == f"1:{HOSTILE}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["browser", "url"]


async def test_what_the_browser_prints_stays_out_of_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await open_link("https://ci.example/", browser(tmp_path, "echo noise; echo more noise >&2"))
    assert capfd.readouterr() == ("", "")


async def test_a_browser_that_fails_is_told_without_the_link(tmp_path: Path) -> None:
    with pytest.raises(LinkFailed, match="No browser opened the link") as failure:
        # Without a PATH the standard library finds no other browser to try.
        await open_link("https://ci.example/?token=secret", browser(tmp_path, "exit 1") | {"PATH": "/nonexistent"})
    assert "secret" not in str(failure.value)


async def test_a_browser_that_stays_is_neither_waited_for_nor_ended(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    environ = browser(tmp_path, f'read line <"{fifo}"; echo "$line" >"{tmp_path}/after"')
    await open_link("https://ci.example/", environ, taken=0.5)
    async with asyncio.timeout(8):
        await asyncio.to_thread(fifo.write_text, "still here\n")  # blocks until the browser reads
        while not (tmp_path / "after").exists() or not (tmp_path / "after").read_text():
            await asyncio.sleep(0.02)
    assert (tmp_path / "after").read_text() == "still here\n"


async def test_the_browser_gets_the_token_of_the_click_and_never_an_old_one(tmp_path: Path) -> None:
    environ = browser(tmp_path, f'echo "$XDG_ACTIVATION_TOKEN,$DESKTOP_STARTUP_ID" >>"{tmp_path}/tokens"')
    started = environ | {"XDG_ACTIVATION_TOKEN": "of our own start", "DESKTOP_STARTUP_ID": "of our own start"}
    for token in ("click 7", "", "x" * 5000):
        await open_link("https://ci.example/", started, token)
    assert (tmp_path / "tokens").read_text().splitlines() == ["click 7,click 7", ",", ","]


async def test_the_loop_goes_on_while_the_browser_starts(tmp_path: Path) -> None:
    environ = browser(tmp_path, f'while [ ! -e "{tmp_path}/go" ]; do sleep 0.05; done')
    opening = asyncio.create_task(open_link("https://ci.example/", environ))
    await asyncio.sleep(0)
    (tmp_path / "go").touch()
    await opening


@pytest.mark.parametrize("url", ["file:///etc/passwd", "javascript:alert(1)", "-h", "https://", "https://a b/"])
async def test_only_the_web_is_opened(url: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await open_link(url, browser(tmp_path, f'touch "{tmp_path}/opened"'))
    assert not (tmp_path / "opened").exists()
