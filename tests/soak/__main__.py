"""Run the soaks that are named, or all: `python -m tests.soak [NAME ...]`.

A soak is a module `soak_NAME` of this package with a `main()` that raises where something broke, and prints its counts.
"""

from pathlib import Path

from tests import chosen

if __name__ == "__main__":
    chosen.run("tests.soak", Path(__file__).parent, "soak_", "Run what takes long to break.")
