"""The configuration file on a real disk: read, written once, watched, locked."""

import asyncio
import contextlib
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from notifier import config
from notifier.config import Config
from notifier.configfile import LIMIT, ConfigFile
from notifier.errors import AlreadyRunning, ConfigurationBroken, UsageError

ONE = '[[streams]]\nurl = "https://a.example/"\nname = "one"\n'
TWO = ONE + '[[streams]]\nurl = "https://b.example/"\nname = "two"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sse" / "config.toml"


def test_the_starter_is_written_for_its_owner_alone_and_is_a_configuration(path: Path) -> None:
    file = ConfigFile(path, {})
    file.create()
    assert file.read() == Config()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_line_of_the_starter_can_be_used(path: Path) -> None:
    ConfigFile(path, {}).create()
    lines = [line.removeprefix("# ") for line in path.read_text().splitlines()]
    settings = [line for line in lines if line.startswith("[") or " = " in line.split("#")[0]]
    text = "\n".join(line for line in settings if not line.startswith("{"))
    assert len(config.parse(text, {"HOME": "/home/ann"}).streams) == 3


def test_a_file_that_is_there_is_never_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(ONE)
    with pytest.raises(UsageError, match="is there already, and stays as it is"):
        ConfigFile(path, {}).create()
    assert path.read_text() == ONE


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/config.toml cannot be written \((Not a directory|File exists)\)"):
        ConfigFile(tmp_path / "file" / "config.toml", {}).create()


def test_a_missing_file_says_how_to_begin(path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*config.toml yet; .* sse-notifier config init"):
        ConfigFile(path, {}).read()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (ONE.encode("utf-16"), "config.toml:1: this is not UTF-8"),
        (b'a = "b"\n# caf\xe9\n', "config.toml:2: this is not UTF-8"),
        (b"#" * (LIMIT + 1), "config.toml: is larger than 1,048,576 bytes"),
    ],
)
def test_what_is_no_text_file_is_refused(path: Path, data: bytes, sentence: str) -> None:
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(ConfigurationBroken, match=sentence):
        ConfigFile(path, {}).read()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        ConfigFile(tmp_path, {}).read()


def test_a_byte_order_mark_and_windows_line_endings_are_taken(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    assert [stream.name for stream in ConfigFile(path, {}).read().streams] == ["one"]


def test_the_environment_and_the_place_of_the_file_count(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(ONE + 'tls.ca = "${NAME}.pem"')
    (stream,) = ConfigFile(path, {"NAME": "ours"}).read().streams
    assert stream.tls.ca == str(path.parent / "ours.pem")


@pytest.mark.parametrize(
    ("preset", "sentence"),
    [("ntfi", "config.toml:4: preset 'ntfi' is not known; did you mean ntfy?"), ("xyz", "there are .*ntfy")],
)
def test_a_preset_that_nobody_knows_is_a_mistake(path: Path, preset: str, sentence: str) -> None:
    path.parent.mkdir()
    path.write_text(f'{ONE}preset = "{preset}"')
    with pytest.raises(ConfigurationBroken, match=sentence):
        ConfigFile(path, {}).read()


@pytest.mark.parametrize("preset", ["auto", "generic", "ntfy"])
def test_a_preset_that_is_known_is_taken(path: Path, preset: str) -> None:
    path.parent.mkdir()
    path.write_text(f'{ONE}preset = "{preset}"')
    assert ConfigFile(path, {}).read().streams[0].preset == preset


# Saves.


@dataclass
class Watched:
    """What following a file told."""

    path: Path
    told: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def taken(self, config: Config) -> None:
        self.note(" ".join(stream.name for stream in config.streams) or "nothing")

    def refused(self, error: ConfigurationBroken) -> None:
        self.note(f"refused {len(error.problems)}")

    def note(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    async def hears(self, *told: str) -> None:
        while self.told != list(told):
            assert self.told == list(told[: len(self.told)])
            self.changed.clear()
            await self.changed.wait()


@contextlib.asynccontextmanager
async def followed(path: Path) -> AsyncIterator[Watched]:
    """Looked at so often that a test need not wait."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_text(ONE)
    file = ConfigFile(path, {}, interval=0.05)
    watched = Watched(path)
    task = asyncio.create_task(file.follow(file.read(), watched.taken, watched.refused))
    try:
        yield watched
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def replaced(path: Path, text: str) -> None:
    """As careful editors save."""
    new = path.with_name(".config.toml.swp")
    new.write_text(text)
    new.replace(path)


async def test_a_save_is_noticed_however_the_editor_does_it(path: Path) -> None:
    async with followed(path) as watched:
        path.write_text(TWO)
        await watched.hears("one two")
        replaced(path, ONE)
        await watched.hears("one two", "one")
        path.rename(path.with_name("config.toml~"))
        path.write_text(TWO)
        await watched.hears("one two", "one", "one two")


async def test_a_broken_save_is_refused_once_and_the_next_good_one_is_taken(path: Path) -> None:
    async with followed(path) as watched:
        path.write_text(ONE + "idle_timout = 3\nfoo = 1")
        await watched.hears("refused 2")
        path.write_text(ONE + "idle_timeout = 3")
        await watched.hears("refused 2", "one")


async def test_a_broken_save_that_is_taken_back_is_told_to_be_in_order(path: Path) -> None:
    async with followed(path) as watched:
        path.write_text("x")
        await watched.hears("refused 1")
        path.write_text(ONE)
        await watched.hears("refused 1", "one")


async def test_a_save_that_changes_nothing_is_not_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "notifier")
    async with followed(path) as watched:
        path.write_text(TWO)
        await watched.hears("one two")
        caplog.clear()
        path.write_text("# a comment\n" + TWO)
        path.with_name("other.toml").write_text("x")
        while "says the same as before" not in caplog.text:
            await asyncio.sleep(0.01)
        path.unlink()
        replaced(path, ONE)
        await watched.hears("one two", "one")


async def test_a_file_that_goes_with_its_directory_changes_nothing_until_it_comes_back(path: Path) -> None:
    async with followed(path) as watched:
        path.unlink()
        path.parent.rename(path.parent.with_name("away"))
        path.parent.mkdir()
        path.write_text(TWO)
        await watched.hears("one two")


async def test_a_save_of_the_file_behind_a_link_is_noticed(path: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "sse.toml").write_text(ONE)
    (dotfiles / "other.toml").write_text(ONE)
    path.parent.mkdir()
    path.symlink_to(dotfiles / "sse.toml")
    async with followed(path) as watched:
        (dotfiles / "sse.toml").write_text(TWO)
        await watched.hears("one two")
        path.unlink()
        path.symlink_to(dotfiles / "other.toml")
        await watched.hears("one two", "one")
        (dotfiles / "other.toml").write_text(TWO)
        await watched.hears("one two", "one", "one two")


# One program.

HOLD = """
import sys
from pathlib import Path
from notifier.configfile import ConfigFile
with ConfigFile(Path(sys.argv[1]), {}).locked(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_program(path: Path, locks: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(locks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_program_is_told_which_one_is_the_first(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    path.parent.mkdir()
    path.write_text(ONE)
    link.symlink_to(path)
    locks = tmp_path / "locks"
    with another_program(path, locks) as process:
        for same in (path, link):
            told = rf"running already with .* \(process {process.pid}\)$"
            with pytest.raises(AlreadyRunning, match=told), ConfigFile(same, {}).locked(locks):
                raise AssertionError("it is not ours")
        with ConfigFile(tmp_path / "other.toml", {}).locked(locks):
            pass


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_the_lock_ends_with_its_program_however_that_ends(
    path: Path, tmp_path: Path, end: signal.Signals | None
) -> None:
    with another_program(path, tmp_path) as process:
        if end is None:
            assert process.stdin is not None
            process.stdin.close()
        else:
            process.send_signal(end)
        process.wait()
        with ConfigFile(path, {}).locked(tmp_path):
            pass


def test_without_a_place_for_locks_the_program_goes_on_and_says_so(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with ConfigFile(path, {}).locked(tmp_path / "file" / "locks"):
        pass
    assert "two programs may follow" in caplog.text


BLOCK = '[[streams]]\nurl = "https://b.example/events"\nname = "B"\nbearer = "${B_TOKEN}"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# mine\n\n[defaults]\nidle_timeout = 90  # short\n",
        '[[streams]]\nurl = "https://a.example/"\n[streams.headers]\nX-Team = "web"',
        '[[streams]]\r\nurl = "https://a.example/"\r\n',
    ],
)
def test_a_stream_is_added_at_the_end_and_all_else_stays_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode())
    path.chmod(0o640)
    ConfigFile(path, {}).add(BLOCK, "B", {"B_TOKEN": "x"})
    added = path.read_bytes().decode()
    assert added.startswith(text)
    assert ConfigFile(path, {"B_TOKEN": "x"}).read().streams[-1].name == "B"
    assert ("\r\n" in text) == ("\r\n" in added)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]


def test_a_missing_file_is_made_with_the_stream_in_it_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    ConfigFile(path, {}).add(BLOCK, "B", {"B_TOKEN": "x"})
    assert [stream.name for stream in ConfigFile(path, {"B_TOKEN": "x"}).read().streams] == ["B"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [BLOCK, "streams = []\n", "this is no TOML"])
def test_where_it_cannot_be_added_the_file_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError):
        ConfigFile(path, {}).add(BLOCK, "B", {"B_TOKEN": "x"})
    assert path.read_text() == text


def test_a_link_to_a_file_elsewhere_stays_a_link(tmp_path: Path) -> None:
    path, kept = tmp_path / "config.toml", tmp_path / "dotfiles" / "config.toml"
    kept.parent.mkdir()
    kept.write_text("# mine\n")
    path.symlink_to(kept)
    ConfigFile(path, {}).add(BLOCK, "B", {"B_TOKEN": "x"})
    assert path.is_symlink()
    assert 'name = "B"' in kept.read_text()


ZOO = """name = "zoo"
title = "The zoo"

[[rules]]
title = "{{ data.animal }}"
"""


def own_preset(tmp_path: Path, text: str) -> ConfigFile:
    (tmp_path / "presets").mkdir(exist_ok=True)
    (tmp_path / "presets" / "zoo.toml").write_text(text)
    (tmp_path / "config.toml").write_text('[[streams]]\nurl = "https://zoo.example/"\npreset = "zoo"\n')
    return ConfigFile(tmp_path / "config.toml", {}, interval=0.05)


def test_a_preset_beside_the_file_is_one_of_the_presets(tmp_path: Path) -> None:
    assert [preset.title for preset in own_preset(tmp_path, ZOO).read().presets] == ["The zoo"]


def test_mistakes_in_presets_are_told_with_file_and_line_beside_those_of_the_file(tmp_path: Path) -> None:
    file = own_preset(tmp_path, ZOO + 'when = "("\nlinc = "x"\n')
    file.path.write_text('[[streams]]\nurl = "https://zoo.example/"\nidle_timout = 3\n')
    with pytest.raises(ConfigurationBroken) as caught:
        file.read()
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "config.toml:3:",
        "presets/zoo.toml:6:",
        "presets/zoo.toml:7:",
    ]


async def test_a_preset_that_is_saved_is_taken(tmp_path: Path) -> None:
    file = own_preset(tmp_path, ZOO)
    taken: asyncio.Queue[Config] = asyncio.Queue()
    task = asyncio.create_task(file.follow(file.read(), taken.put_nowait, lambda _: None))
    try:
        (tmp_path / "presets" / "zoo.toml").write_text(ZOO.replace("The zoo", "Another zoo"))
        assert [preset.title for preset in (await taken.get()).presets] == ["Another zoo"]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_whoever_asks_has_the_file_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[streams]]\nurl = "https://a.example/"\n')
    file = ConfigFile(path, {}, interval=3_600)
    taken: asyncio.Queue[Config] = asyncio.Queue()
    task = asyncio.create_task(file.follow(file.read(), taken.put_nowait, lambda error: None))
    try:
        for number in range(3):
            path.write_text(f'[[streams]]\nurl = "https://b{number}.example/"\n')
            file.look_again()
            assert (await taken.get()).streams[0].name == f"b{number}.example"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
