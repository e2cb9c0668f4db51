"""``python -m notifier`` and the installed command: soon there, and quiet if Ctrl-C comes before anything has begun."""

import gc
import signal
import sys


def script() -> None:
    """Run the command line and exit with its code."""
    # The imports take a moment, in which Ctrl-C should simply end us.  What Python would raise there instead, some
    # libraries turn into an error of their own and others lose; afterwards it is the commands' to handle.
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is imported stays.  To look for garbage in it, again and again while it grows, is a fifth of that moment.
    gc.disable()
    from notifier.cli import main

    def begin() -> None:
        gc.freeze()
        gc.enable()
        signal.signal(signal.SIGINT, handler)

    sys.exit(main(sys.argv[1:], begin=begin))


if __name__ == "__main__":
    script()
