"""What the command line says: lines on standard output, sentences on standard error, and the log.

Exit codes: 0 done or ended by the person, 1 it did not work, 2 it was asked for wrongly.
"""

import logging
import os
import signal
import sys

from notifier.errors import NobodyReads, NotifierError
from notifier.language import _


def print_line(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # What Python flushes at exit must not meet the same trouble again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise NobodyReads(_("whoever read the output has enough")) from error
        raise NotifierError(_("the output cannot be written: {why}", why=error.strerror)) from error


def say(sentence: str) -> None:
    print(f"sse-notifier: {sentence}", file=sys.stderr, flush=True)


def log(*, verbose: bool) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s" if verbose else "sse-notifier: %(message)s",
    )
    if not verbose:
        logging.getLogger("notifier").setLevel(logging.INFO)


def ending() -> list[signal.Signals]:
    """The signals that end us; one that we were started to ignore, as nohup does, goes on being ignored."""
    numbers = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
