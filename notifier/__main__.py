"""``python -m notifier``, and the installed command: quiet when Ctrl-C comes before anything has begun."""

import signal
import sys


def script() -> None:
    """Run the command line and exit with its code."""
    # The imports take a moment, in which Ctrl-C should simply end us.  What Python would raise there instead, some
    # libraries turn into an error of their own and others lose; afterwards it is the commands' to handle.
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from notifier.cli import main

    sys.exit(main(sys.argv[1:], begin=lambda: signal.signal(signal.SIGINT, handler)))


if __name__ == "__main__":
    script()
