"""What the command line says: lines on standard output, sentences on standard error, the log; and in which language."""

import io
import locale
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from typing import Final

from notifier.cli.wrap import wrapped
from notifier.errors import NobodyReads, NotifierError
from notifier.language import _

ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Each where the system has it.  SIGBREAK is what Windows makes of Ctrl-Break, a closed console and a session's end."""


class Output(io.TextIOWrapper):
    """Standard output, which says in a sentence why it cannot be written, whoever writes.

    Raises:
        NobodyReads: the pipe was closed.
        NotifierError: for any other reason, such as a disk that is full.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._gone(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> NotifierError:
        # What Python flushes at exit must not meet the same trouble again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        if isinstance(error, BrokenPipeError):
            return NobodyReads(_("whoever read the output has enough"))
        return NotifierError(_("the output cannot be written: {why}", why=error.strerror))


def print_line(line: str) -> None:
    print(line, flush=True)


def is_read() -> bool:
    """Whether standard output is before a person's eyes."""
    return sys.stdout is not None and sys.stdout.isatty()


def say(sentence: str) -> None:
    if sys.stderr is not None:  # as it is for a program without a console on Windows
        print(_fitted(f"sse-notifier: {sentence}"), file=sys.stderr, flush=True)


class Sentences(logging.Formatter):
    """Records of the log as sentences of ours."""

    def format(self, record: logging.LogRecord) -> str:
        return _fitted(super().format(record))


def log(*, verbose: bool) -> None:
    if verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        return
    log_from(logging.WARNING)
    logging.getLogger("notifier").setLevel(logging.INFO)


def log_from(level: int) -> None:
    """Have what is logged, from `level` on, said on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Sentences("sse-notifier: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


def ending() -> list[signal.Signals]:
    """The signals that end us; one that we were started to ignore, as nohup does, goes on being ignored."""
    return [
        number for number in signal.Signals if number.name in ENDING and signal.getsignal(number) is not signal.SIG_IGN
    ]


def languages(platform: str = sys.platform) -> Sequence[str]:
    """Those that the desktop speaks, best first; none where only the environment says so, as on Linux."""
    if platform == "win32":
        import ctypes

        # Without arguments it may be called as functions of C are, which types are known for on every system.
        number = ctypes.cdll.kernel32.GetUserDefaultUILanguage() & 0xFFFF
        return [locale.windows_locale[number]] if number in locale.windows_locale else []
    if platform == "darwin":
        try:
            from Foundation import NSLocale
        except ImportError:  # it comes with pystray
            return []
        return [str(language) for language in NSLocale.preferredLanguages()]
    return []


def _fitted(text: str) -> str:
    """`text`, broken between words where standard error is a terminal; elsewhere as it is."""
    if sys.stderr is None or not sys.stderr.isatty():
        return text
    columns = shutil.get_terminal_size().columns
    return "\n".join("\n".join(wrapped(line, columns)) for line in text.split("\n"))
