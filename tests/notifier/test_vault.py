"""Secrets from real files, real commands and a real keyring backend."""

import asyncio
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from notifier.errors import StreamFailed, StreamLost
from notifier.secret import FromCommand, FromFile, FromKeyring, Secret
from notifier.vault import LIMIT, reveal

BACKEND = """
import keyring.backend

class Memory(keyring.backend.KeyringBackend):
    priority = 9
    def get_password(self, service, username):
        return {("ci", "ann"): "s3cret", ("-x", "-y"): "dash"}.get((service, username))
    def set_password(self, service, username, password):
        raise NotImplementedError
"""


def python(code: str) -> FromCommand:
    return FromCommand((sys.executable, "-c", code))


def shell(script: str) -> FromCommand:
    return FromCommand(("/bin/sh", "-c", script))


async def test_text_is_its_own_secret() -> None:
    assert await reveal(SecretStr("s3cret")) == "s3cret"


@pytest.mark.parametrize("content", ["s3cret", "s3cret\n", "s3cret\r\n"])
async def test_a_file_gives_its_content_without_the_last_line_ending(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, newline="")
    assert await reveal(FromFile(str(file))) == "s3cret"


async def test_a_rotated_file_gives_its_new_content(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for token in ("old", "new"):
        file.write_text(token)
        assert await reveal(FromFile(str(file))) == token


async def test_a_command_gives_what_it_prints_and_nothing_of_it_is_read_by_a_shell(tmp_path: Path) -> None:
    secret = FromCommand((sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME `id` ; s3cret"))
    assert await reveal(secret) == "$HOME `id` ; s3cret"


async def test_a_command_has_no_standard_input() -> None:
    assert await reveal(python("import sys; print('[' + sys.stdin.read() + ']')")) == "[]"


async def test_what_a_command_leaves_running_on_purpose_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    assert (
        await reveal(shell(f"sleep 60 >/dev/null 2>&1 & echo $! > {shlex.quote(str(file))}; echo s3cret")) == "s3cret"
    )
    pid = int(file.read_text())
    os.kill(pid, 0)
    os.kill(pid, 9)


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (shell("echo s3cret; echo s3cret >&2; exit 3"), r"the command sh gave no secret \(exit status 3\); run it"),
        (shell("kill -9 $$"), r"exit status -9"),
        (shell("true"), "the command sh gives a secret that cannot be sent: it is empty"),
        (shell("echo; echo s3cret"), "it holds a line break"),
        (shell("printf 's3cret\\000'"), "a control character"),
        (shell("printf 's3cret\\377'"), "not UTF-8 text"),
        (shell("yes s3cret"), "gives more than 16,384 bytes"),
    ],
)
async def test_a_command_that_fails_is_named_and_what_it_said_is_not(secret: Secret, sentence: str) -> None:
    with pytest.raises(StreamLost, match=sentence) as caught:
        await reveal(secret)
    assert "s3cret" not in str(caught.value)


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {shlex.quote(str(file))}; echo half; wait"
    with pytest.raises(StreamLost, match="the command sh gave no secret within 1 s"):
        await reveal(shell(script), patience=1)
    await wait_until_gone(int(file.read_text()))


async def test_a_command_is_ended_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    task = asyncio.create_task(reveal(shell(f"echo $$ > {shlex.quote(str(file))}; sleep 600")))
    while not file.exists() or not file.read_text().strip():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await wait_until_gone(int(file.read_text()))


async def wait_until_gone(pid: int) -> None:
    """Also counts who is dead and not buried yet: its new parent takes its time."""
    with suppress(FileNotFoundError, ProcessLookupError):  # it may be buried between any two looks
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            await asyncio.sleep(0.01)


async def test_a_command_that_is_not_there_fails_the_stream() -> None:
    with pytest.raises(StreamFailed, match="the command vault-of-nobody, which gives a secret, is not installed"):
        await reveal(FromCommand(("vault-of-nobody", "s3cret")))


async def test_a_file_that_is_no_program_fails_the_stream(tmp_path: Path) -> None:
    file = tmp_path / "plain"
    file.write_text("s3cret")
    with pytest.raises(StreamFailed, match="the command plain, which gives a secret, cannot be run"):
        await reveal(FromCommand((str(file),)))


async def test_a_file_that_is_missing_loses_the_connection(tmp_path: Path) -> None:
    with pytest.raises(StreamLost, match=r"the file .*/token with a secret cannot be read \(No such file"):
        await reveal(FromFile(str(tmp_path / "token")))


@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
async def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = Path("/dev/zero")
    with pytest.raises(StreamLost, match="is no file"):
        await reveal(FromFile(str(path)))


async def test_a_file_that_is_too_large_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s" * (LIMIT + 1))
    with pytest.raises(StreamLost, match="more than 16,384 bytes"):
        await reveal(FromFile(str(file)))


async def test_the_keyring_gives_what_it_has_for_a_user_of_a_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory_backend.py").write_text(BACKEND)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "memory_backend.Memory")
    assert await reveal(FromKeyring("ci", "ann")) == "s3cret"
    assert await reveal(FromKeyring("-x", "-y")) == "dash"
    with pytest.raises(StreamLost, match=r"the keyring's entry for ci gave no secret .*; is there one"):
        await reveal(FromKeyring("ci", "bob"))


async def test_without_the_keyring_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(StreamFailed, match=r"install 'sse-notifier\[keyring\]' the way sse-notifier was"):
        await reveal(FromKeyring("ci", "ann"))
