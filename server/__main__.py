"""`python -m server` is `sse-server`."""

from server.cli import script

if __name__ == "__main__":
    script()
