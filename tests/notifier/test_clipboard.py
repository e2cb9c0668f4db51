"""What may copy a text, and what is said where nothing can."""

from pathlib import Path

import pytest

from notifier.clipboard import commands, copy
from notifier.errors import ErrandFailed
from tests.notifier.programs import Programs

TEXT = "ci: the server answered 401 — „ünïcode“"


@pytest.mark.parametrize(
    ("session", "there", "taker"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, ["wl-copy", "xclip"], "wl-copy"),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, ["xclip", "xsel"], "xclip"),
        ({"DISPLAY": ":0"}, ["wl-copy", "xclip"], "xclip"),
        ({"DISPLAY": ":0"}, ["wl-copy", "xsel"], "xsel"),
    ],
)
async def test_the_first_that_fits_the_session_takes_the_text(
    session: dict[str, str], there: list[str], taker: str, tmp_path: Path
) -> None:
    programs = Programs(tmp_path)
    for name in there:
        programs.add(name)
    await copy(TEXT, programs.environ | session)
    assert {name for name in there if programs.asked(name)} == {taker}
    asked = programs.asked(taker)
    assert asked is not None
    assert asked[1].decode() == TEXT


async def test_one_that_fails_is_followed_by_the_next(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.add("xclip", code=1)
    programs.add("xsel")
    await copy(TEXT, programs.environ | {"DISPLAY": ":0"})
    assert programs.asked("xsel") is not None


@pytest.mark.parametrize(
    ("session", "fails", "sentence"),
    [({"DISPLAY": ":0"}, False, "install"), ({}, True, "install"), ({"DISPLAY": ":0"}, True, "did not take")],
)
async def test_where_nothing_can_it_says_what_to_do(
    session: dict[str, str], fails: bool, sentence: str, tmp_path: Path
) -> None:
    programs = Programs(tmp_path)
    if fails:
        programs.add("xclip", code=1)
    with pytest.raises(ErrandFailed, match=sentence):
        await copy(TEXT, programs.environ | session)


def test_windows_and_macos_bring_their_own() -> None:
    assert list(commands({}, "win32")) == [("clip",)]
    assert list(commands({}, "darwin")) == [("pbcopy",)]
