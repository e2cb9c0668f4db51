"""What the menu offers and the agent cannot do, with programs that write down what they were asked for."""

import asyncio
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from notifier.autostart import choose
from notifier.configfile import ConfigFile
from notifier.entry import State
from notifier.errands import Errands
from notifier.errors import AutostartFailed, ErrandFailed, LinkFailed
from notifier.history import Row
from notifier.historypage import ROWS_LIMIT
from notifier.notification import Notification
from notifier.source import ReadyState
from notifier.status import Command, Status, StreamStatus, Verb
from tests.notifier.programs import Programs

STATUS = Status((StreamStatus("ci", ReadyState.CLOSED, "the server answered 401"),))


class Place:
    """Errands in a home of their own."""

    def __init__(self, directory: Path) -> None:
        self.programs = Programs(directory)
        home = {"HOME": str(directory), "XDG_CONFIG_HOME": str(directory / "config"), "DISPLAY": ":0"}
        environ = self.programs.environ | home
        self.file = ConfigFile(directory / "config" / "config.toml", environ)
        self.runtime = directory / "run" / "sse-notifier"
        self.autostart = choose(environ, [sys.executable], platform="linux")
        self.errands = Errands(self.file, self.history, self.runtime, self.autostart, environ)

    def history(self, limit: int, stream: str | None) -> Sequence[Row]:
        told = Notification(stream=stream or "ci", title="<b>", link="https://a.example/")
        return [Row(id=1, notification=told, event_type="", event_id=None, received=0.0, state=State.SHOWN)]

    async def do(self, verb: Verb, **fields: object) -> Notification | None:
        return await self.errands.table()[verb](Command(verb, **fields), STATUS)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_the_history_is_a_page_that_only_the_person_can_read(place: Place) -> None:
    place.programs.add("spy-browser")
    environ = place.programs.environ | {"BROWSER": "spy-browser"}
    errands = Errands(place.file, place.history, place.runtime, None, environ)
    for _ in range(2):
        assert await errands.table()[Verb.HISTORY](Command(Verb.HISTORY), STATUS) is None
    page = place.runtime / "history.html"
    assert "&lt;b&gt;" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.runtime.stat().st_mode) == 0o700
    assert [found.name for found in place.runtime.iterdir()] == ["history.html"]
    asked = place.programs.asked("spy-browser")
    assert asked is not None
    assert asked[0] == [page.as_uri()]


async def test_clicks_that_come_together_are_all_shown_the_history(place: Place) -> None:
    place.programs.add("spy-browser")
    environ = place.programs.environ | {"BROWSER": "spy-browser"}
    errands = Errands(place.file, lambda *_: list(place.history(1, None)) * ROWS_LIMIT, place.runtime, None, environ)
    show = errands.table()[Verb.HISTORY]
    clicks = [show(Command(Verb.HISTORY), STATUS) for _ in range(8)]
    assert await asyncio.gather(*clicks) == [None] * 8


async def test_a_trap_in_the_place_of_the_page_is_not_followed(place: Place, tmp_path: Path) -> None:
    place.programs.add("spy-browser")
    place.runtime.mkdir(parents=True)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("history.html", "history.new"):
        (place.runtime / name).symlink_to(precious)
    environ = place.programs.environ | {"BROWSER": "spy-browser"}
    errands = Errands(place.file, place.history, place.runtime, None, environ)
    await errands.table()[Verb.HISTORY](Command(Verb.HISTORY), STATUS)
    assert precious.read_text() == "mine"


async def test_where_the_history_cannot_be_shown_it_says_why(place: Place, tmp_path: Path) -> None:
    with pytest.raises(LinkFailed, match="No browser"):
        await place.do(Verb.HISTORY)
    (tmp_path / "run" / "sse-notifier" / "history.html").unlink()
    (tmp_path / "run" / "sse-notifier").rmdir()
    (tmp_path / "run" / "sse-notifier").write_text("in the way")
    with pytest.raises(ErrandFailed, match=r"history.html cannot be written \(.+\)"):
        await place.do(Verb.HISTORY)


async def test_the_configuration_is_opened_and_made_first_where_there_is_none(place: Place) -> None:
    place.programs.add("xdg-open")
    await place.do(Verb.EDIT)
    assert "[[streams]]" in place.file.path.read_text()
    asked = place.programs.asked("xdg-open")
    assert asked is not None
    assert asked[0] == [str(place.file.path)]
    place.file.path.write_text("# mine")
    await place.do(Verb.EDIT)
    assert place.file.path.read_text() == "# mine"


async def test_an_error_is_copied_or_told_where_nothing_can_copy(place: Place) -> None:
    told = await place.do(Verb.COPY_ERROR, stream="ci")
    assert told is not None
    assert told.title.startswith("Nothing here can copy text: install")
    assert told.body == "the server answered 401"
    place.programs.add("xclip")
    assert await place.do(Verb.COPY_ERROR, stream="ci") is None
    assert place.programs.asked("xclip") == (["-selection", "clipboard"], b"ci: the server answered 401")
    assert await place.do(Verb.COPY_ERROR, stream="gone meanwhile") is None


async def test_start_at_login_is_switched_and_seen_again(place: Place) -> None:
    seen = [place.errands.starts_at_login]
    await place.do(Verb.AUTOSTART, on=True)
    seen.append(place.errands.starts_at_login)
    await place.autostart.switch(on=False)  # by the command line, say
    place.errands.look()
    assert [*seen, place.errands.starts_at_login] == [False, True, False]


async def test_an_entry_that_cannot_be_read_ends_nothing_and_is_seen_once_it_can(place: Place, tmp_path: Path) -> None:
    (tmp_path / "config/autostart/sse-notifier.desktop").mkdir(parents=True)
    errands = Errands(place.file, place.history, place.runtime, place.autostart, place.programs.environ)
    assert errands.starts_at_login is None
    with pytest.raises(AutostartFailed, match="cannot be written"):
        await errands.table()[Verb.AUTOSTART](Command(Verb.AUTOSTART, on=True), STATUS)
    (tmp_path / "config/autostart/sse-notifier.desktop").rmdir()
    errands.look()
    assert errands.starts_at_login is False


def test_where_it_would_start_something_else_it_cannot_be_known(place: Place) -> None:
    errands = Errands(place.file, place.history, place.runtime, None, place.programs.environ)
    assert errands.starts_at_login is None


async def test_about_tells_version_and_places(place: Place) -> None:
    about = await place.do(Verb.ABOUT)
    assert about is not None
    assert about.title.startswith("sse-notifier ")
    assert str(place.file.path) in about.body
