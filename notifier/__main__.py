"""``python -m notifier``, and the installed command: quiet when Ctrl-C comes before anything has begun."""

import signal
import sys


def script() -> None:
    """Run the command line and exit with its code."""
    # The imports take a moment, in which Ctrl-C should simply end us; afterwards it is the commands' to handle.
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from notifier.cli import main

    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    script()
