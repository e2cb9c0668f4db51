"""``python -m server``, and the installed command `sse-server`."""

import sys

from server.interrupt import ends_at_once


def script() -> None:
    """Run the command line and exit with its code."""
    with ends_at_once():
        from server.cli import main
        from server.cli.terminal import claim_output
    claim_output()
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    script()
