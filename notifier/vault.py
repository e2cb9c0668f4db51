"""Where a secret is in, the secret out, freshly each time: files, commands and the desktop's keyring.

It remembers nothing, so that a token that was rotated is the one that is sent next; and it tells nothing but which
file or program did not give its secret up.  What waiting may mend (a file that is not there yet, a keyring that is
locked, a command that found no network) loses the connection; what needs another installation fails the stream.
"""

import asyncio
import contextlib
import importlib.util
import os
import signal
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from notifier.errors import StreamFailed, StreamLost
from notifier.language import _
from notifier.secret import FromCommand, FromFile, FromKeyring, Secret, why_unsendable

LIMIT = 16 * 1024
"""Bytes of one secret; servers take no longer headers."""
PATIENCE = 20.0
"""Seconds that a command may take: long enough for a person to touch a key."""

LAST_WORDS = 1.0
"""Seconds for the pipe of a command that was killed to run dry."""


async def reveal(secret: Secret, *, patience: float = PATIENCE) -> str:
    """The secret itself.

    Args:
        secret: Where it is.
        patience: Seconds that a command or the keyring may take.

    Raises:
        StreamLost: it cannot be had now; asking again may help.
        StreamFailed: something must be installed first.
    """
    match secret:
        case SecretStr():
            return secret.get_secret_value()
        case FromFile():
            source, found = _("the file {path}", path=secret.path), await asyncio.to_thread(_read, Path(secret.path))
        case FromCommand():
            source = _("the command {name}", name=Path(secret.command[0]).name)
            found = await _run(secret.command, source, patience, _("run it yourself to see why"))
        case FromKeyring():
            source = _("the keyring's entry for {service}", service=secret.service)
            found = await _ask_keyring(secret, source, patience)
    if len(found) > LIMIT:
        raise StreamLost(
            _(
                "{source} gives more than {limit:,} bytes, which is no secret that can be sent",
                source=source,
                limit=LIMIT,
            )
        )
    try:
        text = found.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise StreamLost(_("{source} gives something that is not UTF-8 text", source=source)) from None
    if problem := why_unsendable(text):
        raise StreamLost(_("{source} gives a secret that cannot be sent: it {problem}", source=source, problem=problem))
    return text


def _read(path: Path) -> bytes:
    try:
        # Opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise StreamLost(_("{path} is no file, so no secret can be read from it", path=path))
        with path.open("rb") as file:
            return file.read(LIMIT + 1)
    except OSError as error:
        raise StreamLost(
            _("the file {path} with a secret cannot be read ({why})", path=path, why=error.strerror)
        ) from error


async def _ask_keyring(secret: FromKeyring, source: str, patience: float) -> bytes:
    if importlib.util.find_spec("keyring") is None:
        raise StreamFailed(
            _(
                "secrets from the keyring need one more package: "
                "install 'sse-notifier[keyring]' the way sse-notifier was installed"
            )
        )
    # In a process of its own: a keyring that asks the person for its password waits without end, and a thread that
    # waits with it could not be stopped.
    get = (sys.executable, "-P", "-m", "keyring", "get", "--", secret.service, secret.user)
    return await _run(get, source, patience, _("is there one, and is the keyring unlocked?"))


async def _run(command: Sequence[str], source: str, patience: float, advice: str) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
    except FileNotFoundError as error:
        raise StreamFailed(
            _("{source}, which gives a secret, is not installed or not in the PATH", source=source)
        ) from error
    except (OSError, ValueError) as error:
        raise StreamFailed(_("{source}, which gives a secret, cannot be run", source=source)) from error
    try:
        async with asyncio.timeout(patience):
            assert process.stdout is not None
            found = await _read_to_limit(process.stdout)
            status = 0 if len(found) > LIMIT else await process.wait()
    except TimeoutError:
        raise StreamLost(_("{source} gave no secret within {seconds:g} s", source=source, seconds=patience)) from None
    finally:
        await _end(process)
    if status != 0:
        raise StreamLost(
            _("{source} gave no secret (exit status {status}); {advice}", source=source, status=status, advice=advice)
        )
    return found


async def _read_to_limit(stream: asyncio.StreamReader) -> bytes:
    found = b""
    while len(found) <= LIMIT and (chunk := await stream.read(LIMIT + 1 - len(found))):
        found += chunk
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing goes on of a command that did not end by itself: not the command, and nothing that it started."""
    assert process.stdout is not None
    if process.returncode is None or not process.stdout.at_eof():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        # The pipe is closed when it has been read to its end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                while await process.stdout.read(LIMIT):
                    pass
    await process.wait()
