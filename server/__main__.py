"""``python -m server``, and the installed command `sse-server`."""

import signal
import sys


def script() -> None:
    """Run the command line and exit with its code."""
    # See `server.interrupt`, which is not imported yet.
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from server.cli import main
    from server.cli.terminal import claim_output

    claim_output()
    sys.exit(main(sys.argv[1:], begin=lambda: signal.signal(signal.SIGINT, handler)))


if __name__ == "__main__":
    script()
