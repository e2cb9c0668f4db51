"""What opens a text file, and what is said where nothing does."""

import asyncio
from pathlib import Path

import pytest

from notifier.errors import ErrandFailed
from notifier.opener import commands, open_text
from tests.notifier.programs import LASTING, Programs


@pytest.mark.parametrize(("there", "taker"), [(["xdg-open", "gio"], "xdg-open"), (["gio"], "gio")])
async def test_the_first_that_is_there_opens_it(there: list[str], taker: str, tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    for name in there:
        programs.add(name)
    file = tmp_path / "with a space.toml"
    await open_text(file, programs.environ)
    asked = programs.asked(taker)
    assert asked is not None
    assert asked[0][-1] == str(file)


async def test_one_that_fails_is_followed_by_the_next_and_then_by_a_sentence(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.add("xdg-open", code=3)
    with pytest.raises(ErrandFailed, match=r"Nothing here opens .*config\.toml"):
        await open_text(tmp_path / "config.toml", programs.environ)
    programs.add("gio")
    await open_text(tmp_path / "config.toml", programs.environ)
    assert programs.asked("gio") is not None


async def test_an_editor_that_stays_is_not_waited_for(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.add("xdg-open", lasts=True)
    async with asyncio.timeout(LASTING - 1):
        await open_text(tmp_path / "config.toml", programs.environ, taken=0.3)
        while programs.asked("xdg-open") is None:
            await asyncio.sleep(0.02)


def test_macos_brings_its_own() -> None:
    assert commands("darwin") == [["open", "-t"]]
